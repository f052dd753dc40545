import { describe, expect, it } from 'vitest'
import { UNSEEN_ROOMS, validationSeed } from '../data/index.ts'
import { DarError } from '../support/errors.ts'
import { parseRecipe, type Stage } from './recipe.ts'
import { loadRecipe, ownRecipes } from './recipe-file.ts'
import { shapesOf, stageAt, totalUpdates, turnAt } from './stages.ts'
import { NO_AUGMENTATION, TINY_MODEL, tinyRecipe } from './testing.ts'

const stage = { height: 32, width: 64, batch: 2 }
const recipe = tinyRecipe({
  stages: [
    { ...stage, updates: 3 },
    { ...stage, width: 32, updates: 2 },
  ],
})

const TAUGHT = { kind: 'dataset', name: 'photos', path: 'photos', weight: 1, teacher: true }

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

describe('the shapes of a stage', () => {
  const turns = (stage: Stage, count: number) => Array.from({ length: count }, (_, done) => turnAt(stage, done))
  const wide = { height: 32, width: 64 }

  it('are its own, without more', () => {
    const plain = { ...stage, updates: 9 }
    expect(shapesOf(plain)).toEqual([wide])
    expect(turns(plain, 3)).toEqual([0, 1, 2].map((done) => ({ shape: 0, before: [done] })))
  })

  it('with portraits turn on their side at every n-th update', () => {
    const portraits = { ...stage, updates: 9, portraitEvery: 3 }
    expect(shapesOf(portraits)).toEqual([wide, { height: 64, width: 32 }])
    expect(turns(portraits, 7).map(({ shape }) => shape)).toEqual([0, 0, 1, 0, 0, 1, 0])
    expect(turns(portraits, 7).map(({ before }) => before)).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [2, 1],
      [3, 1],
      [4, 1],
      [4, 2],
    ])
  })

  it('with others take turns in the order of the list, one that stands twice twice', () => {
    const tall = { height: 64, width: 48 }
    const mixed = { ...stage, updates: 9, also: [tall, wide, { height: 16, width: 16 }] }
    expect(shapesOf(mixed)).toEqual([wide, tall, { height: 16, width: 16 }])
    expect(turns(mixed, 6).map(({ shape }) => shape)).toEqual([0, 1, 0, 2, 0, 1])
    expect(turns(mixed, 6).at(-1)?.before).toEqual([3, 1, 1])
  })
})

