import { expect, test } from 'vitest'
import { given, type NdArray, nd, op, sigma, testOps } from '../../../test/op-harness.ts'
import { Graph, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

/** One query, one head at a time. */
function reference(q: NdArray, k: NdArray, v: NdArray, heads: number, mask?: NdArray): NdArray {
  const width = q.shape[2]
  const depth = width / heads
  const keys = k.shape[1]
  return nd(q.shape, (b, t, c) => {
    const first = Math.floor(c / depth) * depth
    const weights = Array.from({ length: keys }, (_, s) => {
      const score = sigma([depth], (i) => q.at(b, t, first + i) * k.at(b, s, first + i)) / Math.sqrt(depth)
      return Math.exp(score + (mask ? mask.at(t, s) : 0))
    })
    const total = weights.reduce((a, e) => a + e, 0)
    return sigma([keys], (s) => (weights[s] / total) * v.at(b, s, c))
  })
}

const no = Number.NEGATIVE_INFINITY
const causal = given([0, no, no, 0, 0, no, 0, 0, 0], [3, 3])

testOps([
  op(
    'one head',
    [
      [1, 3, 4],
      [1, 3, 4],
      [1, 3, 4],
    ],
    (q, k, v) => ops.attention(q, k, v, 1),
    (q, k, v) => reference(q, k, v, 1),
  ),
  op(
    'two heads, batch 2, more keys than queries',
    [
      [2, 2, 4],
      [2, 3, 4],
      [2, 3, 4],
    ],
    (q, k, v) => ops.attention(q, k, v, 2),
    (q, k, v) => reference(q, k, v, 2),
  ),
  op(
    'three heads of width 1',
    [
      [1, 2, 3],
      [1, 4, 3],
      [1, 4, 3],
    ],
    (q, k, v) => ops.attention(q, k, v, 3),
    (q, k, v) => reference(q, k, v, 3),
  ),
  op(
    'an additive mask',
    [
      [1, 2, 4],
      [1, 3, 4],
      [1, 3, 4],
      [2, 3],
    ],
    (q, k, v, m) => ops.attention(q, k, v, 2, m),
    (q, k, v, m) => reference(q, k, v, 2, m),
  ),
  op(
    'a causal mask of −∞',
    [[2, 3, 4], [2, 3, 4], [2, 3, 4], causal],
    (q, k, v, m) => ops.attention(q, k, v, 2, m),
    (q, k, v, m) => reference(q, k, v, 2, m),
    { gradient: [0, 1, 2] },
  ),
  op(
    'softmaxMatmul of matrices',
    [
      [2, 3],
      [3, 2],
    ],
    ops.softmaxMatmul,
    (s, v) =>
      nd([2, 2], (t, c) => {
        const total = sigma([3], (k) => Math.exp(s.at(t, k)))
        return sigma([3], (k) => (Math.exp(s.at(t, k)) / total) * v.at(k, c))
      }),
  ),
  op(
    'a tensor that attends to itself',
    [[1, 3, 4]],
    (x) => ops.attention(x, x, x, 2),
    (x) => reference(x, x, x, 2),
  ),
])

test.each<[string, (q: Tensor, k: Tensor, m: Tensor) => unknown, string]>([
  [
    'heads that do not divide the width',
    (q, k) => ops.attention(q, k, k, 3),
    'attention(q:float32[1,2,4], k:float32[1,3,4], k:float32[1,3,4]): width 4 does not divide into 3 heads',
  ],
  ['heads that are no number of heads', (q, k) => ops.attention(q, k, k, 0), 'width 4 does not divide into 0 heads'],
  [
    'other widths',
    (q, k) => ops.attention(q, ops.slice(k, 2, 0, 2), k, 1),
    'q, k and v must be B,T,C with equal B and C',
  ],
  [
    'other batches',
    (q, k) => ops.attention(ops.concat([q, q], 0), k, k, 1),
    'q, k and v must be B,T,C with equal B and C',
  ],
  ['keys and values of other numbers', (q, k) => ops.attention(q, k, q, 1), 'keys and values differ in number'],
  [
    'scores and values of other keys',
    (q, k) => ops.softmaxMatmul(q, k),
    'softmaxMatmul(q:float32[1,2,4], k:float32[1,3,4]): needs …,Tq,Tk and …,Tk,C',
  ],
  [
    'scores of two dtypes',
    (q, k) => ops.softmaxMatmul(q, ops.cast(k, 'float64')),
    'needs two equal float dtypes and two axes or more',
  ],
  ['a mask of another shape', (q, k, m) => ops.attention(q, k, k, 1, m), 'm:float32[3,2]): the mask must be Tq,Tk'],
])('%s: the message names the op, its operands and their shapes', (_name, call, message) => {
  const graph = new Graph()
  expect(() => call(graph.input('q', [1, 2, 4]), graph.input('k', [1, 3, 4]), graph.input('m', [3, 2]))).toThrow(
    message,
  )
})
