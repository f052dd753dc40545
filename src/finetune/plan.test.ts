import { describe, expect, it } from 'vitest'
import { splitNames } from '../data/index.ts'
import { PRESETS } from '../model/index.ts'
import { finetuneRecipe, networkSizes, type Starting } from './plan.ts'

const MODEL: Starting = {
  name: 'dar-test',
  config: PRESETS['dar-nano'],
  size: { width: 256, height: 192 },
  trainedSizes: [
    { width: 256, height: 192 },
    { width: 192, height: 256 },
  ],
  multiple: 16,
}
const folder = (count: number) => ({
  name: 'my photos',
  path: 'my photos',
  names: Array.from({ length: count }, (_, i) => `f${String(i).padStart(4, '0')}`),
  options: { layout: 'folder' } as const,
})

describe('the plan of a fine-tune', () => {
  it('trains at the sizes that the model would see the photos at, without rare ones', () => {
    expect(networkSizes({ imageSizes: { '640x480': 40, '1280x960': 6, '480x640': 4 } }, MODEL)).toEqual([
      { width: 256, height: 192 },
    ])
    const both = networkSizes({ imageSizes: { '640x480': 30, '480x640': 20 } }, MODEL)
    expect(both).toEqual(MODEL.trainedSizes)
    const [stage] = finetuneRecipe(MODEL, folder(50), both).stages
    expect(stage).toMatchObject({ width: 256, height: 192, also: [{ width: 192, height: 256 }], batch: 4 })
  })

  it('keeps 28 of 50 frames to train on, in three runs of neighbours with a gap between each two', () => {
    const { data, name, stages } = finetuneRecipe(MODEL, folder(50), MODEL.trainedSizes.slice(0, 1))
    const [set] = data
    if (set.kind !== 'dataset' || !set.split || !set.choose) throw new Error('no hold-out')
    const { train: left, test } = splitNames(folder(50).names, set.split)
    const { train, test: choice } = splitNames(left, set.choose)
    expect([train.length, choice.length, test.length]).toEqual([28, 8, 10])
    expect([train.at(-1), choice[0], choice.at(-1), test[0]]).toEqual(['f0027', 'f0030', 'f0037', 'f0040'])
    expect([name, stages[0].updates]).toEqual(['finetune-my-photos', 140])
  })

  it('has neither very few updates nor very many', () => {
    const updates = (count: number) => finetuneRecipe(MODEL, folder(count), MODEL.trainedSizes).stages[0].updates
    expect([updates(20), updates(5000)]).toEqual([80, 600])
  })
})
