import { describe, expect, test } from 'vitest'
import { add, exp, matmul, mul } from './ops/index.ts'
import { Graph, leavesBehind, nodesBehind, sameShape, sizeOf } from './tensor.ts'

const ZEROS = { kind: 'constant', value: 0 } as const

describe('a graph', () => {
  test('gives a parameter again under its name', () => {
    const graph = new Graph()
    expect(graph.parameter('w', [2, 3], ZEROS)).toBe(graph.parameter('w', [2, 3], ZEROS))
    expect([...graph.parameters.keys()]).toEqual(['w'])
  })

  test('refuses a parameter asked for again with another shape', () => {
    const graph = new Graph()
    graph.parameter('w', [2, 3], ZEROS)
    expect(() => graph.parameter('w', [3, 2], ZEROS)).toThrow(
      'graph: parameter w:float32[2,3] asked for again with shape [3,2]',
    )
  })

  test('refuses a name that is taken', () => {
    const graph = new Graph()
    graph.input('x', [2])
    graph.parameter('w', [2], ZEROS)
    expect(() => graph.input('x', [2])).toThrow('the name x is taken')
    expect(() => graph.input('w', [2])).toThrow('the name w is taken')
    expect(() => graph.parameter('x', [2], ZEROS)).toThrow('the name x is taken by an input')
  })

  test('refuses what is no shape', () => {
    const graph = new Graph()
    expect(() => graph.input('x', [2, -1])).toThrow('input x: [2,-1] is no shape')
    expect(() => graph.parameter('w', [1.5], ZEROS)).toThrow('parameter w: [1.5] is no shape')
    expect(() => graph.constant([], [Number.NaN])).toThrow('constant: [NaN] is no shape')
  })

  test('refuses constants that do not fill their shape, or of another type', () => {
    const graph = new Graph()
    expect(() => graph.constant([1, 2, 3], [2])).toThrow('constant: 3 values do not fill shape [2]')
    expect(() => graph.constant(Float64Array.of(1), [1])).toThrow('constant data of another type than float32')
  })

  test('gives parameters and constants its own float type', () => {
    const graph = new Graph({ float: 'float64' })
    expect(graph.parameter('w', [2], ZEROS).dtype).toBe('float64')
    expect(graph.scalar(1).toString()).toBe('constant_0:float64[]')
    expect(graph.constant([1, 2], [2], 'int64').source).toEqual({ kind: 'constant', data: BigInt64Array.of(1n, 2n) })
  })

  test('refuses operands of two graphs', () => {
    const [a, b] = [new Graph(), new Graph()].map((graph) => graph.input('x', [2]))
    expect(() => add(a, b)).toThrow('add(x:float32[2], x:float32[2]): x belongs to another graph')
  })

  test('names nodes after their scopes, even after an error', () => {
    const graph = new Graph()
    const x = graph.input('x', [2, 3])
    expect(() => graph.scope('encoder', () => matmul(x, x))).toThrow('inner axes')
    const y = graph.scope('encoder', () => graph.scope('block', () => exp(x)))
    expect([y.name, exp(x).name]).toEqual(['encoder/block/exp_0', 'exp_1'])
  })
})

test('what lies behind a tensor comes in an order in which it can be computed, and nothing else comes', () => {
  const graph = new Graph()
  const [x, w] = [graph.input('x', [2]), graph.parameter('w', [2], ZEROS)]
  const a = exp(x)
  exp(w)
  const b = add(a, mul(a, 2))
  expect(nodesBehind([b]).map(({ op }) => op)).toEqual(['exp', 'mul', 'add'])
  expect(leavesBehind([b]).map(({ name }) => name)).toEqual(['x', 'constant_0'])
  expect(leavesBehind([w, b]).map(({ name }) => name)).toEqual(['w', 'x', 'constant_0'])
})

test('shapes: a scalar holds one value, an empty axis none', () => {
  expect([sizeOf([]), sizeOf([2, 3]), sizeOf([2, 0])]).toEqual([1, 6, 0])
  expect([sameShape([], []), sameShape([2], [2, 1]), sameShape([2, 3], [2, 3])]).toEqual([true, false, true])
})
