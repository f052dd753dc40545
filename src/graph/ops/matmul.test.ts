import { expect, test } from 'vitest'
import { type NdArray, nd, op, sigma, testOps } from '../../../test/op-harness.ts'
import { Graph, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

const transposes = [false, true].flatMap((transA) => [false, true].map((transB) => ({ transA, transB })))
const entry = (x: NdArray, i: number, j: number, transposed: boolean) => (transposed ? x.at(j, i) : x.at(i, j))

const gemms = transposes.flatMap(({ transA, transB }) => {
  const name = `gemm of ${transA ? 'aᵀ' : 'a'} and ${transB ? 'bᵀ' : 'b'}`
  const shapes = [transA ? [4, 3] : [3, 4], transB ? [2, 4] : [4, 2]]
  const product = (a: NdArray, b: NdArray, i: number, j: number) =>
    sigma([4], (k) => entry(a, i, k, transA) * entry(b, k, j, transB))
  return [
    op(
      name,
      shapes,
      (a, b) => ops.gemm(a, b, { transA, transB }),
      (a, b) => nd([3, 2], (i, j) => product(a, b, i, j)),
    ),
    ...[[3, 2], [2], [3, 1], [1, 2], []].map((shape) =>
      op(
        `${name} with a third operand [${shape}]`,
        [...shapes, shape],
        (a, b, c) => ops.gemm(a, b, { transA, transB, c }),
        (a, b, c) =>
          nd(
            [3, 2],
            (i, j) =>
              product(a, b, i, j) + c.at(...[i, j].slice(2 - shape.length).map((n, s) => (shape[s] === 1 ? 0 : n))),
          ),
      ),
    ),
  ]
})

testOps([
  op(
    'matmul of two matrices',
    [
      [3, 4],
      [4, 2],
    ],
    ops.matmul,
    (a, b) => nd([3, 2], (i, j) => sigma([4], (k) => a.at(i, k) * b.at(k, j))),
  ),
  op(
    'matmul of batches',
    [
      [2, 3, 4],
      [2, 4, 2],
    ],
    ops.matmul,
    (a, b) => nd([2, 3, 2], (n, i, j) => sigma([4], (k) => a.at(n, i, k) * b.at(n, k, j))),
  ),
  op(
    'matmul of a batch and a matrix',
    [
      [2, 3, 4],
      [4, 2],
    ],
    ops.matmul,
    (a, b) => nd([2, 3, 2], (n, i, j) => sigma([4], (k) => a.at(n, i, k) * b.at(k, j))),
  ),
  op(
    'matmul of a matrix and a batch',
    [
      [3, 4],
      [2, 4, 2],
    ],
    ops.matmul,
    (a, b) => nd([2, 3, 2], (n, i, j) => sigma([4], (k) => a.at(i, k) * b.at(n, k, j))),
  ),
  op(
    'matmul with both batches broadcast',
    [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
    ops.matmul,
    (a, b) => nd([2, 3, 2, 2], (m, n, i, j) => sigma([3], (k) => a.at(m, 0, i, k) * b.at(n, k, j))),
  ),
  op(
    'matmul of a row and a column',
    [
      [1, 5],
      [5, 1],
    ],
    ops.matmul,
    (a, b) => nd([1, 1], () => sigma([5], (k) => a.at(0, k) * b.at(k, 0))),
  ),
  op(
    'matmul of a matrix with itself',
    [[3, 3]],
    (a) => ops.matmul(a, a),
    (a) => nd([3, 3], (i, j) => sigma([3], (k) => a.at(i, k) * a.at(k, j))),
  ),
  ...gemms,
  op('linear with a bias', [[2, 3, 4], [5, 4], [5]], ops.linear, (x, w, b) =>
    nd([2, 3, 5], (n, t, o) => b.at(o) + sigma([4], (i) => x.at(n, t, i) * w.at(o, i))),
  ),
  op(
    'linear without a bias',
    [
      [3, 4],
      [2, 4],
    ],
    (x, w) => ops.linear(x, w),
    (x, w) => nd([3, 2], (t, o) => sigma([4], (i) => x.at(t, i) * w.at(o, i))),
  ),
  op('linear of a vector', [[4], [2, 4], [2]], ops.linear, (x, w, b) =>
    nd([2], (o) => b.at(o) + sigma([4], (i) => x.at(i) * w.at(o, i))),
  ),
  op(
    'dot',
    [
      [2, 3],
      [2, 3],
    ],
    ops.dot,
    (a, b) => nd([], () => sigma([2, 3], (i, j) => a.at(i, j) * b.at(i, j))),
  ),
  op(
    'dot of a tensor with itself',
    [[4]],
    (a) => ops.dot(a, a),
    (a) => nd([], () => sigma([4], (i) => a.at(i) ** 2)),
  ),
])

test.each<[string, (a: Tensor, b: Tensor, n: Tensor, v: Tensor) => unknown, string]>([
  [
    'batches that do not broadcast',
    (a, b) => ops.matmul(a, b),
    'matmul(a:float32[2,3,4], b:float32[5,4,3]): leading axes cannot be broadcast together',
  ],
  [
    'inner axes that differ',
    (a) => ops.matmul(a, a),
    'matmul(a:float32[2,3,4], a:float32[2,3,4]): inner axes differ: 4 and 3',
  ],
  [
    'a vector',
    (a, _b, _n, v) => ops.matmul(a, v),
    'matmul(a:float32[2,3,4], v:float32[3]): both operands need two axes or more',
  ],
  [
    'two dtypes',
    (a, _b, n) => ops.matmul(a, n),
    'matmul(a:float32[2,3,4], n:int64[4,3]): needs two equal float dtypes',
  ],
  ['gemm of a batch', (a, b) => ops.gemm(a, b), 'gemm(a:float32[2,3,4], b:float32[5,4,3]): needs two matrices'],
  [
    'gemm of int64',
    (_a, _b, n) => ops.gemm(n, n, { transB: true }),
    'gemm(n:int64[4,3], n:int64[4,3]): needs equal float dtypes',
  ],
  [
    'gemm whose inner axes differ',
    (a) => ops.gemm(ops.slice(ops.reshape(a, [6, 4]), 0, 0, 3), ops.reshape(a, [6, 4])),
    'inner axes differ: 4 and 6',
  ],
  [
    'gemm with a third operand that does not fit',
    (a, _b, _n, v) => ops.gemm(ops.reshape(a, [6, 4]), ops.reshape(a, [4, 6]), { c: v }),
    'the third operand cannot be broadcast to [6,6]',
  ],
  [
    'linear of another width',
    (a, _b, _n, v) => ops.linear(v, ops.reshape(a, [6, 4])),
    'the last axis of x must be the second of the weight',
  ],
  [
    'linear with a bias of another length',
    (a, _b, _n, v) => ops.linear(a, ops.reshape(a, [6, 4]), v),
    'the bias needs one value per row of the weight',
  ],
  [
    'linear with a weight of three axes',
    (a, b) => ops.linear(a, b),
    'linear(a:float32[2,3,4], b:float32[5,4,3]): the last axis',
  ],
  ['dot of two shapes', (a, b) => ops.dot(a, b), 'dot(a:float32[2,3,4], b:float32[5,4,3]): shapes differ'],
])('%s: the message names the op, its operands and their shapes', (_name, call, message) => {
  const graph = new Graph()
  const run = () =>
    call(
      graph.input('a', [2, 3, 4]),
      graph.input('b', [5, 4, 3]),
      graph.input('n', [4, 3], 'int64'),
      graph.input('v', [3]),
    )
  expect(run).toThrow(message)
})
