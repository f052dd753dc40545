/** The pipeline in this thread over an engine; what `loadModel` makes of it is in node/load-model.test.ts. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineRunner } from '../../test/engine-runner.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY, writeTinyModel } from '../../test/tiny-model.ts'
import type { RgbImage } from '../image/types.ts'
import { loadModel } from '../node/load-model.ts'
import { type ModelFile, openModel } from '../node/model-file.ts'
import { Engine, live } from '../runtime/engine.ts'
import { lensOf } from './lens.ts'
import { type Job, Pipeline } from './pipeline.ts'

let folder = ''
let file: ModelFile
let engine: Engine
beforeAll(async () => {
  folder = await temporaryFolder()
  file = await openModel(await writeTinyModel(join(folder, 'tiny.safetensors')), { mapAbove: 1e9 })
  engine = new Engine({ threads: 1 })
})
afterAll(async () => {
  await engine.dispose()
})

function photo(width = 100, height = 75): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => 128 + 100 * Math.sin(i / 50))
  return { width, height, data }
}

const job = (options: Partial<Job> = {}): Job => ({
  image: photo(),
  metres: 1,
  range: null,
  steps: false,
  maps: 'image',
  ...options,
})

const LANDSCAPE = { width: 128, height: 96 }
const SIZES = [LANDSCAPE, { width: 96, height: 128 }, { width: 160, height: 96 }, { width: 96, height: 96 }]

describe('the pipeline', () => {
  it('gives what a loaded model gives, bit for bit', async () => {
    const image = photo(97, 61)
    await using model = await loadModel(file.path, { threads: 1 })
    const map = await model.predict(image, { steps: true })
    const { metres } = lensOf(image, map.networkSize)
    await using pipeline = new Pipeline(file, engineRunner(engine))
    const [answer] = await pipeline.predict(map.networkSize, [job({ image, metres, steps: true })])
    const same = (a: Float32Array, b: Float32Array) => expect(Buffer.compare(bytes(a), bytes(b))).toBe(0)
    same(map.depth, answer.depth.data)
    same(map.sigma!, answer.sigma!.data)
    expect(map.steps.length).toBe(TINY.steps)
    map.steps.forEach((step, i) => {
      same(step.depth, answer.steps[i].depth.data)
      same(step.sigma!, answer.steps[i].sigma!.data)
    })
  })

  it('multiplies every map by the metres of the job, and by nothing else', async () => {
    await using pipeline = new Pipeline(file, engineRunner(engine), { batch: 2 })
    const jobs = [job({ steps: true, maps: 'network' }), job({ metres: 2, steps: true, maps: 'network' })]
    const [one, two] = await pipeline.predict(LANDSCAPE, jobs)
    const doubled = (a: Float32Array, b: Float32Array) => b.every((value, i) => Math.abs(value - 2 * a[i]) < 1e-5)
    expect(doubled(one.depth.data, two.depth.data)).toBe(true)
    expect(doubled(one.sigma!.data, two.sigma!.data)).toBe(true)
    expect(doubled(one.steps[0].depth.data, two.steps[0].depth.data)).toBe(true)
    expect(two.steps.at(-1)!.depth).toBe(two.depth)
    expect([one.finite, two.finite]).toEqual([true, true])
  })

  it('compiles once for a network size and a number of images', async () => {
    const before = live.programs
    await using pipeline = new Pipeline(file, engineRunner(engine), { batch: 2 })
    await pipeline.predict(LANDSCAPE, [job()])
    expect(live.programs).toBe(before + 1)
    await pipeline.predict(LANDSCAPE, [job({ image: photo(200, 150) })])
    expect(live.programs).toBe(before + 1)
    await pipeline.predict(LANDSCAPE, [job(), job()])
    expect(live.programs).toBe(before + 2)
  })

  it('frees the programs of sizes that are no longer in use, and all of them at the end', async () => {
    const before = { ...live }
    const pipeline = new Pipeline(file, engineRunner(engine))
    for (const size of SIZES) await pipeline.predict(size, [job()])
    expect(live.programs).toBe(before.programs + 3)
    await pipeline.dispose()
    expect(live).toEqual(before)
  })
})

const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => new Uint8Array(buffer, byteOffset, byteLength)
