import { join } from 'node:path'
import { RawImage } from '@huggingface/transformers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { live } from '../runtime/engine.ts'
import { DarError } from '../support/errors.ts'
import { type DepthEstimationPipeline, pipeline } from './depth-pipeline.ts'

const [WIDTH, HEIGHT] = [40, 30]
const pixels = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => 128 + 100 * Math.sin(i / 50))

let file = ''
let estimate: DepthEstimationPipeline
beforeAll(async () => {
  file = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'))
  estimate = await pipeline('depth-estimation', file, { threads: 1 })
})
afterAll(() => estimate.dispose())

describe('pipeline', () => {
  it('gives the two keys of transformers.js, and the whole result', async () => {
    const { predicted_depth, depth, result } = await estimate({ width: WIDTH, height: HEIGHT, data: pixels })
    expect(predicted_depth).toMatchObject({ type: 'float32', dims: [HEIGHT, WIDTH], size: WIDTH * HEIGHT })
    expect(predicted_depth.data).toBe(result.depth)
    expect(depth).toMatchObject({ width: WIDTH, height: HEIGHT, channels: 1, size: [WIDTH, HEIGHT] })
    const { min, max } = result
    result.depth.forEach((metres, i) => {
      expect(Math.abs(depth.data[i] - ((metres - min) / (max - min)) * 255)).toBeLessThanOrEqual(1)
    })
    expect([Math.min(...depth.data), Math.max(...depth.data)]).toEqual([0, 255])
  })

  it('takes their RawImage, and a list for a list', async () => {
    const raw = new RawImage(pixels, WIDTH, HEIGHT, 3)
    const [one, two] = await estimate([raw, { width: WIDTH, height: HEIGHT, data: pixels }], { focal: 30 })
    expect(one.predicted_depth.data).toEqual(two.predicted_depth.data)
    expect(one.result.focal.source).toBe('given')
    expect(await estimate([])).toEqual([])
    const { data, width, height, channels } = one.depth
    expect(new RawImage(data, width, height, channels).rgb().channels).toBe(3) // and theirs can be made of ours
  })

  it('refuses another task, and frees the model', async () => {
    await expect(pipeline('image-to-text' as 'depth-estimation', file)).rejects.toThrow(DarError)
    const before = live.engines
    {
      await using other = await pipeline('depth-estimation', file, { threads: 1 })
      expect(other.task).toBe('depth-estimation')
      expect(live.engines).toBe(before + 1)
    }
    expect(live.engines).toBe(before)
  })
})
