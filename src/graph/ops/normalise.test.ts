import { expect, test } from 'vitest'
import { between, type NdArray, nd, op, sigma, testOps } from '../../../test/op-harness.ts'
import { Graph, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

const EPSILON = 1e-3

/** μ and 1/√(σ² + ε) of a set of numbers, with the biased variance. */
function statistics(values: readonly number[], epsilon = EPSILON) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
  return { mean, scale: 1 / Math.sqrt(variance + epsilon) }
}

function layerReference(x: NdArray, weight: NdArray, bias: NdArray, epsilon = EPSILON): NdArray {
  const n = x.shape[x.shape.length - 1]
  return nd(x.shape, (...index) => {
    const [lead, j] = [index.slice(0, -1), index[index.length - 1]]
    const { mean, scale } = statistics(
      Array.from({ length: n }, (_, i) => x.at(...lead, i)),
      epsilon,
    )
    return (x.at(...index) - mean) * scale * weight.at(j) + bias.at(j)
  })
}

function groupReference(x: NdArray, groups: number, weight: NdArray, bias: NdArray): NdArray {
  const [, channels, rows, cols] = x.shape
  const size = channels / groups
  return nd(x.shape, (b, c, i, j) => {
    const first = Math.floor(c / size) * size
    const values: number[] = []
    sigma([size, rows, cols], (k, p, q) => values.push(x.at(b, first + k, p, q)))
    const { mean, scale } = statistics(values)
    return (x.at(b, c, i, j) - mean) * scale * weight.at(c) + bias.at(c)
  })
}

const layerNorm = (x: Tensor, weight: Tensor, bias: Tensor) => ops.layerNorm(x, weight, bias, EPSILON)

testOps([
  op('layerNorm of a matrix', [[3, 6], [6], [6]], layerNorm, (x, w, b) => layerReference(x, w, b)),
  op('layerNorm of tokens', [[2, 2, 5], [5], [5]], layerNorm, (x, w, b) => layerReference(x, w, b)),
  op('layerNorm of a vector', [[7], [7], [7]], layerNorm, (x, w, b) => layerReference(x, w, b)),
  op('layerNorm of small numbers, where ε counts', [between(-0.03, 0.03, [2, 4]), [4], [4]], layerNorm, (x, w, b) =>
    layerReference(x, w, b),
  ),
  op(
    'layerNorm with an offset much larger than the spread',
    [between(30, 31, [2, 8]), [8], [8]],
    (x, w, b) => ops.layerNorm(x, w, b, 1e-5),
    (x, w, b) => layerReference(x, w, b, 1e-5),
    { gradient: 'none' },
  ),
  op(
    'groupNorm of two groups',
    [[2, 4, 2, 2], [4], [4]],
    (x, w, b) => ops.groupNorm(x, 2, w, b, EPSILON),
    (x, w, b) => groupReference(x, 2, w, b),
  ),
  op(
    'groupNorm of one group',
    [[1, 3, 2, 3], [3], [3]],
    (x, w, b) => ops.groupNorm(x, 1, w, b, EPSILON),
    (x, w, b) => groupReference(x, 1, w, b),
  ),
  op(
    'groupNorm with a channel a group',
    [[1, 3, 3, 2], [3], [3]],
    (x, w, b) => ops.groupNorm(x, 3, w, b, EPSILON),
    (x, w, b) => groupReference(x, 3, w, b),
  ),
])

test.each<[string, (x: Tensor, v: Tensor) => unknown, string]>([
  [
    'a weight of another length',
    (x, v) => ops.layerNorm(x, v, v, 1e-5),
    'layerNorm(x:float32[1,4,2,3], v:float32[2], v:float32[2]): weight and bias need one value per entry of the last axis',
  ],
  ['layerNorm of two dtypes', (x, v) => ops.layerNorm(ops.cast(x, 'float64'), v, v, 1e-5), 'needs equal float dtypes'],
  [
    'layerNorm of a scalar',
    (x, v) => ops.layerNorm(ops.sum(x), v, v, 1e-5),
    'weight and bias need one value per entry of the last axis',
  ],
  ['groupNorm of no map', (x, v) => ops.groupNorm(ops.reshape(x, [4, 6]), 2, v, v, 1e-5), 'needs maps B,C,H,W'],
  [
    'groups that do not divide',
    (x, v) => ops.groupNorm(x, 3, v, v, 1e-5),
    'groupNorm(x:float32[1,4,2,3], v:float32[2], v:float32[2]): 4 channels do not make 3 groups',
  ],
  [
    'groupNorm with a weight of another length',
    (x, v) => ops.groupNorm(x, 2, v, v, 1e-5),
    'weight and bias need one value per channel',
  ],
])('%s: the message names the op, its operands and their shapes', (_name, call, message) => {
  const graph = new Graph()
  expect(() => call(graph.input('x', [1, 4, 2, 3]), graph.input('v', [2]))).toThrow(message)
})
