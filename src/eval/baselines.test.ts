import { describe, expect, it } from 'vitest'
import type { Dataset, Frame } from '../data/types.ts'
import type { DepthImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { constantPredictor, DepthStatistics, depthStatistics, mapPredictor } from './baselines.ts'
import { judge } from './judge.ts'

const GRID = { width: 2, height: 2 }
const map = (width: number, ...data: number[]): DepthImage => ({
  width,
  height: data.length / width,
  data: Float32Array.from(data),
})
const statisticsOf = (...maps: DepthImage[]) => {
  const statistics = new DepthStatistics(GRID)
  for (const one of maps) statistics.add(one)
  return statistics
}
const frameOf = (depth: DepthImage | null): Frame => ({
  name: 'made/0',
  image: { width: 2, height: 2, data: new Uint8Array(12) },
  depth,
  intrinsics: null,
})

describe('the mean map', () => {
  it('is the mean of the valid depths of each place: holes, and what is out of range, do not count', () => {
    const statistics = statisticsOf(map(2, 1, 2, 0, 0), map(2, 3, 0, 4, Number.NaN), map(2, 12, 0.05, 6, 0))
    expect(statistics.frames).toBe(3)
    // Valid: 1 and 3, 2, 4 and 6, none: the last place takes the median of 1, 2, 3, 4, 6.
    expect([...statistics.meanMap().data]).toEqual([2, 2, 5, 3])
  })

  it('takes the nearest measurement from maps of other sizes and never mixes neighbours', () => {
    const statistics = statisticsOf(map(4, ...Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 0 : 1 + i / 10))))
    for (const d of statistics.meanMap().data)
      expect([1.1, 1.3, 1.5, 1.7, 1.9, 2.1, 2.3, 2.5].map(Math.fround)).toContain(d)
  })

  it('of merged sets is the mean over the frames of both', () => {
    const merged = statisticsOf(map(2, 1, 1, 1, 1), map(2, 1, 1, 1, 0))
    merged.merge(statisticsOf(map(2, 4, 0, 0, 7)))
    expect([...merged.meanMap().data]).toEqual([2, 1, 1, 4])
    expect(merged.frames).toBe(3)
    expect(() => merged.merge(new DepthStatistics({ width: 3, height: 2 }))).toThrow(DarError)
  })
})

describe('the constant', () => {
  it('is the median of all valid depths, the mean of the two middle ones for an even count', () => {
    expect(statisticsOf(map(2, 1, 9, 0, 2)).constant()).toBeCloseTo(2, 9)
    expect(statisticsOf(map(2, 1, 9, 3, 2)).constant()).toBeCloseTo(2.5, 9)
    expect(statisticsOf(map(2, 5, 5, 5, 1), map(2, 5, 0, 0, 0)).constant()).toBeCloseTo(5, 9)
  })

  it('is refused where nothing was measured', () => {
    expect(() => statisticsOf(map(2, 0, 0, 0, 11)).constant()).toThrow(/no training frame has a valid depth/)
  })
})

describe('as predictors', () => {
  const protocols = [{ region: 'full', minimum: 0.1, cap: 10, alignment: 'none' }] as const

  it('both are right where the world is what they say, and wrong by the known amount elsewhere', async () => {
    const usual = frameOf(map(2, 1, 2, 3, 4))
    const [perfect] = judge(usual, await mapPredictor(map(2, 1, 2, 3, 4))(usual), { protocols })
    expect(perfect?.metrics.abs_rel).toBe(0)
    const [constant] = judge(usual, await constantPredictor(2)(usual), { protocols })
    expect(constant?.metrics.abs_rel).toBeCloseTo((1 + 0 + 1 / 3 + 1 / 2) / 4, 9)
  })
})

it('statistics of a data set read every frame once, and refuse one without depth', async () => {
  const set = (frames: readonly Frame[]): Dataset => ({
    name: 'made',
    length: frames.length,
    get: async (index) => frames[index],
    async *[Symbol.asyncIterator]() {
      yield* frames
    },
  })
  const seen: number[] = []
  const two = [frameOf(map(2, 1, 1, 1, 1)), frameOf(map(2, 3, 3, 3, 3))]
  const statistics = await depthStatistics(set(two), { ...GRID, onProgress: (done) => seen.push(done) })
  expect([...statistics.meanMap().data]).toEqual([2, 2, 2, 2])
  expect(seen).toEqual([1, 2])
  await expect(depthStatistics(set([frameOf(null)]), GRID)).rejects.toThrow(/made\/0 has no depth map/)
})
