import { describe, expect, it } from 'vitest'
import { median } from './median.ts'
import { Random } from './random.ts'

describe('median', () => {
  it('is the middle value of an odd count and the mean of the middle two of an even one', () => {
    expect(median([5, 1, 3])).toBe(3)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([10, 9, 100])).toBe(10)
  })

  it('of many values is that of the sorted ones, however they are spread', () => {
    const random = new Random(5)
    const n = 20_000
    const sets = {
      noise: Array.from({ length: n }, () => random.uniform(0, 9)),
      odd: Array.from({ length: n + 1 }, () => random.normal()),
      ramp: Array.from({ length: n }, (_, i) => i),
      constant: new Array<number>(n).fill(3),
      // The sample, every ninth value, sees nothing of the rest.
      unlucky: Array.from({ length: n }, (_, i) => (i % 9 === 0 ? 100 + i : random.uniform(0, 1))),
      infinite: Array.from({ length: n }, (_, i) => [Number.POSITIVE_INFINITY, 1, 2][i % 3]),
    }
    for (const [name, values] of Object.entries(sets)) {
      const sorted = values.toSorted((a, b) => a - b)
      const upper = values.length >> 1
      const expected = values.length % 2 ? sorted[upper] : (sorted[upper - 1] + sorted[upper]) / 2
      expect(median(values), name).toBe(expected)
    }
  })

  it('counts NaN as the largest', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => (i % 4 === 0 ? Number.NaN : i % 2))
    expect(median(values)).toBe(1)
    expect(median(values.map((value, i) => (i % 3 ? Number.NaN : value)))).toBeNaN()
  })

  it('is NaN of nothing and leaves its input as it was', () => {
    expect(median([])).toBeNaN()
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
})
