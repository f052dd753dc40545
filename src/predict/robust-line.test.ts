import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { robustLine } from './robust-line.ts'

/** Evenly spread x, y on a line, and every `wrong`-th y replaced. */
function points(n: number, slope: number, offset: number, { wrong = 0, noise = 0, seed = 1 } = {}) {
  const random = new Random(seed)
  const x = Float64Array.from({ length: n }, (_, i) => i / n)
  const y = x.map((value, i) => {
    if (wrong > 0 && i % wrong === 0) return random.uniform(-20, 20)
    return slope * value + offset + noise * random.normal()
  })
  return { x, y }
}

const coefficient = fc.integer({ min: -500, max: 500 }).map((n) => n / 100)

describe('robustLine', () => {
  it('recovers any line exactly, whatever is at four of ten points', () => {
    fc.assert(
      fc.property(coefficient, coefficient, fc.integer(), (slope, offset, seed) => {
        const { x, y } = points(60, slope, offset)
        const random = new Random(seed)
        const spoiled = y.map((value, i) => (i % 5 < 2 ? value + random.uniform(1, 30) : value))
        const line = robustLine(x, spoiled)
        expect(line.slope).toBeCloseTo(slope, 6)
        expect(line.offset).toBeCloseTo(offset, 6)
        expect(line.weights.reduce((count, w) => count + (w > 0 ? 1 : 0), 0)).toBe(36)
      }),
      { numRuns: 60 },
    )
  })

  it('stays where outliers pull from one end, which least squares does not', () => {
    const x = Float64Array.from({ length: 100 }, (_, i) => i)
    const y = x.map((value) => (value >= 70 ? 0 : value))
    expect(robustLine(x, y).slope).toBeCloseTo(1, 6)
  })

  it('is near least squares on normal noise, and knows its size', () => {
    const { x, y } = points(4000, 2, -1, { noise: 0.1 })
    const { slope, offset, deviation } = robustLine(x, y)
    expect(slope).toBeCloseTo(2, 1)
    expect(offset).toBeCloseTo(-1, 1)
    expect(deviation).toBeCloseTo(0.1, 2)
  })

  it('moves with y, and scales with x and y', () => {
    const { x, y } = points(80, 1.5, 0.3, { wrong: 4, noise: 0.05 })
    const line = robustLine(x, y)
    const other = robustLine(
      x.map((value) => value / 4),
      y.map((value) => 3 * value + 7),
    )
    expect(other.slope).toBeCloseTo(12 * line.slope, 6)
    expect(other.offset).toBeCloseTo(3 * line.offset + 7, 6)
  })

  it('does not depend on the order of the points', () => {
    const { x, y } = points(500, 1.5, 0.3, { wrong: 3, noise: 0.05 })
    const backwards = robustLine(x.toReversed(), y.toReversed())
    const line = robustLine(x, y)
    expect(backwards.slope).toBeCloseTo(line.slope, 9)
    expect(backwards.offset).toBeCloseTo(line.offset, 9)
  })

  it('fits the offset alone where the slope is given', () => {
    const { x, y } = points(50, 3, 2, { wrong: 4 })
    const line = robustLine(x, y, { slope: 3 })
    expect(line.slope).toBe(3)
    expect(line.offset).toBeCloseTo(2, 9)
  })

  it('counts errors of important points more', () => {
    // Two lines; those of the second half are a thousandth as important, so that their errors look small.
    const x = Float64Array.from({ length: 40 }, (_, i) => (i % 20) / 20)
    const y = x.map((value, i) => (i < 20 ? value : value + 0.01))
    const importance = x.map((_, i) => (i < 20 ? 1 : 1e-3))
    expect(robustLine(x, y, { importance }).offset).toBeCloseTo(0, 3)
  })
})
