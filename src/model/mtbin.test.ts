import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, NdArray, nd, relativeError, sigma } from '../../test/op-harness.ts'
import { Graph, gradient, nodesBehind, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { type DarConfig, parseConfig } from './config.ts'
import { binCentres, binWidth, depthSpread, expectedDepth, nextWindow, type Window, wholeRange } from './mtbin.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

describe('the worked values of algorithm section 6: NYU range, 16 bins, first width 0.61875', () => {
  test.each([
    { depth: 2.34, bin: 3, window: [1.3375, 3.19375], width: 0.116015625, first: 1.3955078, last: 3.1357422 },
    { depth: 0.15, bin: 0, window: [0.1, 1.3375], width: 0.07734375, first: 0.1386719, last: 1.2988281 },
    { depth: 9.95, bin: 15, window: [8.7625, 10], width: 0.07734375, first: 8.8011719, last: 9.9613281 },
  ])('D = $depth falls in bin $bin', async ({ depth, bin, window, width, first, last }) => {
    const graph = new Graph({ float: 'float64' })
    const d = graph.input('d', [1, 1, 1, 1])
    const whole = wholeRange(d, [1, 1], parseConfig({}))
    const next = nextWindow(whole, d, d, parseConfig({}))
    const result = await evaluate(
      engine,
      {
        w0: binWidth(whole, 16),
        t: ops.floor(ops.div(ops.sub(d, whole.lo), binWidth(whole, 16))),
        lo: next.lo,
        hi: next.hi,
        w: binWidth(next, 16),
        c: binCentres(next, 16),
      },
      { d: [depth] },
    )
    expect(result.w0[0]).toBeCloseTo(0.61875, 12)
    expect(result.t[0]).toBe(bin)
    expect(result.lo[0]).toBeCloseTo(window[0], 10)
    expect(result.hi[0]).toBeCloseTo(window[1], 10)
    expect(result.w[0]).toBeCloseTo(width, 10)
    expect(result.c).toHaveLength(16)
    expect(result.c[0]).toBeCloseTo(first, 7)
    expect(result.c[15]).toBeCloseTo(last, 7)
  })
})

const SIZE = [2, 1, 4, 5]

/** Windows and depths inside them, at random. */
function scene(seed: number) {
  const random = new Random(seed)
  const lo = nd(SIZE, () => random.uniform(0.1, 5))
  const hi = nd(SIZE, (...i) => lo.at(...i) + random.uniform(0.3, 4.3))
  const d = nd(SIZE, (...i) => lo.at(...i) + (hi.at(...i) - lo.at(...i)) * random.uniform(0.02, 0.98))
  return { lo, hi, d, sigma: nd(SIZE, () => random.uniform(0, 1)) }
}

/** The window after one step, run. */
async function step(config: DarConfig, { lo, hi, d, sigma }: ReturnType<typeof scene>) {
  const graph = new Graph({ float: 'float64' })
  const t = {
    lo: graph.input('lo', SIZE),
    hi: graph.input('hi', SIZE),
    d: graph.input('d', SIZE),
    sigma: graph.input('s', SIZE),
  }
  const next = nextWindow(t, t.d, t.sigma, config)
  // A window that does not look at everything leaves inputs unused.
  const unused = ops.mul(ops.add(ops.add(t.lo, t.hi), ops.add(t.d, t.sigma)), 0)
  const result = await evaluate(
    engine,
    { lo2: ops.add(next.lo, unused), hi2: ops.add(next.hi, unused) },
    { lo: lo.data, hi: hi.data, d: d.data, s: sigma.data },
  )
  return { lo: new NdArray(SIZE, result.lo2), hi: new NdArray(SIZE, result.hi2) }
}

/** The rule of the tree, pixel by pixel. */
function tree({ lo, hi, d }: ReturnType<typeof scene>, bins: number, expand: number) {
  const edge = (pick: (t: number) => number) =>
    nd(SIZE, (...i) => {
      const w = (hi.at(...i) - lo.at(...i)) / bins
      const t = Math.min(Math.max(Math.floor((d.at(...i) - lo.at(...i)) / w), 0), bins - 1)
      return lo.at(...i) + pick(t) * w
    })
  return { lo: edge((t) => Math.max(t - expand, 0)), hi: edge((t) => Math.min(t + 1 + expand, bins)) }
}

describe('windows', () => {
  test.each([0, 1, 3, 8])(
    '«paper» keeps the bin of the depth and %i on each side, inside the window',
    async (expand) => {
      const from = scene(expand + 1)
      const expected = tree(from, 16, expand)
      const next = await step(parseConfig({ expand }), from)
      expect(relativeError(next.lo.data, expected.lo.data)).toBeLessThan(1e-12)
      expect(relativeError(next.hi.data, expected.hi.data)).toBeLessThan(1e-12)
    },
  )

  test('«paper» with other numbers of bins', async () => {
    const from = scene(9)
    const expected = tree(from, 5, 1)
    const next = await step(parseConfig({ bins: 5 }), from)
    expect(relativeError(next.hi.data, expected.hi.data)).toBeLessThan(1e-12)
  })

  test('«neighbourhood» reaches as far as the windows around', async () => {
    const from = scene(3)
    const own = tree(from, 16, 1)
    const around = (map: NdArray, pick: (...v: number[]) => number) =>
      nd(SIZE, (b, c, i, j) => {
        const values: number[] = []
        for (let p = i - 1; p <= i + 1; p++)
          for (let q = j - 1; q <= j + 1; q++) if (p >= 0 && p < 4 && q >= 0 && q < 5) values.push(map.at(b, c, p, q))
        return pick(...values)
      })
    const next = await step(parseConfig({ window: 'neighbourhood' }), from)
    expect(relativeError(next.lo.data, around(own.lo, Math.min).data)).toBeLessThan(1e-12)
    expect(relativeError(next.hi.data, around(own.hi, Math.max).data)).toBeLessThan(1e-12)
  })

  test('«elastic» is max(σ, 1.5 bins) on each side of the depth, inside the range', async () => {
    const from = scene(4)
    const half = nd(SIZE, (...i) => Math.max(from.sigma.at(...i), (1.5 * (from.hi.at(...i) - from.lo.at(...i))) / 16))
    const next = await step(parseConfig({ window: 'elastic', dMin: 0.5, dMax: 4 }), from)
    expect(
      relativeError(next.lo.data, nd(SIZE, (...i) => Math.max(from.d.at(...i) - half.at(...i), 0.5)).data),
    ).toBeLessThan(1e-12)
    expect(
      relativeError(next.hi.data, nd(SIZE, (...i) => Math.min(from.d.at(...i) + half.at(...i), 4)).data),
    ).toBeLessThan(1e-12)
  })

  test('«fixed» is the whole range again', async () => {
    const next = await step(parseConfig({ window: 'fixed', dMin: 0.5, dMax: 4 }), scene(5))
    expect([new Set(next.lo.data), new Set(next.hi.data)]).toEqual([new Set([0.5]), new Set([4])])
  })

  test.each([
    [1, 3 / 16],
    [3, 7 / 16],
  ])('with expand %i shrink, away from the borders, by the same share at every step', async (expand, share) => {
    const graph = new Graph({ float: 'float64' })
    const d = graph.input('d', [1, 1, 1, 1])
    const config = parseConfig({ expand })
    const windows: Window[] = [wholeRange(d, [1, 1], config)]
    for (let k = 1; k < 5; k++) windows.push(nextWindow(windows[k - 1], d, d, config))
    const result = await evaluate(
      engine,
      Object.fromEntries(windows.map(({ lo, hi }, k) => [`w${k}`, ops.sub(hi, lo)])),
      { d: [5.05001] },
    )
    for (let k = 1; k < 5; k++) expect(result[`w${k}`][0] / result[`w${k - 1}`][0]).toBeCloseTo(share, 10)
  })

  test('are constants for the gradient, whatever the window', () => {
    for (const window of ['paper', 'neighbourhood', 'elastic', 'fixed'] as const) {
      const graph = new Graph()
      const [d, s] = [graph.input('d', SIZE), graph.input('s', SIZE)]
      const config = parseConfig({ window })
      const { lo, hi } = nextWindow(wholeRange(d, [4, 5], config), d, s, config)
      const loss = ops.sum(ops.add(lo, hi))
      expect(() => gradient(loss, [d])).toThrow('does not influence the loss')
    }
  })
})

test('depth is the mean of the centres, σ their spread, weighed by the probabilities', async () => {
  const graph = new Graph({ float: 'float64' })
  const [p, c] = [graph.input('p', [1, 4, 1, 2]), graph.input('c', [1, 4, 1, 2])]
  const random = new Random(8)
  const raw = nd([1, 4, 1, 2], () => random.uniform(0.1, 1))
  const weight = nd([1, 4, 1, 2], (b, i, y, x) => raw.at(b, i, y, x) / sigma([4], (j) => raw.at(b, j, y, x)))
  const centre = nd([1, 4, 1, 2], (_, i) => 1 + i * 0.7)
  const depth = expectedDepth(p, c)
  const result = await evaluate(engine, { depth, sigma: depthSpread(p, c, depth) }, { p: weight.data, c: centre.data })
  const mean = [0, 1].map((x) => sigma([4], (i) => weight.at(0, i, 0, x) * centre.at(0, i, 0, x)))
  const spread = [0, 1].map((x) =>
    Math.sqrt(sigma([4], (i) => weight.at(0, i, 0, x) * (centre.at(0, i, 0, x) - mean[x]) ** 2)),
  )
  expect(relativeError(result.depth, mean)).toBeLessThan(1e-12)
  expect(relativeError(result.sigma, spread)).toBeLessThan(1e-12)
})

test('no gradient is asked of an op that has none', () => {
  const graph = new Graph()
  const d: Tensor = graph.input('d', SIZE)
  const config = parseConfig({ window: 'neighbourhood' })
  const { lo } = nextWindow(wholeRange(d, [4, 5], config), d, d, config)
  const [dd] = gradient(ops.sum(ops.mul(lo, d)), [d])
  expect(nodesBehind([dd]).some(({ op }) => op === 'maxPool')).toBe(true) // as a value only
})
