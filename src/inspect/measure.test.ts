import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { TINY } from '../../test/tiny-model.ts'
import { parseConfig } from '../model/index.ts'
import { predictionOutputs } from '../predict/prediction-graph.ts'
import { readWeights } from '../runtime/weights.ts'
import { initialise, layoutOf } from '../train/parameters.ts'
import { measurePrediction } from './measure.ts'
import { writeRandomModel } from './random-model.ts'

const statfs = vi.hoisted(() => ({ free: Number.POSITIVE_INFINITY }))
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof import('node:fs/promises')>()),
  statfs: async () => ({ bavail: statfs.free, bsize: 1 }),
}))

const size = { width: 128, height: 96 }
let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

it('writes a model of random weights, those that training of the same seed starts from', async () => {
  const path = join(folder, 'random.safetensors')
  const progress: number[] = []
  const bytes = await writeRandomModel(path, TINY, { size, seed: 5, onProgress: (done) => progress.push(done) })
  const layout = layoutOf(predictionOutputs(TINY, size).graph.parameters.values())
  expect(bytes).toBe(4 * layout.length)
  expect(progress.at(-1)).toBe(bytes)
  const { values } = await readWeights(path)
  const expected = initialise(layout, 5)
  expect(values.size).toBe(layout.entries.length)
  for (const { name, offset, length } of layout.entries)
    expect(values.get(name)).toEqual(expected.slice(offset, offset + length))
})

it('refuses before it writes when the disk has no room', async () => {
  statfs.free = 1e6
  const empty = await temporaryFolder()
  // A ViT, whose image must have sides that it can divide into patches: the size is only a wish.
  const vit = parseConfig({ ...TINY, encoder: 'vit', encoderWidth: 32, encoderDepth: 4, encoderHeads: 2 })
  const attempt = writeRandomModel(join(empty, 'random.safetensors'), vit, { size })
  await expect(attempt).rejects.toThrow(/has 0\.0 GB free and the weights take 0\.0 GB; free some space/)
  expect(await readdir(empty)).toEqual([])
  statfs.free = Number.POSITIVE_INFINITY
})

it('measures a prediction in a process of its own', async () => {
  const path = join(folder, 'measured.safetensors')
  await writeRandomModel(path, TINY, { size })
  const measured = await measurePrediction({ model: path, size, threads: 1, runs: 2 })
  expect(measured.networkSize).toEqual(size)
  expect(measured.peakBytes).toBeGreaterThan(50e6)
  expect(measured.peakBytes).toBeLessThan(2e9)
  expect(measured.milliseconds.run).toBeGreaterThan(0)
  expect(measured.range[0]).toBeGreaterThanOrEqual(TINY.dMin)
  expect(measured.range[1]).toBeLessThanOrEqual(TINY.dMax * 1.001)
})

it('passes on why the process failed', async () => {
  const missing = join(folder, 'missing.safetensors')
  await expect(measurePrediction({ model: missing, size })).rejects.toThrow(
    /cannot read the model .*missing\.safetensors/,
  )
})
