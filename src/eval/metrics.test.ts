import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DepthImage } from '../image/types.ts'
import { parseSafetensors } from '../safetensors/index.ts'
import { Random } from '../support/random.ts'
import { type Alignment, applyFit, clampPrediction, fitAlignment } from './align.ts'
import { boundaryScores } from './boundary.ts'
import { type Figures, judge } from './judge.ts'
import { PixelSums, pixelMetrics } from './metrics.ts'
import { frameOf, measuredOf } from './testing.ts'

const path = new URL('../../test/fixtures/metrics.safetensors', import.meta.url)
const fixture = parseSafetensors(readFileSync(path), 'metrics').tensors
const values = (name: string) => Array.from(fixture.get(name)?.data ?? [], Number)
/** The order of the fixture's lists. */
const ORDER = [
  'abs_rel',
  'sq_rel',
  'rmse',
  'rmse_log',
  'log10',
  'silog',
  'd1',
  'd2',
  'd3',
  'boundary_f1',
] as const satisfies (keyof Figures)[]

const map = (data: ArrayLike<number>, width: number): DepthImage => ({
  width,
  height: data.length / width,
  data: Float32Array.from(data),
})

/** The figures of one image. */
function figuresOf(predicted: DepthImage, truth: DepthImage, { cap = 10, alignment = 'none' as Alignment } = {}) {
  const protocols = [{ region: 'full', minimum: 1e-3, cap, alignment }] as const
  const [figures] = judge(frameOf(truth), predicted, { protocols })
  return figures?.metrics
}

describe('golden values', () => {
  it('of docs/algorithm.md', () => {
    const golden = {
      abs_rel: 0.1583333,
      sq_rel: 0.1333333,
      rmse: 0.75,
      rmse_log: 0.1895091,
      log10: 0.0669016,
      silog: 18.9234146,
      d1: 0.5,
      d2: 1,
      d3: 1,
    }
    const measured = pixelMetrics([1, 2, 4, 9], [1, 2.5, 3, 10])
    for (const [name, value] of Object.entries(golden))
      expect(Math.abs(measured[name as keyof typeof golden] - value), name).toBeLessThan(1e-7)
  })

  it('of the golden vector in the fixture', () => {
    const measured = pixelMetrics(values('input/golden_depth'), values('input/golden_gt'))
    const expected = values('trace/golden')
    expect(expected).toHaveLength(9)
    expected.forEach((value, i) => {
      expect(measured[ORDER[i] as keyof typeof measured], ORDER[i]).toBeCloseTo(value, 5)
    })
  })

  it.each<[string, number, boolean, Alignment]>([
    ['region_cap10_none', 10, true, 'none'],
    ['region_cap10_median', 10, true, 'median'],
    ['region_cap10_scale+shift', 10, true, 'scale+shift'],
    ['whole_cap8_none', 8, false, 'none'],
  ])('of the scene with infinities, NaN and holes: %s', (name, cap, cropped, alignment) => {
    // The region is a mask; ground truth outside of it does not count, like a hole.
    const region = values('input/region')
    const truth = values('input/gt').map((g, i) => (cropped && region[i] === 0 ? 0 : g))
    const measured = figuresOf(map(values('input/pred'), 32), map(truth, 32), { cap, alignment })
    const expected = values(`trace/${name}`)
    expect(expected).toHaveLength(10)
    expected.forEach((value, i) => {
      // The fixture is rounded to float32.
      expect(Math.abs((measured?.[ORDER[i]] ?? Number.NaN) - value), ORDER[i]).toBeLessThanOrEqual(1.2e-7 * (1 + value))
    })
  })
})

/**
 * The fixtures are rounded to float32; these figures are the reference's in float64, of pairs that an integer generator
 * makes bit for bit in any language: three numbers a pixel give the truth, the prediction's error, and the holes.
 */
