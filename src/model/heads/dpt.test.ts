import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, NdArray, nd, numbers, relativeError, sigma, someWeights } from '../../../test/op-harness.ts'
import { Graph } from '../../graph/index.ts'
import { Engine } from '../../runtime/engine.ts'
import { type DarConfig, parseConfig } from '../config.ts'
import { DEPTH_ANYTHING } from '../depth-anything.ts'
import { fuse } from '../neck.ts'
import { dptHead } from './dpt.ts'

/**
 * Depth Anything's DPT (dpt.py, util/blocks.py) in plain loops, written from its definition: `w` gives parameters by the names
 * of algorithm section 13. Taps of B = 1 on a patch grid; the answer on the patch grid times `patch`.
 */
class Original {
  constructor(
    private readonly weights: Readonly<Record<string, ArrayLike<number>>>,
    private readonly shapes: ReadonlyMap<string, readonly number[]>,
  ) {}

  private w(name: string): NdArray {
    return new NdArray(this.shapes.get(name)!, Float64Array.from(this.weights[name]))
  }

  private conv(name: string, x: NdArray, { stride = 1, bias = true } = {}): NdArray {
    const weight = this.w(`${name}.weight`)
    const b = bias ? this.w(`${name}.bias`) : null
    const [outputs, inputs, k] = weight.shape
    const side = (n: number) => Math.floor((n + 2 * (k >> 1) - k) / stride) + 1
    return nd(
      [1, outputs, side(x.shape[2]), side(x.shape[3])],
      (_, o, i, j) =>
        (b?.at(o) ?? 0) +
        sigma(
          [inputs, k, k],
          (c, p, q) => weight.at(o, c, p, q) * x.padded(0, c, i * stride + p - (k >> 1), j * stride + q - (k >> 1)),
        ),
    )
  }

  /** Every input pixel becomes a k×k tile. */
  private tiles(name: string, x: NdArray): NdArray {
    const weight = this.w(`${name}.weight`)
    const bias = this.w(`${name}.bias`)
    const [inputs, outputs, k] = weight.shape
    return nd([1, outputs, x.shape[2] * k, x.shape[3] * k], (_, o, i, j) => {
      const [row, col] = [Math.floor(i / k), Math.floor(j / k)]
      return bias.at(o) + sigma([inputs], (c) => x.at(0, c, row, col) * weight.at(c, o, i % k, j % k))
    })
  }

  private unit(name: string, x: NdArray): NdArray {
    return sum(x, this.conv(`${name}.conv2`, relu(this.conv(`${name}.conv1`, relu(x)))))
  }

  run(taps: readonly NdArray[], patch: number, last: 'relative' | { readonly dMax: number }): NdArray {
    const [rows, cols] = taps[0].shape.slice(2)
    const projected = taps.map((tap, i) => this.conv(`neck.projects.${i}`, tap))
    const layers = [
      this.tiles('neck.resize.0', projected[0]),
      this.tiles('neck.resize.1', projected[1]),
      projected[2],
      this.conv('neck.resize.3', projected[3], { stride: 2 }),
    ].map((layer, i) => this.conv(`neck.reduce.${i}`, layer, { bias: false }))
    let path: NdArray | null = null
    for (const k of [3, 2, 1, 0]) {
      const name = `neck.refine${k + 1}`
      const x: NdArray = path ? sum(path, this.unit(`${name}.unit1`, layers[k])) : layers[k]
      const [h, w] = k > 0 ? layers[k - 1].shape.slice(2) : [2 * x.shape[2], 2 * x.shape[3]]
      path = this.conv(`${name}.out`, aligned(this.unit(`${name}.unit2`, x), h, w))
    }
    const fine = aligned(this.conv('head.conv1', path!), rows * patch, cols * patch)
    const z = this.conv('head.conv3', relu(this.conv('head.conv2', fine)))
    return map(z, (v) => (last === 'relative' ? Math.max(v, 0) : last.dMax / (1 + Math.exp(-v))))
  }
}

const map = (x: NdArray, f: (v: number) => number) => new NdArray(x.shape, x.data.map(f))
const relu = (x: NdArray) => map(x, (v) => Math.max(v, 0))
const sum = (a: NdArray, b: NdArray) =>
  new NdArray(
    a.shape,
    a.data.map((v, i) => v + b.data[i]),
  )

/** Bilinear with align_corners = true. */
function aligned(x: NdArray, h: number, w: number): NdArray {
  const [, channels, rows, cols] = x.shape
  const place = (i: number, n: number, m: number) => (m === 1 ? 0 : (i * (n - 1)) / (m - 1))
  return nd([1, channels, h, w], (_, c, i, j) => {
    const [v, u] = [place(i, rows, h), place(j, cols, w)]
    const [top, left] = [Math.floor(v), Math.floor(u)]
    const [bottom, right] = [Math.min(top + 1, rows - 1), Math.min(left + 1, cols - 1)]
    const [t, s] = [v - top, u - left]
    return (
      (1 - t) * ((1 - s) * x.at(0, c, top, left) + s * x.at(0, c, top, right)) +
      t * ((1 - s) * x.at(0, c, bottom, left) + s * x.at(0, c, bottom, right))
    )
  })
}

