import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { stageAt, totalUpdates } from './recipe.ts'
import { loadRecipe, ownRecipes } from './recipe-file.ts'
import { parseRecipe } from './recipe-schema.ts'
import { TINY_MODEL, tinyRecipe } from './testing.ts'

const stage = { height: 32, width: 64, batch: 2 }
const recipe = tinyRecipe({
  stages: [
    { ...stage, updates: 3 },
    { ...stage, width: 32, updates: 2 },
  ],
})

describe('stages', () => {
  it('count their updates one after another', () => {
    expect(totalUpdates(recipe)).toBe(5)
    const places = [0, 1, 2, 3, 4].map((step) => stageAt(recipe, step))
    expect(places.map(({ index }) => index)).toEqual([0, 0, 0, 1, 1])
    expect(places.map(({ done }) => done)).toEqual([0, 1, 2, 0, 1])
    expect(places[3].stage).toBe(recipe.stages[1])
    expect(() => stageAt(recipe, 5)).toThrow(/past the end/)
  })
})

describe('parseRecipe', () => {
  it('takes a recipe as it is', () => {
    expect(parseRecipe(recipe, 'r')).toEqual(recipe)
  })

  it('fills in the model config’s defaults', () => {
    const model = { encoder: 'mobilenetv2', memoryWidth: 32 }
    expect(parseRecipe({ ...recipe, model }, 'r').model).toMatchObject({ ...model, steps: 5, bins: 16 })
  })

  it.each([
    ['a misspelt field', { validateEvry: 3 }, /r: .*validateEvry/],
    ['a misspelt field of a stage', { stages: [{ ...stage, updates: 3, bacth: 2 }] }, /stages\.0: .*bacth/],
    [
      'a size that the ViT cannot take',
      { stages: [{ ...stage, width: 70, updates: 3 }] },
      /stages\.0\.width: is 70.*multiples of 16/,
    ],
    [
      'a size that MobileNet cannot take',
      { model: TINY_MODEL, stages: [{ ...stage, height: 48, updates: 3 }] },
      /stages\.0\.height: is 48.*multiples of 32/,
    ],
    ['a wrong model config', { model: { heads: 5 } }, /model\.heads: must divide/],
    ['no data', { data: [] }, /data: /],
    [
      'two data sets of one name',
      { data: [recipe.data[0], recipe.data[0]] },
      /data\.1: is the second data set named rooms/,
    ],
    ['no updates', { stages: [{ ...stage, updates: 0 }] }, /stages\.0\.updates/],
    ['a rate that is no number', { schedule: { ...recipe.schedule, rate: Number.NaN } }, /schedule\.rate/],
    ['a name that is a path', { name: '../x' }, /name: must be letters/],
  ])('refuses %s and names it', (_, change, message) => {
    const parse = () => parseRecipe({ ...recipe, ...change }, 'r')
    expect(parse).toThrow(DarError)
    expect(parse).toThrow(message)
  })
})

describe('the package’s recipes', () => {
  it('are found', () => {
    expect(ownRecipes()).toContain('dar-nano')
  })

  it.each(ownRecipes())('%s is right, and has the name of its file', async (name) => {
    expect((await loadRecipe(name)).name).toBe(name)
  })
})
