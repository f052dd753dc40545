import { describe, expect, it } from 'vitest'
import { flatConfig, PRESETS } from '../model/index.ts'
import { DarError } from '../support/errors.ts'
import { parseRecipe } from './recipe.ts'
import { loadRecipe } from './recipe-file.ts'
import { applySettings } from './settings.ts'
import { tinyRecipe } from './testing.ts'

const recipe = parseRecipe(tinyRecipe(), 'test')

describe('applySettings', () => {
  it('changes numbers, texts, entries of lists and fields that were absent', () => {
    const changed = applySettings(recipe, [
      'seed=3',
      'schedule.rate=2e-4',
      'stages.0.batch=4',
      'stages.0.loss.edges=0.5',
      'augmentation.mirror=0',
      'name=2026',
      'data.0.split={"kind":"tail","fraction":0.5}',
      'optimiser.multipliers.encoder.blocks.0.=0',
    ])
    expect(changed).toEqual({
      ...recipe,
      seed: 3,
      name: '2026',
      schedule: { ...recipe.schedule, rate: 2e-4 },
      stages: [{ ...recipe.stages[0], batch: 4, loss: { edges: 0.5 } }],
      augmentation: { mirror: 0 },
      data: [{ ...recipe.data[0], split: { kind: 'tail', fraction: 0.5 } }],
      optimiser: { ...recipe.optimiser, multipliers: { 'encoder.': 0.5, 'encoder.blocks.0.': 0 } },
    })
    expect(recipe).toEqual(parseRecipe(tinyRecipe(), 'test'))
  })

  it('changes fields of the model by their flat names', async () => {
    const nano = await loadRecipe('dar-nano')
    const changed = applySettings(nano, ['model.leaves=32', 'model.sizes=null'])
    expect(flatConfig(changed.model)).toEqual({ ...flatConfig(PRESETS['dar-nano']), leaves: 32 })
  })

  it('leaves an optional field out where the value is empty', async () => {
    const nano = await loadRecipe('dar-nano')
    const { also: _, ...stage } = nano.stages[0]
    expect(applySettings(nano, ['stages.0.also=']).stages).toEqual([stage])
  })

  it('applies them in their order, and gives the same recipe without any', () => {
    expect(applySettings(recipe, ['seed=3', 'seed=4']).seed).toBe(4)
    expect(applySettings(recipe, [])).toBe(recipe)
  })

  it.each([
    ['seed', /^--set seed: give path=value/],
    [
      'schedule.rat=1',
      /schedule has no field rat \(did you mean rate\?\); it has rate, initialRate, finalRate, warmup/,
    ],
    ['sed=1', /a recipe has no field sed \(did you mean seed\?\); it has name, summary, /],
    ['momentum=1', /a recipe has no field momentum; it has name/],
    ['data.0.pth=x', /data\.0 has no field pth \(did you mean path\?\); it has kind, name, path/],
    ['model.leafs=32', /model has no field leafs \(did you mean leaves\?\); it has head, encoder/],
    ['stages.1.batch=4', /stages has 1 entries, numbered from 0, and no 1/],
    ['stages.first.batch=4', /stages has 1 entries, numbered from 0, and no first/],
    ['seed.x=4', /seed is a value, which has no field x/],
    ['seed=', /seed cannot be left out/],
    ['seed=one', /seed: must be a number, not/],
    ['stages.0.batch=2.5', /stages\.0\.batch: must be a whole number/],
    ['stages.0.batch=-1', /stages\.0\.batch: .*>0/],
    ['model.window=papre', /model\.window: must be one of paper, neighbourhood/],
    ['stages.0.width=70', /with --set stages\.0\.width=70: stages\.0\.width: is 70.*multiples of 16/],
    ['model.heads=5', /with --set model\.heads=5: model\.heads: must divide/],
  ])('refuses %s', (setting, message) => {
    expect(() => applySettings(recipe, [setting])).toThrow(DarError)
    expect(() => applySettings(recipe, [setting])).toThrow(message)
  })
})
