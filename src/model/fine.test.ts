/** The last maps of the soft tree, against loops written from their definition. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  differences,
  evaluate,
  NdArray,
  nd,
  numbers,
  relativeError,
  sigma,
  someWeights,
} from '../../test/op-harness.ts'
import { Graph, gradient } from '../graph/index.ts'
import { memoryUse } from '../graph/memory.ts'
import * as ops from '../graph/ops/index.ts'
import { nodesBehind } from '../graph/tensor.ts'
import { Engine } from '../runtime/engine.ts'
import { parseConfig } from './config.ts'
import { fineScores, sharpen, sharpenAtHalf } from './fine.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const F = 16
const G = 4
const LEAVES = 8
const config = parseConfig({ window: 'soft', fine: true, neckFeatures: F, gruWidth: G, leaves: LEAVES, steps: 3 })

type Weights = Record<string, ArrayLike<number>>

function conv(weights: Weights, name: string, x: NdArray, outputs: number, k = 3): NdArray {
  const [batch, inputs, h, w] = x.shape
  const half = (k - 1) / 2
  const weight = new NdArray([outputs, inputs, k, k], Float64Array.from(weights[`${name}.weight`]))
  const bias = weights[`${name}.bias`]
  return nd(
    [batch, outputs, h, w],
    (b, o, i, j) =>
      bias[o] + sigma([inputs, k, k], (c, p, q) => weight.at(o, c, p, q) * x.padded(b, c, i + p - half, j + q - half)),
  )
}

function groupNorm(weights: Weights, name: string, x: NdArray, groups: number): NdArray {
  const [, channels, h, w] = x.shape
  const size = channels / groups
  const count = size * h * w
  const moments = Array.from({ length: groups }, (_, g) => {
    const mean = sigma([size, h, w], (c, i, j) => x.at(0, g * size + c, i, j)) / count
    return { mean, variance: sigma([size, h, w], (c, i, j) => (x.at(0, g * size + c, i, j) - mean) ** 2) / count }
  })
  return nd(x.shape, (b, c, i, j) => {
    const { mean, variance } = moments[Math.floor(c / size)]
    return (
      ((x.at(b, c, i, j) - mean) / Math.sqrt(variance + 1e-5)) * weights[`${name}.weight`][c] +
      weights[`${name}.bias`][c]
    )
  })
}

const relu = (x: NdArray) =>
  new NdArray(
    x.shape,
    x.data.map((v) => Math.max(v, 0)),
  )

/** Bilinear with half-pixel centres, edges repeated. */
function bilinear(x: NdArray, h: number, w: number): NdArray {
  const [batch, channels, rows, cols] = x.shape
  const place = (i: number, n: number, m: number) => Math.min(Math.max(((i + 0.5) * n) / m - 0.5, 0), n - 1)
  return nd([batch, channels, h, w], (b, c, i, j) => {
    const [v, u] = [place(i, rows, h), place(j, cols, w)]
    const [top, left] = [Math.floor(v), Math.floor(u)]
    const [bottom, right] = [Math.min(top + 1, rows - 1), Math.min(left + 1, cols - 1)]
    const [t, s] = [v - top, u - left]
    return (
      (1 - t) * ((1 - s) * x.at(b, c, top, left) + s * x.at(b, c, top, right)) +
      t * ((1 - s) * x.at(b, c, bottom, left) + s * x.at(b, c, bottom, right))
    )
  })
}

