import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DepthImage } from '../image/types.ts'
import { parseSafetensors } from '../safetensors/index.ts'
import { DarError } from '../support/errors.ts'
import { Random } from '../support/random.ts'
import { type Alignment, align, clampPrediction } from './align.ts'
import { boundaryF1 } from './boundary.ts'
import { aggregate, imageMetrics, type Metrics, PixelSums, pixelMetrics, validPixels } from './metrics.ts'

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
] as const satisfies (keyof Metrics)[]

const map = (data: ArrayLike<number>, width: number): DepthImage => ({
  width,
  height: data.length / width,
  data: Float32Array.from(data),
})

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
    const region = cropped ? Uint8Array.from(values('input/region')) : null
    const measured = imageMetrics(map(values('input/pred'), 32), map(values('input/gt'), 32), {
      cap,
      region,
      alignment,
    })
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
  ) as { cases: { case: number; cap: number; alignment: Alignment; metrics: Metrics }[] }
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
    const inside = (g: number) => g > 1e-3 && g < expected.cap
    const valid = Uint8Array.from(truth, (g) => Number(inside(g)))
    const clamped = clampPrediction(align(predicted, truth, valid, expected.alignment), expected.cap)
    const at = [...truth.keys()].filter((i) => valid[i])
    const d = at.map((i) => clamped[i])
    const g = at.map((i) => truth[i])
    const measured = { ...pixelMetrics(d, g), boundary_f1: boundaryF1(clamped, truth, valid, 32) }
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
          const straight = imageMetrics(map(predicted, 8), map(truth, 8), { alignment })
          const flipped = imageMetrics(map(flip(predicted), 8), map(flip(truth), 8), { alignment })
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

it('valid pixels are finite, above a millimetre, below the cap and in the region', () => {
  const truth = map([0, Number.NaN, Number.POSITIVE_INFINITY, 1e-4, 10, 9.99, 1, 1], 4)
  expect([...validPixels(truth, 10)]).toEqual([0, 0, 0, 0, 0, 1, 1, 1])
  expect([...validPixels(truth, 10, { top: 1, bottom: 2, left: 0, right: 3 })]).toEqual([0, 0, 0, 0, 0, 1, 1, 0])
})

it('an image without valid pixels has no metrics, and the mean counts it apart', () => {
  const truth = map([0, 0], 2)
  expect(imageMetrics(map([1, 2], 2), truth)).toBeNull()
  const one = imageMetrics(map([1, 2], 2), map([1, 4], 2))
  const other = imageMetrics(map([3, 3], 2), map([3, 3], 2))
  const mean = aggregate([one, null, other])
  expect(mean.images).toBe(2)
  expect(mean.empty).toBe(1)
  expect(mean.metrics.abs_rel).toBeCloseTo(0.125, 12)
  expect(mean.metrics.d1).toBeCloseTo(0.75, 12)
})

it('refuses to average nothing and to compare maps of two sizes', () => {
  expect(() => aggregate([null])).toThrow(DarError)
  expect(() => imageMetrics(map([1, 2], 2), map([1, 2, 3, 4], 2))).toThrow(/prediction is 2x1, ground truth 2x2/)
})
