import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { calibrate, SPARSIFICATION_STEPS } from './calibration.ts'

/** The definition: sort, drop, average, one share at a time; trapezoids, the curve 0 at the end. */
function slowArea(error: readonly number[], key: readonly number[], root: boolean): number {
  const kept = error.map((e, i) => ({ e, key: key[i] })).sort((a, b) => a.key - b.key)
  const curve: number[] = []
  for (let k = 0; k < 50; k++) {
    const count = Math.max(1, Math.round((1 - k / 50) * kept.length))
    const mean = kept.slice(0, count).reduce((sum, { e }) => sum + e, 0) / count
    curve.push(root ? Math.sqrt(mean) : mean)
  }
  curve.push(0)
  let area = 0
  for (let k = 0; k < 50; k++) area += (curve[k] + curve[k + 1]) / 2 / 50
  return area
}

function scene(seed: number, count: number) {
  const random = new Random(seed)
  const g = Array.from({ length: count }, () => random.uniform(1, 5))
  const sigma = g.map(() => random.uniform(0.01, 0.5))
  const d = g.map((truth, i) => truth + sigma[i] * random.normal())
  return { d, g, sigma }
}

describe('calibration of sigma', () => {
  it('is what the definition says', () => {
    const { d, g, sigma } = scene(3, 400)
    const { figures } = calibrate(d, g, sigma)
    const relative = d.map((depth, i) => Math.abs(depth - g[i]) / g[i])
    const squares = d.map((depth, i) => (depth - g[i]) ** 2)
    expect(figures.ause_abs_rel).toBeCloseTo(slowArea(relative, sigma, false) - slowArea(relative, relative, false), 12)
    expect(figures.ause_rmse).toBeCloseTo(slowArea(squares, sigma, true) - slowArea(squares, squares, true), 12)
    const all = relative.reduce((sum, e) => sum + e, 0) / 400
    expect(figures.aurg_abs_rel).toBeCloseTo(all * 0.99 - slowArea(relative, sigma, false), 12)
  })

  it('holds 68.3 % and 95.4 % of errors that sigma describes, and ranks them better than chance', () => {
    const { d, g, sigma } = scene(4, 200_000)
    const { figures } = calibrate(d, g, sigma)
    expect(figures.within_1sigma).toBeCloseTo(0.6827, 2)
    expect(figures.within_2sigma).toBeCloseTo(0.9545, 2)
    expect(figures.aurg_abs_rel).toBeGreaterThan(0.01)
  })

  it('a sigma that is the error is perfect, and one that says nothing is chance', () => {
    const values = fc.array(fc.double({ min: 0.5, max: 9, noNaN: true }), { minLength: 2, maxLength: 200 })
    fc.assert(
      fc.property(values, fc.integer(), (g, seed) => {
        const random = new Random(seed)
        const d = g.map((truth) => truth * random.uniform(0.5, 1.5))
        const relative = d.map((depth, i) => Math.abs(depth - g[i]) / g[i])
        expect(calibrate(d, g, relative).figures.ause_abs_rel).toBeCloseTo(0, 12)
        const flat = calibrate(d, g, new Float64Array(g.length).fill(0.1)).figures
        expect(flat.aurg_abs_rel).toBeCloseTo(0, 9)
        expect(flat.ause_abs_rel).toBeGreaterThanOrEqual(-1e-12)
      }),
      { numRuns: 30 },
    )
  })

  it('does not depend on the order of the pixels, nor its ranking on the unit of sigma', () => {
    const { d, g, sigma } = scene(5, 300)
    const whole = calibrate(d, g, sigma)
    const turned = calibrate(d.toReversed(), g.toReversed(), sigma.toReversed())
    expect(turned.figures.ause_abs_rel).toBeCloseTo(whole.figures.ause_abs_rel, 12)
    const scaled = calibrate(
      d,
      g,
      sigma.map((s) => 7 * s),
    )
    expect(scaled.figures.ause_rmse).toBe(whole.figures.ause_rmse)
    expect(calibrate(d, g, sigma, { scale: 7 })).toEqual(scaled)
    expect(whole.curves.sigma).toHaveLength(SPARSIFICATION_STEPS)
  })

  it('counts each pixel of one sigma with their mean, wherever a share ends among them', () => {
    const { d, g, sigma } = scene(6, 500)
    const coarse = sigma.map((s) => Math.ceil(8 * s))
    const errors = d.map((depth, i) => Math.abs(depth - g[i]) / g[i])
    const meanOf = (s: number) => {
      const group = errors.filter((_, i) => coarse[i] === s)
      return group.reduce((sum, e) => sum + e, 0) / group.length
    }
    const grouped = coarse.map(meanOf)
    const { figures } = calibrate(d, g, coarse)
    expect(figures.ause_abs_rel).toBeCloseTo(slowArea(grouped, coarse, false) - slowArea(errors, errors, false), 12)
  })

  it('takes a sigma that is NaN for no knowledge at all', () => {
    const { figures } = calibrate([1, 2, 3], [1, 2, 4], [0.1, 0.1, Number.NaN])
    expect(figures.within_1sigma).toBeCloseTo(2 / 3, 12)
    expect(figures.ause_abs_rel).toBeCloseTo(0, 12)
  })
})
