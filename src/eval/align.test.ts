import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { median } from '../support/median.ts'
import { type Alignment, applyFit, clampPrediction, fitAlignment, parseAlignment } from './align.ts'

const depths = fc.array(fc.double({ min: 0.5, max: 9, noNaN: true }), { minLength: 3, maxLength: 40 })
const ones = (n: number) => new Uint8Array(n).fill(1)

/** Fitted to the pixels where `valid` is nonzero, applied to all. */
function align(prediction: readonly number[], truth: readonly number[], valid: ArrayLike<number>, kind: Alignment) {
  const used = (values: readonly number[]) => values.filter((_, i) => valid[i])
  return applyFit(prediction, fitAlignment(used(prediction), used(truth), kind))
}

describe('alignment', () => {
  it('none returns the prediction unchanged, in a new array', () => {
    const prediction = [1, Number.NaN, -3]
    const aligned = align(prediction, [2, 2, 2], ones(3), 'none')
    expect([...aligned]).toEqual(prediction)
  })

  it('median undoes any scale', () => {
    fc.assert(
      fc.property(depths, fc.double({ min: 0.1, max: 10, noNaN: true }), (truth, scale) => {
        const aligned = align(
          truth.map((g) => g * scale),
          truth,
          ones(truth.length),
          'median',
        )
        for (let i = 0; i < truth.length; i++) expect(aligned[i]).toBeCloseTo(truth[i], 9)
      }),
    )
  })

  it('scale+shift undoes any scale and shift', () => {
    fc.assert(
      fc.property(
        depths,
        fc.double({ min: 0.2, max: 5, noNaN: true }),
        fc.double({ min: -3, max: 3, noNaN: true }),
        (base, scale, shift) => {
          const truth = [1, 5, ...base]
          const aligned = align(
            truth.map((g) => (g - shift) / scale),
            truth,
            ones(truth.length),
            'scale+shift',
          )
          for (let i = 0; i < truth.length; i++) expect(aligned[i]).toBeCloseTo(truth[i], 7)
        },
      ),
    )
  })

  it('scale+shift has no larger squared error than any nearby line', () => {
    const prediction = [1, 2, 3, 4.5, 7]
    const truth = [1.4, 2.1, 4, 5, 6]
    const error = (line: ArrayLike<number>) => truth.reduce((sum, g, i) => sum + (line[i] - g) ** 2, 0)
    const best = error(align(prediction, truth, ones(5), 'scale+shift'))
    // Slope and intercept of the fit, from two of its points.
    const fit = align(prediction, truth, ones(5), 'scale+shift')
    const slope = (fit[1] - fit[0]) / (prediction[1] - prediction[0])
    const intercept = fit[0] - slope * prediction[0]
    for (const [ds, dt] of [
      [0.01, 0],
      [-0.01, 0],
      [0, 0.01],
      [0, -0.01],
    ])
      expect(error(prediction.map((d) => (slope + ds) * d + intercept + dt))).toBeGreaterThan(best)
  })

  it('fits on valid pixels with a finite prediction only', () => {
    const prediction = [2, 4, 6, Number.POSITIVE_INFINITY, 100]
    const truth = [1, 2, 3, 4, 0]
    for (const kind of ['median', 'scale+shift'] as const) {
      const aligned = align(prediction, truth, [1, 1, 1, 1, 0], kind)
      expect(aligned[0]).toBeCloseTo(1, 12)
      expect(aligned[2]).toBeCloseTo(3, 12)
      expect(aligned[4]).toBeCloseTo(50, 12)
    }
  })

  it('gives NaN when a constant prediction leaves the slope undetermined', () => {
    expect(align([2, 2], [1, 3], ones(2), 'scale+shift').every(Number.isNaN)).toBe(true)
  })
})

it('clampPrediction sends NaN and −inf to the smallest depth and +inf to the cap', () => {
  const odd = Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -2, 50, 3)
  expect([...clampPrediction(odd, 10)]).toEqual([1e-3, 10, 1e-3, 1e-3, 10, 3])
})

it('parseAlignment names the choices when it does not know the value', () => {
  expect(parseAlignment('median')).toBe('median')
  expect(() => parseAlignment('least-squares')).toThrow(DarError)
  expect(() => parseAlignment('least-squares')).toThrow(/"least-squares".*none, median, scale\+shift/)
})

describe('alignment in inverse depth', () => {
  it('undoes any scale and shift of inverse depth', () => {
    fc.assert(
      fc.property(
        depths,
        fc.double({ min: 0.2, max: 5, noNaN: true }),
        fc.double({ min: 0, max: 3, noNaN: true }),
        (base, scale, shift) => {
          const truth = [1, 5, ...base]
          const predicted = truth.map((g) => 1 / (scale / g + shift))
          const aligned = align(predicted, truth, ones(truth.length), 'scale+shift-inverse')
          for (let i = 0; i < truth.length; i++) expect(aligned[i]).toBeCloseTo(truth[i], 6)
        },
      ),
    )
  })

  it('puts what the fit sends beyond infinity infinitely far, and what was no depth nowhere', () => {
    const aligned = applyFit([1, 100, -1, Number.NaN], { scale: 1, shift: -0.5, inverse: true })
    expect([...aligned]).toEqual([2, Number.POSITIVE_INFINITY, Number.NaN, Number.NaN])
  })
})

it('the median is that of sorting, whatever the values', () => {
  // Below the largest numbers, whose sum overflows in the reference.
  const numbers = fc.array(
    fc.oneof(fc.double({ min: -1e300, max: 1e300 }), fc.constantFrom(1, 2, Number.POSITIVE_INFINITY)),
    {
      minLength: 1,
      maxLength: 300,
    },
  )
  fc.assert(
    fc.property(numbers, (values) => {
      const sorted = Float64Array.from(values).sort()
      const expected = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
      expect(Math.abs(median(values))).toEqual(Math.abs(expected)) // 0 and −0 are the same depth
    }),
    { numRuns: 300 },
  )
})
