import { describe, expect, it } from 'vitest'
import { TINY } from '../../test/tiny-model.ts'
import { createDepthModel, type Workplace } from './depth-model.ts'

describe('what one photo may cost', () => {
  /** A photo of 100 megapixels, of which nothing but the size is looked at before the refusal. */
  const workplace: Workplace = {
    decode: async () => ({ width: 20_000, height: 15_000, data: new Uint8Array(0) }),
    predict: async () => {
      throw new Error('the network was asked')
    },
    stream: () => {
      throw new Error('the network was asked')
    },
    dispose: async () => {},
  }
  const size = { width: 128, height: 96 }
  const description = {
    name: 'tiny',
    path: 'tiny',
    hash: null,
    config: TINY,
    size,
    trainedSizes: [],
    multiple: 16,
    metric: true,
  }
  const model = createDepthModel(description, workplace)

  it('is refused in one line before the network is asked', async () => {
    await expect(model.predict('photo', { steps: true })).rejects.toThrow(
      /^the 4 maps of an image of 20000×15000 pixels would take 4.8 GB; scale it down/,
    )
    await expect(model.predictMaps('photo', { steps: true })).rejects.toThrow('the network was asked')
  })
})
