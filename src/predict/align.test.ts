import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { type AlignSpace, alignDepth, applyAlignment, type DepthPoint, fitAlignmentTo, pointsOfDepth } from './align.ts'

const [WIDTH, HEIGHT] = [64, 48]

/** A room: 1 m at the lower edge to 6 m at the upper, a little different from column to column. */
const depthOf = (x: number, y: number) => 1 + (5 * (HEIGHT - 1 - y)) / (HEIGHT - 1) + 0.3 * Math.sin(x / 7)
const room = () => ({
  width: WIDTH,
  height: HEIGHT,
  depth: Float32Array.from({ length: WIDTH * HEIGHT }, (_, i) => depthOf(i % WIDTH, Math.floor(i / WIDTH))),
})

/** Points all over the map, where `truth` of its depth is measured. */
function measured(
  truth: (d: number) => number,
  { count = 60, seed = 1 }: { count?: number; seed?: number } = {},
): DepthPoint[] {
  const random = new Random(seed)
  const { depth } = room()
  return Array.from({ length: count }, () => {
    const [u, v] = [random.integer(0, WIDTH), random.integer(0, HEIGHT)]
    return { u, v, metres: truth(depth[v * WIDTH + u]) }
  })
}

const spoiled = (points: readonly DepthPoint[], every: number) => {
  const random = new Random(9)
  return points.map((point, i) => (i % every === 0 ? { ...point, metres: random.uniform(0.2, 30) } : point))
}

/** Slope and offset that leave every depth of the room positive. */
const SHAPES: Readonly<Record<AlignSpace, (a: number, b: number) => (d: number) => number>> = {
  log: (a, b) => (d) => Math.exp(b) * d ** a,
  inverse: (a, b) => (d) => 1 / (a / d + Math.abs(b)),
}
const slope = fc.integer({ min: 60, max: 160 }).map((n) => n / 100)
const offset = fc.integer({ min: -50, max: 50 }).map((n) => n / 100)

