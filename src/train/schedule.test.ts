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

  it('follows half a cosine on the way down, where a schedule says so', () => {
    const all = Array.from({ length: 11 }, (_, step) => rateAt(step, 11, { ...schedule, decay: 'cosine' }))
    expect(all.slice(0, 5)).toEqual(rates(11).slice(0, 5))
    // cos of 30, 60 and 90 degrees, from tables
    const parts = [0, 0.8660254 / 2, 0.5 / 2, 0].map((half, i) => (i === 0 ? 1 : 0.5 + half))
    parts.forEach((part, i) => {
      expect(all[4 + i]).toBeCloseTo(1e-5 + (5e-4 - 1e-5) * part, 10)
    })
    expect(all[10]).toBeCloseTo(1e-5, 12)
    const drops = all.slice(4).map((rate, i) => all[3 + i] - rate)
    expect(drops[1]).toBeLessThan(drops[3]) // slow at first
    expect(drops[6]).toBeLessThan(drops[4]) // and slow at the end
  })

  it('starts at the peak without a warm-up, and only warms up when the run is no longer than that', () => {
    expect(rates(3, { warmup: 0 })[0]).toBe(5e-4)
    expect(rates(1, { warmup: 0 })).toEqual([5e-4])
    expect(Math.max(...rates(4))).toBeLessThan(5e-4)
  })
})
