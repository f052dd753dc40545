import { describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { logRatio } from './log-ratio.ts'

describe('logRatio', () => {
  const random = new Random(3)

  it('is the logarithm of d/g to a few units in the last place, near and far', () => {
    let worst = 0
    for (let i = 0; i < 100_000; i++) {
      const g = 0.001 + 80 * random.uniform()
      const d = g * Math.exp(3 * (random.uniform() - 0.5) ** 3 * 8) // most near g, some at 20 times or a twentieth
      const exact = Math.log(d / g)
      // Near 1 the division itself loses digits, which a difference does not.
      const precise = Math.abs(exact) < 0.1 ? Math.log1p((d - g) / g) : exact
      if (precise !== 0) worst = Math.max(worst, Math.abs(logRatio(d, g) / precise - 1))
    }
    expect(worst).toBeLessThan(2e-15)
    expect(worst).toBeGreaterThan(0)
  })

  it('has no step where it changes its formula', () => {
    const s = Math.sqrt(0.05)
    for (const edge of [(1 + s) / (1 - s), (1 - s) / (1 + s)])
      for (const nudge of [-1e-12, 0, 1e-12])
        expect(Math.abs(logRatio(edge + nudge, 1) / Math.log(edge + nudge) - 1)).toBeLessThan(1e-15)
  })

  it('is 0 for equals, odd under exchange, and Math.log’s answer for what has none', () => {
    expect(logRatio(3.7, 3.7)).toBe(0)
    expect(logRatio(2, 2.2)).toBe(-logRatio(2.2, 2))
    expect(logRatio(Number.NaN, 1)).toBeNaN()
    expect(logRatio(Number.POSITIVE_INFINITY, 1)).toBe(Number.POSITIVE_INFINITY)
  })
})
