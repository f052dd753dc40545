import { expect, test } from 'vitest'
import { between, bools, given, ints, NdArray, nd, op, testOps } from '../../../test/op-harness.ts'
import { Graph, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

const map = (f: (v: number) => number) => (x: NdArray) => new NdArray(x.shape, x.data.map(f))

/** erf by its Maclaurin series, term by term: Σ (−1)ⁿ x²ⁿ⁺¹/(n!(2n+1))·2/√π, exact for |x| ≤ 3. */
function erf(x: number): number {
  let power = x
  let total = 0
  for (let n = 0; n < 120; n++) {
    total += power / (2 * n + 1)
    power *= (-x * x) / (n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * total
}

const arithmetic = [
  { name: 'add', make: ops.add, f: (a: number, b: number) => a + b },
  { name: 'sub', make: ops.sub, f: (a: number, b: number) => a - b },
  { name: 'mul', make: ops.mul, f: (a: number, b: number) => a * b },
  { name: 'div', make: ops.div, f: (a: number, b: number) => a / b },
  { name: 'maximum', make: ops.maximum, f: Math.max },
  { name: 'minimum', make: ops.minimum, f: Math.min },
]

const binary = arithmetic.flatMap(({ name, make, f }) => [
  op(`${name} of equal shapes`, [[2, 3], between(0.5, 2, [2, 3])], make, (a, b) =>
    nd([2, 3], (i, j) => f(a.at(i, j), b.at(i, j))),
  ),
  op(`${name} with a broadcast second operand`, [[2, 3, 4], between(0.5, 2, [3, 1])], make, (a, b) =>
    nd([2, 3, 4], (i, j, k) => f(a.at(i, j, k), b.at(j, 0))),
  ),
  op(
    `${name} with both operands broadcast`,
    [given([-0.4, 0.9, 1.6], [3, 1]), between(0.5, 2, [2, 1, 4])],
    make,
    (a, b) => nd([2, 3, 4], (i, j, k) => f(a.at(j, 0), b.at(i, 0, k))),
  ),
  op(`${name} of a scalar tensor and a map`, [given([1.1], []), given([0.5, 1.5, 2, 0.75], [2, 2])], make, (a, b) =>
    nd([2, 2], (i, j) => f(a.at(), b.at(i, j))),
  ),
  op(
    `${name} of a tensor and a number`,
    [[2, 3]],
    (a) => make(a, 0.75),
    map((v) => f(v, 0.75)),
  ),
  op(
    `${name} of a number and a tensor`,
    [between(0.5, 2, [5])],
    (b) => make(1.1, b),
    map((v) => f(1.1, v)),
  ),
  op(
    `${name} of a tensor with itself`,
    [between(0.5, 2, [4])],
    (a) => make(a, ops.mul(a, a)),
    map((v) => f(v, v * v)),
  ),
])

const integers = arithmetic
  .filter(({ name }) => name !== 'div')
  .map(({ name, make, f }) =>
    op(`${name} of int64`, [ints([-5, 0, 7, 9007199254740], [2, 2]), ints([3, -2])], make, (a, b) =>
      nd([2, 2], (i, j) => f(a.at(i, j), b.at(j))),
    ),
  )

const comparisons = [
  { name: 'equal', make: ops.equal, f: (a: number, b: number) => a === b },
  { name: 'less', make: ops.less, f: (a: number, b: number) => a < b },
  { name: 'lessEqual', make: ops.lessEqual, f: (a: number, b: number) => a <= b },
  { name: 'greater', make: ops.greater, f: (a: number, b: number) => a > b },
  { name: 'greaterEqual', make: ops.greaterEqual, f: (a: number, b: number) => a >= b },
].flatMap(({ name, make, f }) => {
  const truth = (a: NdArray, b: NdArray) => nd([3, 3], (i, j) => Number(f(a.at(i, 0), b.at(j))))
  return [
    op(`${name} of floats, broadcast`, [given([-1, 0.5, 2], [3, 1]), given([-1, 0.5, 3])], make, truth, {
      gradient: 'none',
    }),
    op(`${name} of int64, broadcast`, [ints([-1, 0, 2], [3, 1]), ints([-1, 0, 3])], make, truth),
    op(
      `${name} of a NaN is false`,
      [given([Number.NaN, 1])],
      (a) => make(a, 1),
      (a) => nd([2], (i) => Number(f(a.at(i), 1))),
      {
        gradient: 'none',
      },
    ),
  ]
})

const logic = [
  op('and', [bools([0, 0, 1, 1]), bools([0, 1, 0, 1])], ops.and, (a, b) => nd([4], (i) => a.at(i) * b.at(i))),
  op('or, broadcast', [bools([0, 1], [2, 1]), bools([0, 1])], ops.or, (a, b) =>
    nd([2, 2], (i, j) => Math.max(a.at(i, 0), b.at(j))),
  ),
  op(
    'not',
    [bools([0, 1, 1])],
    ops.not,
    map((v) => 1 - v),
  ),
]

const choices = [
  op('where of equal shapes', [bools([1, 0, 0, 1]), [4], [4]], ops.where, (c, a, b) =>
    nd([4], (i) => (c.at(i) ? a.at(i) : b.at(i))),
  ),
  op('where with all three broadcast', [bools([1, 0, 1], [3, 1]), [4], [2, 1, 1]], ops.where, (c, a, b) =>
    nd([2, 3, 4], (i, j, k) => (c.at(j, 0) ? a.at(k) : b.at(i, 0, 0))),
  ),
  op(
    'where with a number',
    [bools([1, 0, 0, 1]), [4]],
    (c, a) => ops.where(c, a, 7),
    (c, a) => nd([4], (i) => (c.at(i) ? a.at(i) : 7)),
  ),
  op(
    'where keeps the NaN of the side not taken out of value and gradient',
    [given([-2, 0.5, -0.25, 3])],
    (x) => ops.where(ops.greater(x, 0), ops.log(x), 0),
    map((v) => (v > 0 ? Math.log(v) : 0)),
  ),
  op(
    'clamp on both sides',
    [given([-2, -0.5, 0.3, 0.9, 4])],
    (x) => ops.clamp(x, -1, 0.8),
    map((v) => Math.min(Math.max(v, -1), 0.8)),
  ),
  op(
    'clamp below only',
    [given([-2, 0.5])],
    (x) => ops.clamp(x, 0, Number.POSITIVE_INFINITY),
    map((v) => Math.max(v, 0)),
  ),
  op(
    'clamp above only',
    [given([-2, 0.5])],
    (x) => ops.clamp(x, Number.NEGATIVE_INFINITY, 0),
    map((v) => Math.min(v, 0)),
  ),
]

const gelu = (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2))
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

const functions = [
  op(
    'neg',
    [[2, 3]],
    ops.neg,
    map((v) => -v),
  ),
  op('exp', [[2, 3]], ops.exp, map(Math.exp)),
  op('log', [between(0.3, 4, [6])], ops.log, map(Math.log)),
  op('sqrt', [between(0.3, 4, [6])], ops.sqrt, map(Math.sqrt)),
  op(
    'square',
    [[6]],
    ops.square,
    map((v) => v * v),
  ),
  op('abs', [[8]], ops.abs, map(Math.abs)),
  op('sign', [given([-3, 0, 0.1])], ops.sign, map(Math.sign), { gradient: 'none' }),
  op('floor', [given([-1.5, -1, 0.99, 2])], ops.floor, map(Math.floor), { gradient: 'none' }),
  op('sigmoid', [between(-4, 4, [12])], ops.sigmoid, map(sigmoid)),
  op(
    'softplus',
    [between(-4, 4, [12])],
    ops.softplus,
    map((v) => Math.log1p(Math.exp(v))),
  ),
  op('tanh', [between(-3, 3, [12])], ops.tanh, map(Math.tanh)),
  op(
    'relu',
    [[8]],
    ops.relu,
    map((v) => Math.max(v, 0)),
  ),
  op(
    'relu6',
    [given([-3, 0.5, 3, 5.9, 6.1, 9])],
    ops.relu6,
    map((v) => Math.min(Math.max(v, 0), 6)),
  ),
  op('erf', [between(-3, 3, [16])], ops.erf, map(erf)),
  op('gelu', [between(-4, 4, [16])], ops.gelu, map(gelu)),
  op(
    'geluSlope',
    [between(-4, 4, [16])],
    ops.geluSlope,
    map((v) => 0.5 * (1 + erf(v / Math.SQRT2)) + (v * Math.exp((-v * v) / 2)) / Math.sqrt(2 * Math.PI)),
  ),
  op('erf of a map of three axes', [between(-1, 1, [2, 3, 2])], ops.erf, map(erf)),
  op('gelu of a scalar', [between(0.5, 1, [])], ops.gelu, map(gelu)),
  op('stopGradient', [[3]], ops.stopGradient, (x) => x, { gradient: 'none' }),
  op(
    'stopGradient on one factor',
    [[3]],
    (x) => ops.mul(x, ops.stopGradient(ops.full(x, [3], 2))),
    map((v) => 2 * v),
  ),
  op('withValue', [[3], [3]], ops.withValue, (_x, value) => value, { gradient: 'none' }),
  op(
    'full',
    [[2]],
    (x) => ops.add(x, ops.full(x, [3, 2], 1.5)),
    (x) => nd([3, 2], (_, j) => x.at(j) + 1.5),
  ),
]

const none = { gradient: 'none' } as const
const extremes = [
  op(
    'sigmoid saturates without overflow',
    [given([-800, -90, 90, 800])],
    ops.sigmoid,
    map((v) => (v > 0 ? 1 : 0)),
    none,
  ),
  op(
    'softplus is 0 far left and x far right',
    [given([-800, -90, 90, 800])],
    ops.softplus,
    map((v) => Math.max(v, 0)),
    none,
  ),
  op('tanh saturates', [given([-800, 800])], ops.tanh, map(Math.sign), none),
  op('erf saturates', [given([-1e3, -7, 7, 1e3])], ops.erf, map(Math.sign), none),
  op(
    'gelu is 0 far left and x far right',
    [given([-1e3, -20, 20, 1e3])],
    ops.gelu,
    map((v) => Math.max(v, 0)),
    none,
  ),
  op(
    'relu of ±∞',
    [given([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])],
    ops.relu,
    (x) => nd([2], (i) => Math.max(x.at(i), 0)),
    none,
  ),
  op('log of 0 is −∞', [given([0, 1])], ops.log, map(Math.log), none),
  op('exp of −∞ is 0', [given([Number.NEGATIVE_INFINITY, 0])], ops.exp, map(Math.exp), none),
]

testOps([...binary, ...integers, ...comparisons, ...logic, ...choices, ...functions, ...extremes])

test.each<[string, (x: Tensor, flag: Tensor, count: Tensor, wide: Tensor) => unknown, string]>([
  [
    'shapes that do not broadcast',
    (x, _f, _c, wide) => ops.add(x, wide),
    'add(x:float32[2,3], wide:float32[4]): shapes cannot be broadcast together',
  ],
  ['two dtypes', (x, _f, count) => ops.mul(x, count), 'mul(x:float32[2,3], count:int64[3]): dtypes differ'],
  ['arithmetic of bool', (_x, flag) => ops.sub(flag, flag), 'sub(flag:bool[3], flag:bool[3]): needs numbers'],
  ['two numbers', () => ops.add(1, 2), 'add: at least one operand must be a tensor'],
  ['an empty range', (x) => ops.clamp(x, 2, 1), 'clamp(x:float32[2,3]): [2, 1] is empty'],
  [
    'a comparison across dtypes',
    (x, _f, count) => ops.less(x, count),
    'less(x:float32[2,3], count:int64[3]): dtypes differ',
  ],
  ['logic of numbers', (x, flag) => ops.and(x, flag), 'and(x:float32[2,3], flag:bool[3]): needs bool tensors'],
  ['or of numbers', (x, flag) => ops.or(flag, x), 'or(flag:bool[3], x:float32[2,3]): needs bool tensors'],
  ['not of numbers', (x) => ops.not(x), 'not(x:float32[2,3]): needs a bool tensor'],
  ['a condition that is no bool', (x) => ops.where(x, x, 0), 'the condition must be bool'],
  [
    'where that does not broadcast',
    (x, flag, _c, wide) => ops.where(flag, x, wide),
    'where(flag:bool[3], x:float32[2,3], wide:float32[4]): shapes cannot be broadcast together',
  ],
  [
    'the value of another shape',
    (x, _f, _c, wide) => ops.withValue(x, wide),
    'withValue(x:float32[2,3], wide:float32[4]): dtypes and shapes must be equal',
  ],
  ['exp of int64', (_x, _f, count) => ops.exp(count), 'exp(count:int64[3]): needs a float tensor'],
  ['gelu of bool', (_x, flag) => ops.gelu(flag), 'gelu(flag:bool[3]): needs a float tensor'],
])('%s: the message names the op, its operands and their shapes', (_name, call, message) => {
  const graph = new Graph()
  const run = () =>
    call(
      graph.input('x', [2, 3]),
      graph.input('flag', [3], 'bool'),
      graph.input('count', [3], 'int64'),
      graph.input('wide', [4]),
    )
  expect(run).toThrow(message)
})
