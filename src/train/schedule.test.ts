import { describe, expect, it } from 'vitest'
import { rateAt } from './schedule.ts'

const schedule = { rate: 5e-4, initialRate: 3e-5, finalRate: 1e-5, warmup: 4 }
const rates = (total: number, change: Partial<typeof schedule> = {}) =>
  Array.from({ length: total }, (_, step) => rateAt(step, total, { ...schedule, ...change }))

describe('rateAt', () => {
  it('starts at the initial rate, peaks after the warm-up and ends at the final rate', () => {
    const all = rates(11)
    expect(all[0]).toBe(3e-5)
    expect(all[4]).toBe(5e-4)
    expect(all[10]).toBeCloseTo(1e-5, 12)
  })

  it('is linear on both sides of the peak', () => {
    const all = rates(11)
    const slopes = all.slice(1).map((rate, i) => rate - all[i])
    for (const slope of slopes.slice(0, 4)) expect(slope).toBeCloseTo((5e-4 - 3e-5) / 4, 12)
    for (const slope of slopes.slice(4)) expect(slope).toBeCloseTo((1e-5 - 5e-4) / 6, 12)
  })

  it('starts at the peak without a warm-up, and only warms up when the run is no longer than that', () => {
    expect(rates(3, { warmup: 0 })[0]).toBe(5e-4)
    expect(rates(1, { warmup: 0 })).toEqual([5e-4])
    expect(Math.max(...rates(4))).toBeLessThan(5e-4)
  })
})