test('the last re-weighing is that of the definition', async () => {
  const graph = new Graph({ float: 'float64' })
  const path1 = graph.input('path1', [1, F, 4, 6])
  const [g, scores] = [graph.input('g', [1, G, 2, 3]), graph.input('scores', [1, LEAVES, 2, 3])]
  const { z, y } = fineScores(graph, path1, g, scores, config)
  const weights = someWeights(graph)
  const values = [path1, g, scores].map((x, i) => new NdArray(x.shape, numbers(x.size, i + 1)))
  const [p, state, coarse] = values
  const result = await evaluate(engine, { z, y }, { ...weights, path1: p.data, g: state.data, scores: coarse.data })
  const x = relu(groupNorm(weights, 'fine.norm', conv(weights, 'fine.conv', p, F), 16))
  const [wide, start] = [bilinear(state, 4, 6), bilinear(coarse, 4, 6)]
  const joined = nd([1, F + G, 4, 6], (b, c, i, j) => (c < F ? x.at(b, c, i, j) : wide.at(b, c - F, i, j)))
  const mixed = relu(conv(weights, 'fine.mix', joined, F))
  const out = conv(weights, 'fine.out', mixed, LEAVES)
  expect(relativeError(result.y, mixed.data)).toBeLessThan(1e-12)
  expect(
    relativeError(
      result.z,
      out.data.map((v, i) => v + start.data[i]),
    ),
  ).toBeLessThan(1e-12)
})

function built() {
  const graph = new Graph({ float: 'float64' })
  const [depth, y] = [graph.input('depth', [1, 1, 3, 4]), graph.input('y', [1, F, 3, 4])]
  const sharp = sharpen(graph, depth, y, [6, 8])
  const weights = someWeights(graph)
  const feeds = { depth: numbers(12, 1).map((v) => Math.abs(v) + 0.3), y: numbers(y.size, 2), ...weights }
  return { graph, depth, y, sharp, weights, feeds }
}

test('the detail at full size is that of the definition, and never more than a factor of √e', async () => {
  const { sharp, weights, feeds } = built()
  const { sharp: actual } = await evaluate(engine, { sharp }, feeds)
  const narrow = groupNorm(
    weights,
    'detail.norm',
    conv(weights, 'detail.conv1', new NdArray([1, F, 3, 4], feeds.y), 24),
    8,
  )
  const inner = relu(conv(weights, 'detail.conv2', bilinear(narrow, 6, 8), 24))
  const r = conv(weights, 'detail.conv3', inner, 1, 1)
  const plain = bilinear(new NdArray([1, 1, 3, 4], feeds.depth), 6, 8)
  const expected = plain.data.map((d, i) => d * Math.exp(0.5 * Math.tanh(0.3 * r.data[i])))
  expect(relativeError(actual, expected)).toBeLessThan(1e-12)
  const change = actual.map((v, i) => Math.abs(Math.log(v / plain.data[i])))
  expect(Math.max(...change)).toBeGreaterThan(0.01)
  expect(Math.max(...change)).toBeLessThanOrEqual(0.5)
})

test('the gradient of the detail is that of finite differences', async () => {
  const { depth, y, sharp, feeds } = built()
  const sum = ops.sum(ops.square(sharp))
  const [dDepth, dY] = gradient(sum, [depth, y])
  const result = await evaluate(engine, { dDepth, dY }, feeds)
  const slow = await differences(engine, sum, feeds, ['depth', 'y'])
  expect(relativeError(result.dDepth, slow.depth)).toBeLessThan(1e-6)
  expect(relativeError(result.dY, slow.y)).toBeLessThan(1e-5)
})

function builtAtHalf() {
  const graph = new Graph({ float: 'float64' })
  const depth = graph.input('depth', [1, 1, 2, 3])
  const [y, half] = [graph.input('y', [1, F, 2, 3]), graph.input('half', [1, 5, 4, 6])]
  const sharp = sharpenAtHalf(depth, y, half, [8, 12])
  const weights = someWeights(graph)
  const inputs = {
    depth: numbers(6, 1).map((v) => Math.abs(v) + 0.3),
    y: numbers(y.size, 2),
    half: numbers(half.size, 3),
  }
  return { depth, y, half, sharp, weights, feeds: { ...inputs, ...weights } }
}

