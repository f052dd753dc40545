/**
 * The folder data set, the hold-outs and the loader on real frames. Looks in $DAR_REAL_DATA, else in ../shared/data beside
 * the repository, and skips itself where neither is there.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  createBatchMaker,
  type DatasetSource,
  folderDataset,
  photosDataset,
  REAL_SETS,
  type RealSet,
  renderRoom,
  SPLITS,
  splitNames,
  wholeFrame,
} from '../../src/data/index.ts'
import { judge, median, namedProtocol } from '../../src/eval/index.ts'

const root = process.env.DAR_REAL_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url))

interface Expectation {
  readonly frames: number
  readonly train: number
  readonly test: number
  readonly size: readonly [number, number]
  /** Metres: plausible medians of one frame. */
  readonly median: readonly [number, number]
  /** Least share of pixels with a measurement. */
  readonly valid: number
}

const EXPECTED: Readonly<Record<RealSet, Expectation>> = {
  rgbdd: { frames: 321, train: 267, test: 54, size: [512, 384], median: [0.6, 3.8], valid: 0.99 },
  hololens: { frames: 145, train: 112, test: 29, size: [540, 360], median: [0.8, 7.3], valid: 0.3 },
  kitchen: { frames: 125, train: 83, test: 26, size: [640, 480], median: [0.8, 3.8], valid: 0.5 },
}

const sets = REAL_SETS.filter((name) => existsSync(join(root, name)))

describe.skipIf(sets.length === 0)('real data', () => {
  it.each(sets)('%s: photos with depth in metres, and a hold-out that lies apart', async (name) => {
    const expected = EXPECTED[name]
    const dataset = await folderDataset(join(root, name))
    expect(dataset.length).toBe(expected.frames)

    const { train, test } = splitNames(dataset.names, SPLITS[name])
    expect([train.length, test.length]).toEqual([expected.train, expected.test])
    const place = new Map(dataset.names.map((frame, i) => [frame, i]))
    const at = (frame: string) => place.get(frame) ?? Number.NaN
    const apart = Math.min(...train.flatMap((a) => test.map((b) => Math.abs(at(a) - at(b)))))
    const days = (side: readonly string[]) => new Set(side.map((frame) => frame.slice(0, 8)))
    if (name === 'rgbdd') expect([...days(train)].filter((day) => days(test).has(day))).toEqual([])
    else expect(apart).toBe(5)

    for (const index of [0, Math.floor(dataset.length / 2), dataset.length - 1]) {
      const { image, depth, intrinsics } = await dataset.get(index)
      expect([image.width, image.height]).toEqual(expected.size)
      expect([depth?.width, depth?.height]).toEqual(expected.size)
      expect(intrinsics === null).toBe(name === 'rgbdd')
      const measured = depth?.data.filter((d) => d > 0) ?? new Float32Array()
      expect(measured.length / (image.width * image.height)).toBeGreaterThan(expected.valid)
      expect(median(measured)).toBeGreaterThan(expected.median[0])
      expect(median(measured)).toBeLessThan(expected.median[1])
    }
  })

  it.each(sets)(
    '%s: a prepared sample divided by its scale is the ground truth, seen from further away',
    async (name) => {
      const frame = await (await folderDataset(join(root, name))).get(20)
      const sample = wholeFrame(frame, { width: 64, height: 48 })
      const metres = sample.depth.map((d) => d / sample.scale)
      const map = { width: 64, height: 48, data: metres }
      const [figures] = judge({ ...frame, depth: map }, map, { protocols: [namedProtocol('indoor')] })
      expect(figures?.metrics.abs_rel).toBe(0)
      const truth = median(frame.depth?.data.filter((d) => d > 0) ?? [])
      expect(median(metres.filter((d) => d > 0)) / truth).toBeCloseTo(1, 1)
    },
  )

  it('batches mix all sets by weight', async () => {
    const sources = sets.map((name): DatasetSource => ({ kind: 'dataset', root: join(root, name), name, weight: 1 }))
    const options = { sources, batch: 2 * sets.length, width: 64, height: 48, seed: 1 }
    const maker = await createBatchMaker(options, renderRoom)
    const batch = await maker.make(0)
    for (const name of sets) expect(batch.names.filter((frame) => frame.startsWith(`${name}/`))).toHaveLength(2)
    expect(batch.image.every((value) => value >= 0 && value <= 1)).toBe(true)
    expect(batch.depth.some((d) => d > 0)).toBe(true)
  })
})

describe.skipIf(!existsSync(join(root, 'photos')))('real photos', () => {
  it('are read without depth', async () => {
    const photos = await photosDataset(join(root, 'photos'))
    expect(photos.length).toBe(1667)
    const { image, depth, intrinsics } = await photos.get(0)
    expect(image.data.length).toBe(3 * image.width * image.height)
    expect([depth, intrinsics]).toEqual([null, null])
  })
})