const TINY = {
  head: 'dpt',
  dptResize: 'corners',
  encoderWidth: 4,
  encoderHeads: 2,
  patch: 7,
  neckFeatures: 4,
  neckChannels: [3, 4, 5, 6],
}
const GRID = [2, 3] as const

describe('the dpt head with Depth Anything’s own arithmetic', () => {
  let engine: Engine
  beforeAll(() => {
    engine = new Engine({ threads: 1 })
  })
  afterAll(() => engine.dispose())

  /** The graph's answer to four random taps, and the loops'. */
  async function both(config: DarConfig) {
    const { encoder, head } = config
    if (encoder.kind !== 'vit' || head.kind !== 'dpt') throw new Error('no Depth Anything')
    const { patch } = encoder
    const graph = new Graph({ float: 'float64' })
    const [rows, cols] = GRID
    const taps = [0, 1, 2, 3].map((i) => graph.input(`tap${i}`, [1, encoder.width, rows, cols]))
    const paths = fuse(graph, taps, config, new Map())
    const { depth } = dptHead(paths[0], [rows * patch, cols * patch], head, config)
    const weights = someWeights(graph)
    const values = taps.map((tap, i) => numbers(tap.size, i + 1))
    const feeds = { ...weights, ...Object.fromEntries(values.map((v, i) => [`tap${i}`, v])) }
    const result = await evaluate(engine, { depth }, feeds)
    const shapes = new Map([...graph.parameters].map(([name, { shape }]) => [name, shape]))
    const expected = new Original(weights, shapes).run(
      values.map((v, i) => new NdArray(taps[i].shape, v)),
      patch,
      head.output === 'relative' ? 'relative' : { dMax: config.dMax },
    )
    return { actual: result.depth, shape: depth.shape, expected }
  }

  test.each(['relative', 'metric'])('gives the %s output of the original', async (dptOutput) => {
    const { actual, shape, expected } = await both(parseConfig({ ...TINY, dptOutput, dMax: 20 }))
    expect(shape).toEqual(expected.shape)
    expect(new Set(actual).size).toBeGreaterThan(100)
    expect(relativeError(actual, expected.data)).toBeLessThan(1e-12)
  })

  test('is another than that of algorithm section 3, whose resizes have half-pixel centres', async () => {
    const { actual, expected } = await both(parseConfig({ ...TINY, dptResize: 'half-pixel' }))
    expect(relativeError(actual, expected.data)).toBeGreaterThan(1e-3)
  })

  test('is refused of another head', () => {
    expect(() => parseConfig({ dptOutput: 'relative' })).toThrow('dptOutput: relative is of the dpt head, not of dar')
    expect(() => parseConfig({ dptResize: 'corners' })).toThrow('dptResize: corners is of the dpt head, not of dar')
  })
})

test('Depth Anything comes in twelve configs; V1 taps the last four blocks, V2 all along the depth', () => {
  expect(Object.keys(DEPTH_ANYTHING)).toHaveLength(12)
  expect(DEPTH_ANYTHING['depth-anything-v1-large']).toMatchObject({
    encoder: { taps: [20, 21, 22, 23] },
    head: { output: 'relative' },
  })
  expect(DEPTH_ANYTHING['depth-anything-v2-base']).toMatchObject({ encoder: { taps: null }, neckFeatures: 128 })
  expect(DEPTH_ANYTHING['depth-anything-v2-metric-outdoor-small']).toMatchObject({
    head: { output: 'metric' },
    dMax: 80,
  })
})

test('with a norm, the head does not start saturated however large its features are', async () => {
  const engine = new Engine({ threads: 1 })
  try {
    const depths = async (dptNorm: boolean) => {
      const graph = new Graph({ float: 'float64' })
      const path1 = graph.input('path1', [1, 16, 4, 6])
      const head = { kind: 'dpt', output: 'metric', resize: 'half-pixel', norm: dptNorm } as const
      const { depth } = dptHead(path1, [8, 12], head, { neckFeatures: 16, dMax: 10 })
      const { depth: values } = await evaluate(
        engine,
        { depth },
        { path1: numbers(path1.size).map((v) => 1e3 * v), ...someWeights(graph) },
      )
      return values
    }
    const inside = (values: Float64Array) => values.every((d) => d > 0.05 && d < 9.95)
    expect(inside(await depths(true))).toBe(true)
    expect(inside(await depths(false))).toBe(false)
  } finally {
    await engine.dispose()
  }
})
