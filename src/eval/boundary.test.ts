import { describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { boundaryScores } from './boundary.ts'
import { measuredOf } from './testing.ts'

const width = 8
const height = 6
const ones = new Uint8Array(width * height).fill(1)
/** Far on the left, near from column `from` on. */
const step = (from: number) => Array.from({ length: width * height }, (_, i) => (i % width >= from ? 2 : 4))

/** The score of whole maps; with `reach`, the one across holes. */
function boundaryF1(
  p: readonly number[],
  g: readonly number[],
  valid: ArrayLike<number>,
  w: number,
  { reach }: { reach?: number } = {},
): number {
  const measured = measuredOf(g, valid, w)
  const d = Float64Array.from(measured.at, (i) => p[i])
  return reach === undefined ? boundaryScores(measured, d).neighbours : boundaryScores(measured, d, { reach }).holes
}

/** The definition, one threshold and one direction at a time. */
function slowBoundaryF1(p: number[], g: number[], valid: ArrayLike<number>, w: number): number {
  const h = p.length / w
  const thresholds = Array.from({ length: 10 }, (_, i) => 1.05 + (i * 0.2) / 9)
  let sum = 0
  for (const t of thresholds) {
    let precision = 0
    let recall = 0
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      let predicted = 0
      let actual = 0
      let both = 0
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) {
          const [nx, ny] = [x + dx, y + dy]
          if (nx < 0 || nx >= w || ny < 0 || ny >= h) continue
          const [i, j] = [y * w + x, ny * w + nx]
          if (!valid[i] || !valid[j]) continue
          const [a, b] = [p[i] / p[j] > t, g[i] / g[j] > t]
          predicted += Number(a)
          actual += Number(b)
          both += Number(a && b)
        }
      precision += both / Math.max(predicted, 1) / 4
      recall += both / Math.max(actual, 1) / 4
    }
    sum += precision + recall === 0 ? 0 : ((2 * precision * recall) / (precision + recall)) * t
  }
  return sum / thresholds.reduce((a, b) => a + b)
}

describe('boundary F1', () => {
  it('gives a quarter to a perfect prediction of one vertical edge: three directions have none', () => {
    expect(boundaryF1(step(4), step(4), ones, width)).toBeCloseTo(0.25, 12)
  })

  it('is 0 for a flat prediction and for an edge one pixel off', () => {
    expect(boundaryF1(step(0), step(4), ones, width)).toBe(0)
    expect(boundaryF1(step(5), step(4), ones, width)).toBe(0)
  })

  it('equals the definition on noise with holes, does not mind a scale, treats directions alike', () => {
    const random = new Random(11)
    const noise = () => Array.from({ length: width * height }, () => random.uniform(1, 2))
    const [p, g] = [noise(), noise()]
    const valid = p.map(() => (random.chance(0.9) ? 1 : 0))
    const value = boundaryF1(p, g, valid, width)
    expect(value).toBeGreaterThan(0)
    expect(value).toBeLessThan(1)
    expect(value).toBeCloseTo(slowBoundaryF1(p, g, valid, width), 12)
    const scaled = p.map((d) => 3 * d)
    expect(boundaryF1(scaled, g, valid, width)).toBeCloseTo(value, 12)
    // Reversing the list turns the image by 180°.
    expect(boundaryF1(p.toReversed(), g.toReversed(), valid.toReversed(), width)).toBeCloseTo(value, 12)
  })

  it('does not pair the end of a row with the start of the next', () => {
    const g = [1, 1, 1, 9, 9, 9]
    expect(boundaryF1(g, g, [0, 0, 1, 1, 0, 0], 3)).toBe(0)
    expect(boundaryF1(g, g, [0, 0, 1, 0, 0, 1], 3)).toBeCloseTo(0.25, 12)
  })
})

describe('across holes', () => {
  /** The truth's edge lies in a hole of three columns, as the shadow of a sensor does. */
  const truth = step(4).map((g, i) => (i % width >= 3 && i % width <= 5 ? 0 : g))
  const valid = Uint8Array.from(truth, (g) => Number(g > 0))

  it('an edge in a hole counts only in the variant for holed ground truth', () => {
    expect(boundaryF1(step(4), truth, valid, width)).toBe(0)
    expect(boundaryF1(step(4), truth, valid, width, { reach: 4 })).toBeGreaterThan(0)
    expect(boundaryF1(step(4), truth, valid, width, { reach: 3 })).toBe(0)
    const flat = step(4).map(() => 3)
    expect(boundaryF1(flat, truth, valid, width, { reach: 4 })).toBe(0)
  })

  it('leave the published figure as it is', () => {
    const random = new Random(31)
    const noise = () => Array.from({ length: width * height }, () => random.uniform(1, 1.6))
    const [p, g] = [noise(), noise()]
    const counts = Uint8Array.from(p, () => Number(random.chance(0.6)))
    const neighbours = boundaryF1(p, g, counts, width)
    expect(boundaryF1(p, g, counts, width, { reach: 3 })).not.toBe(neighbours)
    expect(neighbours).toBeCloseTo(slowBoundaryF1(p, g, counts, width), 12)
  })

  it('the variant is the published figure where there is no hole', () => {
    const random = new Random(21)
    const noisy = (from: number) => step(from).map((d) => d * random.uniform(0.8, 1.2))
    const [p, g] = [noisy(3), noisy(4)]
    expect(boundaryF1(p, g, ones, width, { reach: 8 })).toBe(boundaryF1(p, g, ones, width))
  })
})