describe('alignDepth', () => {
  it.each(['log', 'inverse'] as const)(
    'recovers any scale and shift in %s depth, a third of the points wrong',
    (space) => {
      fc.assert(
        fc.property(slope, offset, fc.integer(), (a, b, seed) => {
          const truth = SHAPES[space](a, b)
          const map = room()
          const { depth, alignment } = alignDepth(map, spoiled(measured(truth, { seed }), 3), { in: space })
          expect(alignment.fitted).toBe('scale and shift')
          expect(alignment.slope).toBeCloseTo(a, 3)
          for (let i = 0; i < depth.length; i += 37) expect(depth[i] / truth(map.depth[i])).toBeCloseTo(1, 3)
        }),
        { numRuns: 40 },
      )
    },
  )

  it.each(['log', 'inverse'] as const)('chooses %s depth by itself where that is the truth', (space) => {
    const truth = SHAPES[space](1.4, 0.3)
    expect(alignDepth(room(), measured(truth)).alignment.space).toBe(space)
  })

  it('reports the points, the outliers, and the errors before and after', () => {
    const points = spoiled(
      measured((d) => 1.5 * d),
      4,
    )
    const { alignment } = alignDepth(room(), [...points, { u: 500, v: 3, metres: 2 }, { u: 3, v: 3, metres: 0 }])
    expect(alignment).toMatchObject({ points: 60, leftOut: 2, from: 'metres', space: 'log' })
    expect(alignment.inliers).toBeGreaterThanOrEqual(44)
    expect(alignment.inliers).toBeLessThanOrEqual(47)
    expect(alignment.before?.relative).toBeCloseTo(Math.log(1.5), 2)
    expect(alignment.after.relative).toBeLessThan(1e-3)
    expect(alignment.after.rms).toBeLessThan(1e-3)
  })

  it('does not change a map that fits already, and leaves its input as it was', () => {
    const map = room()
    const before = map.depth.slice()
    const { depth, alignment } = alignDepth(
      map,
      measured((d) => d),
    )
    expect(alignment.slope).toBeCloseTo(1, 6)
    expect(alignment.offset).toBeCloseTo(0, 6)
    expect(Math.max(...depth.map((d, i) => Math.abs(d - before[i])))).toBeLessThan(1e-4)
    expect(map.depth).toEqual(before)
  })

  it('gives the same for the points in another order', () => {
    const points = spoiled(
      measured((d) => 2 * d ** 0.8, { count: 400 }),
      3,
    )
    const one = fitAlignmentTo(room(), points)
    const other = fitAlignmentTo(room(), points.toReversed())
    expect(other.slope).toBeCloseTo(one.slope, 9)
    expect(other.inliers).toBe(one.inliers)
  })

  it('fits the scale alone to few points, and says so', () => {
    const few = measured((d) => 2 * d, { count: 5 })
    const { depth, alignment } = alignDepth(room(), few)
    expect(alignment).toMatchObject({ fitted: 'scale', slope: 1, points: 5 })
    expect(Math.exp(alignment.offset)).toBeCloseTo(2, 6)
    expect(depth[0] / room().depth[0]).toBeCloseTo(2, 5)
    expect(alignment.notes).toEqual(['only the scale was fitted: 5 points are too few for a shift, which takes 8'])
  })

  it('fits the scale alone to points at one depth, and says so', () => {
    const wall = { ...room(), depth: new Float32Array(WIDTH * HEIGHT).fill(2) }
    const points = measured(() => 3)
    for (const space of ['log', 'inverse'] as const) {
      const { depth, alignment } = alignDepth(wall, points, { in: space })
      expect(alignment.fitted).toBe('scale')
      expect(alignment.notes.join()).toMatch(/all at about one depth/)
      expect(depth[5]).toBeCloseTo(3, 5)
    }
  })

  it('one point of three may be wrong', () => {
    const [a, b, c] = measured((d) => 2 * d, { count: 3 })
    const { alignment } = alignDepth(room(), [a, b, { ...c, metres: 25 }])
    expect(Math.exp(alignment.offset)).toBeCloseTo(2, 5)
    expect(alignment.inliers).toBe(2)
  })

  it.each([
    ['no points', [], /^0 of 0 points can be used; give at least 3/],
    ['two', measured((d) => d, { count: 2 }), /^2 of 2 points can be used; give at least 3/],
    [
      'points of another photo',
      measured((d) => d).map((point) => ({ ...point, u: point.u + 1000 })),
      /^0 of 60 points can be used, 60 lie outside the photo of 64×48 pixels/,
    ],
    [
      'points in one place',
      Array.from({ length: 20 }, (_, i) => ({ u: 30 + (i % 3), v: 20 + (i % 2), metres: 2 })),
      /^the 20 points lie within 2 pixels of each other in a photo of 64×48: one place/,
    ],
    ['metres that fall where depth rises', measured((d) => 10 / d), /^the points contradict the map/],
    ['no metres', measured(() => Number.NaN), /^0 of 60 points can be used; give/],
  ])('refuses %s', (_, points, message) => {
    expect(() => alignDepth(room(), points)).toThrow(message)
  })

  it.each([1e300, 1e-300])('refuses points of %d metres, which no float32 map can hold', (metres) => {
    const points = measured((d) => d * metres)
    expect(() => alignDepth(room(), points)).toThrow(/^0 of 60 points can be used/)
  })

  it('says when the points are in millimetres', () => {
    const noteOf = (unit: number) =>
      alignDepth(
        room(),
        measured((d) => d * unit),
      ).alignment.notes.join()
    expect(noteOf(1000)).toMatch(/the points are 1000 times as far as the model says; check that they are in metres/)
    expect(noteOf(2)).toBe('')
  })

  it('refuses options that make no sense', () => {
    const points = measured((d) => d)
    expect(() => alignDepth(room(), points, { in: 'linear' as 'log' })).toThrow(/'linear'; it is log or inverse/)
    expect(() => alignDepth(room(), points, { from: 'feet' as 'metres' })).toThrow(/'feet'; it is metres or inverse/)
    expect(() => alignDepth(room(), points, { space: 'log' } as object)).toThrow(/no option 'space'/)
  })

  it('says when points and map disagree all the same', () => {
    const random = new Random(3)
    const points = measured((d) => d, { count: 200 }).map((point) => ({
      ...point,
      metres: point.metres * Math.exp(random.uniform(-1, 1)),
    }))
    expect(alignDepth(room(), points, { in: 'log' }).alignment.notes.join()).toMatch(/still differ by more than \d+ %/)
  })

  it('a line of a lidar is enough', () => {
    const map = room()
    const points = Array.from({ length: HEIGHT }, (_, v) => ({ u: 30, v, metres: 1.7 * map.depth[v * WIDTH + 30] }))
    expect(alignDepth(map, points).alignment).toMatchObject({ fitted: 'scale and shift', notes: [] })
  })

  it.each(['log', 'inverse'] as const)('carries sigma along in %s depth as a small step of depth does', (space) => {
    const map = { ...room(), sigma: new Float32Array(WIDTH * HEIGHT).fill(1e-3) }
    const points = measured(SHAPES[space](0.8, 0.2))
    const { sigma, alignment } = alignDepth(map, points, { in: space })
    const farther = applyAlignment({ ...map, depth: map.depth.map((d) => d + 1e-3) }, alignment)
    const here = applyAlignment(map, alignment)
    for (let i = 0; i < map.depth.length; i += 101)
      expect(sigma![i] / (farther.depth[i] - here.depth[i])).toBeCloseTo(1, 2)
  })

  it('makes metres of inverse depth without a unit', () => {
    const truth = room()
    const relative = {
      ...truth,
      depth: truth.depth.map((d) => 40 / d - 5),
      sigma: new Float32Array(truth.depth.length).fill(0.01),
    }
    relative.depth[0] = 0
    const points = spoiled(
      measured((d) => d),
      4,
    )
    const { depth, sigma, alignment } = alignDepth(relative, points, { from: 'inverse' })
    expect(alignment).toMatchObject({ space: 'inverse', before: null, from: 'inverse' })
    for (let i = 1; i < depth.length; i += 29) expect(depth[i] / truth.depth[i]).toBeCloseTo(1, 3)
    expect(depth[0]).toBeCloseTo(8, 1) // 1 / (5/40): what no inverse depth is left of
    expect(sigma![0] / (alignment.slope * depth[0] ** 2 * 0.01)).toBeCloseTo(1, 5)
  })

  it('writes 0 for what lies at infinity and beyond, and says how much', () => {
    const far = room()
    far.depth.fill(60, 0, WIDTH)
    const points = measured((d) => 1 / (1 / d - 0.05), { count: 200 }).filter(({ v }) => v > 0)
    const { depth, alignment } = alignDepth(far, points, { in: 'inverse' })
    expect([...depth.subarray(0, WIDTH)]).toEqual(new Array(WIDTH).fill(0))
    expect(alignment.notes).toEqual([
      '2.1 % of the pixels lie at infinity or beyond after alignment and are written as 0',
    ])
  })

  it('leaves holes of a map as they are, and takes no point there', () => {
    const map = room()
    map.depth.fill(0, 0, 10 * WIDTH)
    const { depth, alignment } = alignDepth(
      map,
      measured((d) => 2 * d),
    )
    expect(Math.max(...depth.subarray(0, 10 * WIDTH))).toBe(0)
    expect(alignment.leftOut).toBeGreaterThan(3)
  })
})

describe('pointsOfDepth', () => {
  it('takes the measured pixels, at the places of the photo', () => {
    const data = new Float32Array(8 * 6)
    data[0] = 1
    data[8 * 6 - 1] = 2
    expect(pointsOfDepth({ width: 8, height: 6, data }, { width: 16, height: 12 })).toEqual([
      { u: 0.5, v: 0.5, metres: 1 },
      { u: 14.5, v: 10.5, metres: 2 },
    ])
  })

  it('takes 100,000 of more, evenly spread', () => {
    const data = new Float32Array(500 * 300).fill(3)
    const points = pointsOfDepth({ width: 500, height: 300, data }, { width: 500, height: 300 })
    expect(points.length).toBe(100_000)
    expect(points.filter(({ v }) => v < 150).length).toBe(50_000)
  })

  it('refuses a map of another shape', () => {
    const map = { width: 8, height: 8, data: new Float32Array(64).fill(1) }
    expect(() => pointsOfDepth(map, { width: 16, height: 12 })).toThrow(/8×8 pixels and the photo 16×12/)
  })
})
