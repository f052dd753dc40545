import { expect, test } from 'vitest'
import { given, indices, ints, NdArray, nd, op, sigma, testOps } from '../../../test/op-harness.ts'
import { Graph, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

const none = { gradient: 'none' } as const
const keep = { keepAxes: true }

/** exp(x_i)/Σ exp(x_j) over j, on a line of numbers. */
const share = (line: readonly number[], i: number) => {
  const top = Math.max(...line)
  return Math.exp(line[i] - top) / line.reduce((total, v) => total + Math.exp(v - top), 0)
}
const line = (n: number, f: (j: number) => number) => Array.from({ length: n }, (_, j) => f(j))

testOps([
  op(
    'sum of everything',
    [[2, 3]],
    (x) => ops.sum(x),
    (x) => nd([], () => sigma([2, 3], (i, j) => x.at(i, j))),
  ),
  op(
    'sum over one axis',
    [[2, 3, 2]],
    (x) => ops.sum(x, [1]),
    (x) => nd([2, 2], (i, k) => sigma([3], (j) => x.at(i, j, k))),
  ),
  op(
    'sum over two axes, kept',
    [[2, 3, 2]],
    (x) => ops.sum(x, [0, -1], keep),
    (x) => nd([1, 3, 1], (_, j) => sigma([2, 2], (i, k) => x.at(i, j, k))),
  ),
  op(
    'sum over no axis',
    [[2]],
    (x) => ops.sum(x, []),
    (x) => x,
  ),
  op(
    'sum over an axis named twice',
    [[2, 3]],
    (x) => ops.sum(x, [1, -1]),
    (x) => nd([2], (i) => sigma([3], (j) => x.at(i, j))),
  ),
  op(
    'sum of a scalar',
    [[]],
    (x) => ops.sum(x),
    (x) => x,
  ),
  op(
    'sum of int64',
    [ints([5, -2, 9007199254740], [3])],
    (x) => ops.sum(x),
    (x) => nd([], () => sigma([3], (i) => x.at(i))),
  ),
  op(
    'mean of everything',
    [[2, 3]],
    (x) => ops.mean(x),
    (x) => nd([], () => sigma([2, 3], (i, j) => x.at(i, j)) / 6),
  ),
  op(
    'mean over axes, kept',
    [[2, 3, 2]],
    (x) => ops.mean(x, [1, 2], keep),
    (x) => nd([2, 1, 1], (i) => sigma([3, 2], (j, k) => x.at(i, j, k)) / 6),
  ),
  op(
    'max over an axis',
    [[2, 5]],
    (x) => ops.max(x, [1]),
    (x) => nd([2], (i) => Math.max(...line(5, (j) => x.at(i, j)))),
    none,
  ),
  op(
    'max of everything, kept',
    [[2, 5]],
    (x) => ops.max(x, undefined, keep),
    (x) => nd([1, 1], () => Math.max(...x.data)),
    none,
  ),
  op(
    'min over two axes',
    [[2, 3, 2]],
    (x) => ops.min(x, [0, 2]),
    (x) => nd([3], (j) => Math.min(...indices([2, 2]).map(([i, k]) => x.at(i, j, k)))),
    none,
  ),
  op(
    'min of int64',
    [ints([5, -2, 7])],
    (x) => ops.min(x),
    () => nd([], () => -2),
  ),
  op(
    'softmax over the last axis',
    [[2, 5]],
    (x) => ops.softmax(x),
    (x) =>
      nd([2, 5], (i, j) =>
        share(
          line(5, (k) => x.at(i, k)),
          j,
        ),
      ),
  ),
  op(
    'softmax over a middle axis',
    [[2, 4, 3]],
    (x) => ops.softmax(x, 1),
    (x) =>
      nd([2, 4, 3], (i, j, k) =>
        share(
          line(4, (m) => x.at(i, m, k)),
          j,
        ),
      ),
  ),
  op(
    'softmax of large numbers',
    [given([1000, 999, -1000, 998.5])],
    (x) => ops.softmax(x),
    (x) => nd([4], (i) => share([...x.data], i)),
  ),
  op(
    'softmax of large numbers along another axis',
    [given([1000, 999, -1000, 998.5], [4, 1])],
    (x) => ops.softmax(x, 0),
    (x) => nd([4, 1], (i) => share([...x.data], i)),
  ),
  op(
    'softmax with −∞ gives those nothing',
    [given([1, Number.NEGATIVE_INFINITY, 0.5])],
    (x) => ops.softmax(x),
    (x) => nd([3], (i) => share([...x.data], i)),
    none,
  ),
  op(
    'softmax of one number',
    [[3, 1]],
    (x) => ops.softmax(x),
    () => new NdArray([3, 1], Float64Array.of(1, 1, 1)),
    none,
  ),
])

test.each<[string, (x: Tensor, n: Tensor) => unknown, string]>([
  ['an axis that is not there', (x) => ops.sum(x, [2]), 'sum(x:float32[2,3]): there is no axis 2'],
  ['mean of int64', (_x, n) => ops.mean(n), 'mean(n:int64[3]): needs a float tensor'],
  ['mean of nothing', (x) => ops.mean(ops.slice(x, 1, 0, 0), [1]), 'has no values to average'],
  ['max of bool', (x) => ops.max(ops.cast(x, 'bool')), 'max(cast_0:bool[2,3]): needs numbers'],
  ['max of nothing', (x) => ops.max(ops.slice(x, 1, 0, 0), [1]), 'max(slice_0:float32[2,0]): has no values to compare'],
  ['softmax of int64', (_x, n) => ops.softmax(n), 'softmax(n:int64[3]): needs a float tensor'],
  ['softmax of an axis that is not there', (x) => ops.softmax(x, -3), 'softmax(x:float32[2,3]): there is no axis -3'],
])('%s: the message names the op, its operands and their shapes', (_name, call, message) => {
  const graph = new Graph()
  expect(() => call(graph.input('x', [2, 3]), graph.input('n', [3], 'int64'))).toThrow(message)
})
