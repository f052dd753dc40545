import { expect, test } from 'vitest'
import { bools, ints, NdArray, nd, op, sigma, testOps } from '../../../test/op-harness.ts'
import { Graph, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

const none = { gradient: 'none' } as const

const moves = [
  op(
    'reshape',
    [[2, 6]],
    (x) => ops.reshape(x, [3, 4]),
    (x) => new NdArray([3, 4], x.data),
  ),
  op(
    'reshape with an inferred axis',
    [[2, 6]],
    (x) => ops.reshape(x, [4, -1]),
    (x) => new NdArray([4, 3], x.data),
  ),
  op(
    'reshape to a scalar',
    [[1, 1]],
    (x) => ops.reshape(x, []),
    (x) => new NdArray([], x.data),
  ),
  op(
    'reshape of int64',
    [ints([1, 2, 3, 4])],
    (x) => ops.reshape(x, [2, 2]),
    (x) => new NdArray([2, 2], x.data),
  ),
  op(
    'transpose of three axes',
    [[2, 3, 4]],
    (x) => ops.transpose(x, [2, 0, 1]),
    (x) => nd([4, 2, 3], (i, j, k) => x.at(j, k, i)),
  ),
  op(
    'transpose with axes counted from the end',
    [[2, 3]],
    (x) => ops.transpose(x, [-1, -2]),
    (x) => nd([3, 2], (i, j) => x.at(j, i)),
  ),
  op(
    'transpose of four axes',
    [[2, 3, 2, 2]],
    (x) => ops.transpose(x, [3, 1, 0, 2]),
    (x) => nd([2, 3, 2, 2], (i, j, k, l) => x.at(k, j, l, i)),
  ),
  op('swapLast', [[2, 3, 4]], ops.swapLast, (x) => nd([2, 4, 3], (i, j, k) => x.at(i, k, j))),
  op(
    'flip of the first axis',
    [[3, 2]],
    (x) => ops.flip(x, 0),
    (x) => nd([3, 2], (i, j) => x.at(2 - i, j)),
  ),
  op(
    'flip of the last axis',
    [[3, 4]],
    (x) => ops.flip(x, -1),
    (x) => nd([3, 4], (i, j) => x.at(i, 3 - j)),
  ),
  op(
    'flip of an axis of length one',
    [[2, 1]],
    (x) => ops.flip(x, 1),
    (x) => x,
  ),
]

const slices = [
  op(
    'slice in the middle',
    [[2, 6]],
    (x) => ops.slice(x, 1, 2, 5),
    (x) => nd([2, 3], (i, j) => x.at(i, j + 2)),
  ),
  op(
    'slice to the end',
    [[5, 2]],
    (x) => ops.slice(x, 0, 3),
    (x) => nd([2, 2], (i, j) => x.at(i + 3, j)),
  ),
  op(
    'slice with negative positions',
    [[2, 6]],
    (x) => ops.slice(x, -1, -4, -1),
    (x) => nd([2, 3], (i, j) => x.at(i, j + 2)),
  ),
  op(
    'slice by 2 that ends on its last element',
    [[7]],
    (x) => ops.slice(x, 0, 0, 7, 2),
    (x) => nd([4], (i) => x.at(2 * i)),
  ),
  op(
    'slice by 2 that leaves one behind',
    [[8]],
    (x) => ops.slice(x, 0, 1, 8, 2),
    (x) => nd([4], (i) => x.at(2 * i + 1)),
  ),
  op(
    'slice by 3 that stops early',
    [[2, 10]],
    (x) => ops.slice(x, 1, 1, 6, 3),
    (x) => nd([2, 2], (i, j) => x.at(i, 3 * j + 1)),
  ),
  op(
    'slice by a step longer than the axis',
    [[3, 4]],
    (x) => ops.slice(x, 1, 1, 4, 9),
    (x) => nd([3, 1], (i) => x.at(i, 1)),
  ),
  op(
    'slice past the end stops there',
    [[4]],
    (x) => ops.slice(x, 0, 2, 99),
    (x) => nd([2], (i) => x.at(i + 2)),
  ),
  op(
    'slice of everything',
    [[4]],
    (x) => ops.slice(x, 0, 0),
    (x) => x,
  ),
  op(
    'empty slice',
    [[2, 4]],
    (x) => ops.concat([ops.slice(x, 1, 2, 2), x], 1),
    (x) => x,
  ),
]

const joins = [
  op(
    'concat along the first axis',
    [
      [1, 3],
      [2, 3],
    ],
    (a, b) => ops.concat([a, b], 0),
    (a, b) => nd([3, 3], (i, j) => (i < 1 ? a.at(i, j) : b.at(i - 1, j))),
  ),
  op(
    'concat of three along the last axis',
    [
      [2, 1],
      [2, 2],
      [2, 3],
    ],
    (a, b, c) => ops.concat([a, b, c], -1),
    (a, b, c) => nd([2, 6], (i, j) => (j < 1 ? a.at(i, j) : j < 3 ? b.at(i, j - 1) : c.at(i, j - 3))),
  ),
  op(
    'concat of a tensor with itself',
    [[2]],
    (a) => ops.concat([a, a], 0),
    (a) => nd([4], (i) => a.at(i % 2)),
  ),
  op(
    'concat of one',
    [[2]],
    (a) => ops.concat([a], 0),
    (a) => a,
  ),
  op(
    'concat of int64',
    [ints([1, 2]), ints([3])],
    (a, b) => ops.concat([a, b], 0),
    (a, b) => nd([3], (i) => (i < 2 ? a.at(i) : b.at(i - 2))),
  ),
  op(
    'split, the parts put together in another order',
    [[2, 6]],
    (x) => ops.concat([...ops.split(x, 1, [1, 3, 2])].reverse(), 1),
    (x) => nd([2, 6], (i, j) => x.at(i, j < 2 ? j + 4 : j < 5 ? j - 1 : 0)),
  ),
  op(
    'split with a part that nobody uses',
    [[5, 2]],
    (x) => ops.square(ops.split(x, 0, [2, 1, 2])[2]),
    (x) => nd([2, 2], (i, j) => x.at(i + 3, j) ** 2),
  ),
  op(
    'split twice in the same way, other parts used',
    [[2, 3]],
    (x) => ops.concat([ops.split(x, 1, [1, 1, 1])[0], ops.split(x, 1, [1, 1, 1])[2]], 1),
    (x) => nd([2, 2], (i, j) => x.at(i, 2 * j)),
  ),
  op(
    'split into one part',
    [[3]],
    (x) => ops.split(x, 0, [3])[0],
    (x) => x,
  ),
  op(
    'pad before and after',
    [[2, 3]],
    (x) => ops.pad(x, 1, 2, 1),
    (x) => nd([2, 6], (i, j) => x.padded(i, j - 2)),
  ),
  op(
    'pad of a negative axis',
    [[2, 3]],
    (x) => ops.pad(x, -2, 0, 2),
    (x) => nd([4, 3], (i, j) => x.padded(i, j)),
  ),
  op(
    'padAll',
    [[2, 1, 3]],
    (x) => ops.padAll(x, [1, 0, 2], [0, 2, 1]),
    (x) => nd([3, 3, 6], (i, j, k) => x.padded(i - 1, j, k - 2)),
  ),
  op(
    'pad of int64',
    [ints([4, 5])],
    (x) => ops.pad(x, 0, 1, 1),
    (x) => nd([4], (i) => x.padded(i - 1)),
  ),
  op(
    'padEdge',
    [[2, 3]],
    (x) => ops.padEdge(x, 1, 2, 1),
    (x) => nd([2, 6], (i, j) => x.at(i, Math.min(Math.max(j - 2, 0), 2))),
  ),
  op(
    'padEdge of one element',
    [[1, 2]],
    (x) => ops.padEdge(x, 0, 1, 1),
    (x) => nd([3, 2], (_, j) => x.at(0, j)),
  ),
  op(
    'dilate',
    [[2, 3]],
    (x) => ops.dilate(x, 1, 3),
    (x) => nd([2, 9], (i, j) => (j % 3 === 0 ? x.at(i, j / 3) : 0)),
  ),
  op(
    'dilate of the first axis by one',
    [[2, 3]],
    (x) => ops.dilate(x, 0, 1),
    (x) => x,
  ),
]

const broadcasts = [
  op(
    'expand of an axis',
    [[3, 1]],
    (x) => ops.expand(x, [3, 4]),
    (x) => nd([3, 4], (i) => x.at(i, 0)),
  ),
  op(
    'expand by new axes',
    [[3, 1]],
    (x) => ops.expand(x, [2, 2, 3, 2]),
    (x) => nd([2, 2, 3, 2], (_, __, i) => x.at(i, 0)),
  ),
  op(
    'expand of a scalar',
    [[]],
    (x) => ops.expand(x, [2, 3]),
    (x) => nd([2, 3], () => x.at()),
  ),
  op(
    'expand of bool',
    [bools([1, 0], [2, 1])],
    (x) => ops.expand(x, [2, 2]),
    (x) => nd([2, 2], (i) => x.at(i, 0)),
  ),
  op(
    'sumTo of an axis',
    [[3, 4]],
    (x) => ops.sumTo(x, [3, 1]),
    (x) => nd([3, 1], (i) => sigma([4], (j) => x.at(i, j))),
  ),
  op(
    'sumTo by fewer axes',
    [[2, 3, 4]],
    (x) => ops.sumTo(x, [3, 1]),
    (x) => nd([3, 1], (j) => sigma([2, 4], (i, k) => x.at(i, j, k))),
  ),
  op(
    'sumTo of a scalar',
    [[2, 3]],
    (x) => ops.sumTo(x, []),
    (x) => nd([], () => sigma([2, 3], (i, j) => x.at(i, j))),
  ),
  op(
    'sumTo of an axis of length one',
    [[1, 3]],
    (x) => ops.sumTo(x, [3]),
    (x) => new NdArray([3], x.data),
  ),
]

const reads = [
  op(
    'gather of rows, one of them twice',
    [[4, 3], ints([2, 0, 2])],
    (x, i) => ops.gather(x, 0, i),
    (x, n) => nd([3, 3], (i, j) => x.at(n.at(i), j)),
  ),
  op(
    'gather along the last axis by a matrix',
    [[2, 4], ints([3, 1, 0, 3], [2, 2])],
    (x, i) => ops.gather(x, -1, i),
    (x, n) => nd([2, 2, 2], (i, j, k) => x.at(i, n.at(j, k))),
  ),
  op(
    'gather in the middle by a scalar',
    [[2, 3, 2], ints([1], [])],
    (x, i) => ops.gather(x, 1, i),
    (x, n) => nd([2, 2], (i, j) => x.at(i, n.at(), j)),
  ),
  op(
    'cast of float to int64 truncates',
    [{ shape: [4], values: [-1.5, -0.2, 0.9, 2] }],
    (x) => ops.cast(x, 'int64'),
    (x) => nd([4], (i) => Math.trunc(x.at(i)) + 0),
    none,
  ),
  op(
    'cast of bool to float',
    [bools([1, 0])],
    (x) => ops.cast(x, x.graph.float),
    (x) => x,
    none,
  ),
  op(
    'cast of float to bool',
    [{ shape: [3], values: [0, -0.5, 2] }],
    (x) => ops.cast(x, 'bool'),
    (x) => nd([3], (i) => Number(x.at(i) !== 0)),
    none,
  ),
  op(
    'cast of float to float passes gradients',
    [[3]],
    (x) => ops.cast(ops.mul(ops.cast(x, 'float64'), 3), x.dtype),
    (x) => nd([3], (i) => 3 * x.at(i)),
  ),
]

testOps([...moves, ...slices, ...joins, ...broadcasts, ...reads])

test.each<[string, (x: Tensor, y: Tensor) => unknown, string]>([
  ['reshape to another size', (x) => ops.reshape(x, [4]), 'reshape(x:float32[2,3]): 6 values do not fill [4]'],
  [
    'reshape with two inferred axes',
    (x) => ops.reshape(x, [-1, -1]),
    'reshape(x:float32[2,3]): 6 values do not fill [-1,-1]',
  ],
  [
    'reshape with no whole axis',
    (x) => ops.reshape(x, [4, -1]),
    'reshape(x:float32[2,3]): 6 values do not fill [4,-1]',
  ],
  ['transpose of too few axes', (x) => ops.transpose(x, [0]), 'transpose(x:float32[2,3]): [0] is no permutation'],
  ['transpose of an axis twice', (x) => ops.transpose(x, [0, 0]), 'transpose(x:float32[2,3]): [0,0] is no permutation'],
  ['an axis that is not there', (x) => ops.slice(x, 2, 0, 1), 'slice(x:float32[2,3]): there is no axis 2'],
  ['an axis that is no integer', (x) => ops.flip(x, 0.5), 'flip(x:float32[2,3]): there is no axis 0.5'],
  [
    'a slice that ends before it begins',
    (x) => ops.slice(x, 1, 2, 1),
    'slice(x:float32[2,3]): [2, 1) by 1 is no range of axis 1',
  ],
  ['a slice by 0', (x) => ops.slice(x, 1, 0, 2, 0), 'slice(x:float32[2,3]): [0, 2) by 0 is no range of axis 1'],
  ['a slice before the start', (x) => ops.slice(x, 1, -4), 'slice(x:float32[2,3]): [-4, Infinity) by 1 is no range'],
  [
    'split into parts that are too short',
    (x) => ops.split(x, 1, [1, 1]),
    'split(x:float32[2,3]): parts of 1 + 1 do not make up axis 1',
  ],
  ['split into a part of nothing', (x) => ops.split(x, 1, [3, 0]), 'parts of 3 + 0 do not make up axis 1'],
  ['concat of nothing', () => ops.concat([], 0), 'concat: needs at least one tensor'],
  [
    'concat of other axes',
    (x, y) => ops.concat([x, y], 0),
    'concat(x:float32[2,3], y:float32[2,4]): dtypes and all axes but 0 must agree',
  ],
  [
    'concat of other dtypes',
    (x) => ops.concat([x, ops.cast(x, 'int64')], 0),
    'int64[2,3]): dtypes and all axes but 0 must agree',
  ],
  ['negative padding', (x) => ops.pad(x, 0, -1, 0), 'pad(x:float32[2,3]): paddings [-1,0] and [0,0] do not fit'],
  ['padding of other axes', (x) => ops.padAll(x, [1], [0]), 'pad(x:float32[2,3]): paddings [1] and [0] do not fit'],
  ['negative edge padding', (x) => ops.padEdge(x, 0, 0, -1), 'padEdge(x:float32[2,3]): 0 before and -1 after'],
  ['expand to fewer axes', (x) => ops.expand(x, [3]), 'expand(x:float32[2,3]): cannot be broadcast to [3]'],
  [
    'expand of an axis that is not one',
    (x) => ops.expand(x, [4, 3]),
    'expand(x:float32[2,3]): cannot be broadcast to [4,3]',
  ],
  [
    'sumTo a shape that does not broadcast to it',
    (x) => ops.sumTo(x, [4]),
    'sumTo(x:float32[2,3]): [4] was not broadcast to it',
  ],
  ['dilate by 0', (x) => ops.dilate(x, 0, 0), 'dilate(x:float32[2,3]): 0 is no step'],
  ['gather by floats', (x, y) => ops.gather(x, 0, y), 'gather(x:float32[2,3], y:float32[2,4]): indices must be int64'],
  ['sum of bool', (x) => ops.sum(ops.cast(x, 'bool')), 'needs numbers'],
])('%s: the message names the op, its operands and their shapes', (_name, call, message) => {
  const graph = new Graph()
  expect(() => call(graph.input('x', [2, 3]), graph.input('y', [2, 4]))).toThrow(message)
})