describe('random pairs', () => {
  const golden = JSON.parse(
    readFileSync(new URL('../../test/fixtures/metrics_float64.json', import.meta.url), 'utf8'),
  ) as { cases: { case: number; cap: number; alignment: Alignment; metrics: Figures }[] }
  let state = 12345
  const draw = () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const scenes = Array.from({ length: 4 }, () => {
    const truth = new Float64Array(24 * 32)
    const predicted = new Float64Array(24 * 32)
    for (let i = 0; i < 24 * 32; i++) {
      const [a, b, c] = [draw(), draw(), draw()]
      truth[i] = c < 0.15 ? 0 : 0.3 + 11 * a
      predicted[i] = (0.3 + 11 * a) * (0.7 + 0.6 * b) + 0.1
    }
    return { truth, predicted }
  })

  it.each(golden.cases)('$case, $alignment, cap $cap: the figures of the reference to 1e-9', (expected) => {
    const { truth, predicted } = scenes[expected.case]
    const valid = Uint8Array.from(truth, (g) => Number(g > 1e-3 && g < expected.cap))
    const measurements = measuredOf(truth, valid, 32)
    const { at, g } = measurements
    const raw = Float64Array.from(at, (i) => predicted[i])
    const d = clampPrediction(applyFit(raw, fitAlignment(raw, g, expected.alignment)), expected.cap)
    const measured = { ...pixelMetrics(d, g), boundary_f1: boundaryScores(measurements, d).neighbours }
    expect(Object.keys(expected.metrics)).toHaveLength(10)
    for (const name of ORDER) expect(Math.abs(measured[name] - expected.metrics[name]), name).toBeLessThan(1e-9)
  })
})

describe('sums', () => {
  it('pooled over parts are those of the whole', () => {
    const random = new Random(9)
    const g = Array.from({ length: 500 }, () => random.uniform(0.5, 9))
    const d = g.map((truth) => truth * random.uniform(0.6, 1.4))
    const parts = [0, 7, 300, 500]
    const pooled = new PixelSums()
    for (let k = 1; k < parts.length; k++)
      pooled.merge(new PixelSums().add(d.slice(parts[k - 1], parts[k]), g.slice(parts[k - 1], parts[k])))
    const whole = pixelMetrics(d, g)
    for (const [name, value] of Object.entries(pooled.metrics()))
      expect(value, name).toBeCloseTo(whole[name as keyof typeof whole], 10)
    expect(pooled.pixels).toBe(500)
  })
})

describe('properties', () => {
  const pair = fc.array(
    fc.tuple(fc.double({ min: 0.1, max: 9, noNaN: true }), fc.double({ min: 0.1, max: 9, noNaN: true })),
    { minLength: 1, maxLength: 50 },
  )

  it('a perfect prediction has no error and full accuracy', () => {
    fc.assert(
      fc.property(pair, (pairs) => {
        const g = pairs.map(([, truth]) => truth)
        expect(pixelMetrics(g, g)).toEqual({
          d1: 1,
          d2: 1,
          d3: 1,
          abs_rel: 0,
          sq_rel: 0,
          rmse: 0,
          rmse_log: 0,
          log10: 0,
          silog: 0,
        })
      }),
    )
  })

  it('ratios and logs do not change with the unit, rmse does', () => {
    fc.assert(
      fc.property(pair, (pairs) => {
        const d = pairs.map(([prediction]) => prediction)
        const g = pairs.map(([, truth]) => truth)
        const metres = pixelMetrics(d, g)
        const feet = pixelMetrics(
          d.map((x) => 4 * x),
          g.map((x) => 4 * x),
        )
        expect(feet.abs_rel).toBeCloseTo(metres.abs_rel, 10)
        expect(feet.silog).toBeCloseTo(metres.silog, 6)
        expect(feet.rmse).toBeCloseTo(4 * metres.rmse, 9)
        expect(feet.d1).toBe(metres.d1)
      }),
    )
  })

  it('nothing but boundaries sees where a pixel is: flipped images have the same figures', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.constantFrom<Alignment>('none', 'median', 'scale+shift', 'scale+shift-inverse'),
        (seed, alignment) => {
          const random = new Random(seed)
          const truth = Array.from({ length: 48 }, () => (random.chance(0.2) ? 0 : random.uniform(0.5, 9)))
          const predicted = truth.map((g) => (g + 1) * random.uniform(0.6, 1.4))
          const flip = (values: number[]) => values.map((_, i) => values[i - (i % 8) + 7 - (i % 8)])
          const straight = figuresOf(map(predicted, 8), map(truth, 8), { alignment })
          const flipped = figuresOf(map(flip(predicted), 8), map(flip(truth), 8), { alignment })
          for (const name of ORDER) expect(flipped?.[name], name).toBeCloseTo(straight?.[name] ?? Number.NaN, 9)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('accuracies are nested and the log error bounds its own spread', () => {
    fc.assert(
      fc.property(pair, (pairs) => {
        const m = pixelMetrics(
          pairs.map(([d]) => d),
          pairs.map(([, g]) => g),
        )
        expect(m.d1).toBeLessThanOrEqual(m.d2)
        expect(m.d2).toBeLessThanOrEqual(m.d3)
        expect(m.silog / 100).toBeLessThanOrEqual(m.rmse_log + 1e-12)
      }),
    )
  })
})

it('the threshold of d1 is strict', () => {
  expect(pixelMetrics([1.25, 1.24], [1, 1]).d1).toBe(0.5)
})