describe('parseRecipe', () => {
  it('takes a recipe as it is', () => {
    expect(parseRecipe(recipe, 'r')).toEqual(recipe)
  })

  it('takes a teacher whom every stage weighs', () => {
    const taught = {
      ...recipe,
      data: [...recipe.data, TAUGHT],
      stages: recipe.stages.map((one) => ({ ...one, loss: { teacher: 0.1 } })),
    }
    expect(parseRecipe(taught, 'r')).toEqual(taught)
  })

  it('fills in the model config’s defaults', () => {
    const model = { encoder: 'mobilenetv2', memoryWidth: 32 }
    expect(parseRecipe({ ...recipe, model }, 'r').model).toMatchObject({
      encoder: { kind: 'mobilenetv2', multiplier: 1, stages: null },
      memoryWidth: 32,
      steps: 5,
      window: { bins: 16 },
    })
  })

  it.each([
    ['a misspelt field', { validateEvry: 3 }, /r: .*validateEvry/],
    ['patience without a best', { patience: 3 }, /patience: is 3, but the recipe has no best to wait for/],
    ['a misspelt field of a stage', { stages: [{ ...stage, updates: 3, bacth: 2 }] }, /stages\.0: .*bacth/],
    [
      'a size that the ViT cannot take',
      { stages: [{ ...stage, width: 70, updates: 3 }] },
      /stages\.0\.width: is 70.*multiples of 16/,
    ],
    [
      'a size that MobileNet cannot take',
      { model: TINY_MODEL, stages: [{ ...stage, height: 40, updates: 3 }] },
      /stages\.0\.height: is 40.*multiples of 16/,
    ],
    [
      'two ways to mix shapes',
      { stages: [{ ...stage, updates: 3, portraitEvery: 2, also: [{ height: 32, width: 32 }] }] },
      /stages\.0\.also: and portraitEvery are two ways to mix shapes/,
    ],
    [
      'another shape that the encoder cannot take',
      { stages: [{ ...stage, updates: 3, also: [{ height: 32, width: 40 }] }] },
      /stages\.0\.width: is 40.*multiples of 16/,
    ],
    [
      'features on disk of pictures that change',
      { stages: [{ ...stage, updates: 3, cacheFeatures: true }], optimiser: { multipliers: { 'encoder.': 0 } } },
      /stages\.0\.cacheFeatures: needs pictures that are the same.*whole: 1 \(is 0\.15\), .*mirror: 0 \(is 0\.5\)/,
    ],
    [
      'features on disk of an encoder that learns',
      { stages: [{ ...stage, updates: 3, cacheFeatures: true, augmentation: NO_AUGMENTATION }], optimiser: {} },
      /stages\.0\.cacheFeatures: needs a frozen encoder; set optimiser\.multipliers to \{ 'encoder\.': 0 \}/,
    ],
    [
      'a number of micro-batches that does not divide the batch',
      { stages: [{ ...stage, updates: 3, batch: 4, accumulate: 3 }] },
      /stages\.0\.accumulate: is 3, which does not divide the batch of 4/,
    ],
    ['a wrong model config', { model: { heads: 5 } }, /model\.heads: must divide/],
    [
      'a misspelt field of the loss',
      { stages: [{ ...stage, updates: 3, loss: { edge: 1 } }] },
      /stages\.0\.loss: .*edge/,
    ],
    [
      "a teacher's data without its weight",
      { data: [...recipe.data, TAUGHT] },
      /stages\.0\.loss\.teacher: is missing, but the depth of photos is a teacher's.*stages\.1\.loss\.teacher/,
    ],
    [
      'the weight of a teacher that no data has',
      { stages: [{ ...stage, updates: 3, loss: { teacher: 0.1 } }] },
      /stages\.0\.loss\.teacher: weighs a teacher, but no data set has teacher: true/,
    ],
    [
      'how a teacher is believed that nobody asked for',
      { stages: [{ ...stage, updates: 3, loss: { teacherFit: 'scale' } }] },
      /stages\.0\.loss\.teacherFit: says how a teacher is believed, but there is none; leave it out/,
    ],
    [
      'a weight of 0, which would show images for nothing',
      { data: [...recipe.data, TAUGHT], stages: [{ ...stage, updates: 3, loss: { teacher: 0 } }] },
      /stages\.0\.loss\.teacher: /,
    ],
    [
      "a teacher's depth alone",
      { data: [TAUGHT], stages: [{ ...stage, updates: 3, loss: { teacher: 0.1 } }] },
      /data: has a teacher's depth only, which has no scale/,
    ],
    [
      "a teacher's depth as the truth of a validation",
      {
        data: [...recipe.data, { ...TAUGHT, validation: {} }],
        stages: [{ ...stage, updates: 3, loss: { teacher: 0.1 } }],
      },
      /data\.1\.validation: cannot be a teacher's depth/,
    ],
    [
      'a teacher of a head with a loss of its own',
      {
        model: { ...recipe.model, head: 'dorn' },
        data: [...recipe.data, TAUGHT],
        stages: [{ ...stage, updates: 3, loss: { teacher: 0.1 } }],
      },
      /model\.head: is dorn, which learns from no teacher; leave photos out/,
    ],
    [
      'a kind of data that is none',
      { data: [{ ...recipe.data[0], kind: 'folder' }] },
      /data\.0\.kind: must be dataset .* or rooms/,
    ],
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

  it.each(ownRecipes())('%s neither trains nor validates on the rooms that figures are of', async (name) => {
    const seeds = (await loadRecipe(name)).data.flatMap((one) =>
      one.kind === 'rooms' ? [one.seed, validationSeed(one.seed)] : [],
    )
    expect(seeds).not.toContain(UNSEEN_ROOMS.seed)
  })
})