test('the detail at half of the size is that of the definition, and reads the encoder’s map', async () => {
  const { sharp, weights, feeds } = builtAtHalf()
  const { sharp: actual } = await evaluate(engine, { sharp }, feeds)
  const narrow = groupNorm(
    weights,
    'detail.norm',
    conv(weights, 'detail.conv1', new NdArray([1, F, 2, 3], feeds.y), 24),
    8,
  )
  const tap = new NdArray([1, 5, 4, 6], feeds.half)
  const s = groupNorm(weights, 'detail.half_norm', conv(weights, 'detail.half', tap, 16, 1), 8)
  const wide = bilinear(narrow, 4, 6)
  const joined = nd([1, 40, 4, 6], (b, c, i, j) => (c < 24 ? wide.at(b, c, i, j) : s.at(b, c - 24, i, j)))
  const r = bilinear(conv(weights, 'detail.conv3', relu(conv(weights, 'detail.conv2', joined, 24)), 1, 1), 8, 12)
  const plain = bilinear(new NdArray([1, 1, 2, 3], feeds.depth), 8, 12)
  const expected = plain.data.map((d, i) => d * Math.exp(0.5 * Math.tanh(0.3 * r.data[i])))
  // ONNX Runtime puts the factor 0.3 into the product before it, as a float32.
  expect(relativeError(actual, expected)).toBeLessThan(1e-8)
  const blind = await evaluate(engine, { sharp }, { ...feeds, half: feeds.half.map((v, i) => v * ((i % 7) - 3)) })
  expect(relativeError(blind.sharp, expected)).toBeGreaterThan(1e-3)
})

test('the gradient of the detail at half of the size is that of finite differences', async () => {
  const { depth, y, half, sharp, feeds } = builtAtHalf()
  const sum = ops.sum(ops.square(sharp))
  const [dDepth, dY, dHalf] = gradient(sum, [depth, y, half])
  const result = await evaluate(engine, { dDepth, dY, dHalf }, feeds)
  const slow = await differences(engine, sum, feeds, ['depth', 'y', 'half'])
  expect(relativeError(result.dDepth, slow.depth)).toBeLessThan(1e-6)
  expect(relativeError(result.dY, slow.y)).toBeLessThan(1e-5)
  expect(relativeError(result.dHalf, slow.half)).toBeLessThan(1e-5)
})

function detail(size: ops.Size, { valuesAtOnce }: { readonly valuesAtOnce?: number } = {}) {
  const graph = new Graph({ valuesAtOnce })
  const [h, w] = size.map((n) => n / 2)
  const sharp = sharpen(graph, graph.input('depth', [1, 1, h, w]), graph.input('y', [1, F, h, w]), size)
  const feeds = { depth: numbers(h * w, 1).map((v) => Math.abs(v) + 0.3), y: numbers(F * h * w, 2) }
  const joined = nodesBehind([sharp]).filter(({ op }) => op === 'concat')
  return { sharp, joined, feeds: { ...feeds, ...someWeights(graph) } }
}

/** A row has 2·24 channels·8 columns. */
test.each([5, 1])('in blocks of at most %d rows the detail is the same', async (rows) => {
  const [whole, blocks] = [detail([12, 8]), detail([12, 8], { valuesAtOnce: rows * 2 * 24 * 8 })]
  expect(whole.joined).toEqual([])
  expect(blocks.joined.map(({ inputs }) => inputs.length)).toEqual([Math.ceil(12 / rows)])
  const expected = await evaluate(engine, { sharp: whole.sharp }, whole.feeds)
  const found = await evaluate(engine, { sharp: blocks.sharp }, blocks.feeds)
  expect(relativeError(found.sharp, expected.sharp)).toBeLessThan(1e-6)
})

test('in blocks of rows the detail takes less memory', () => {
  const [whole, blocks] = [detail([96, 64]), detail([96, 64], { valuesAtOnce: 8 * 2 * 24 * 64 })]
  expect(blocks.joined.map(({ inputs }) => inputs.length)).toEqual([12])
  expect(memoryUse([blocks.sharp]).activations).toBeLessThan(memoryUse([whole.sharp]).activations / 2)
})
