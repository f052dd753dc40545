import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY, writeTinyModel } from '../../test/tiny-model.ts'
import type { Frame } from '../data/types.ts'
import { loadModel } from '../node/load-model.ts'
import type { DepthModel } from '../predict/depth-model.ts'
import { Random } from '../support/random.ts'
import { evaluate, modelPredictor, namedProtocol } from './index.ts'

const [WIDTH, HEIGHT] = [100, 75]

let folder = ''
let model: DepthModel
beforeAll(async () => {
  folder = await temporaryFolder()
  model = await loadModel(await writeTinyModel(join(folder, 'tiny.safetensors')), { threads: 1 })
})
afterAll(async () => {
  await model.dispose()
})

const random = new Random(4)
const frame: Frame = {
  name: 'a frame',
  image: {
    width: WIDTH,
    height: HEIGHT,
    data: Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, () => 256 * random.uniform()),
  },
  depth: {
    width: WIDTH,
    height: HEIGHT,
    data: Float32Array.from({ length: WIDTH * HEIGHT }, () => 0.5 + 4 * random.uniform()),
  },
  intrinsics: { fx: 90, fy: 92, cx: 50, cy: 37 },
}

describe('modelPredictor', () => {
  it('gives the maps as the network does, every step, the last being the output', async () => {
    const { data, width, height, steps = [], sigma } = await modelPredictor(model)(frame)
    expect(steps.length).toBe(TINY.steps)
    expect(steps[TINY.steps - 1].data).toBe(data)
    expect([width, height]).toEqual([128, 96]) // the convex upsampler's: the network's input
    expect([steps[0].width, steps[0].height]).toEqual([16, 12])
    expect([sigma?.width, sigma?.height]).toEqual([16, 12])
  })

  it('leaves the earlier steps out when they are not asked for', async () => {
    expect((await modelPredictor(model, { steps: false })(frame)).steps).toEqual([])
  })

  it('at the image’s size gives what predict gives, with the frame’s own lens', async () => {
    const map = await model.predict(frame.image, { focal: Math.sqrt(90 * 92), steps: true })
    const { data, steps = [], sigma, width, height } = await modelPredictor(model, { maps: 'image' })(frame)
    expect([width, height]).toEqual([WIDTH, HEIGHT])
    expect(data).toEqual(map.depth)
    expect(sigma?.data).toEqual(map.sigma)
    expect(steps.map((step) => step.data)).toEqual(map.steps.map(({ depth }) => depth))
  })

  it('is judged alike at both sizes, up to the rounding of float32 maps', async () => {
    const dataset = {
      name: 'one frame',
      length: 1,
      get: async () => frame,
      async *[Symbol.asyncIterator]() {
        yield frame
      },
    }
    const figures = async (maps: 'network' | 'image') => {
      const protocols = [namedProtocol('indoor')]
      const [{ metrics, steps, calibration }] = await evaluate(dataset, modelPredictor(model, { maps }), { protocols })
      return [metrics, ...steps, calibration].flatMap((one) => Object.values<number>({ ...one }))
    }
    const [network, image] = [await figures('network'), await figures('image')]
    expect(network.length).toBe(11 + 9 * TINY.steps + 6)
    network.forEach((value, i) => {
      expect(Math.abs(value - image[i])).toBeLessThan(1e-5 * (1 + Math.abs(value)))
    })
    expect(network).not.toEqual(image) // or this compares a thing with itself
  })
})
