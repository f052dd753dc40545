/**
 * Properties of the shape rules: what an op says of its result is what the engine makes. The engine's word comes from an
 * ONNX `Shape` node behind the op. Shrinking works, since every run of a property compiles its cases anew.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, indices } from '../../test/op-harness.ts'
import { Engine } from '../runtime/engine.ts'
import * as ops from './ops/index.ts'
import { Graph, type Shape, ShapeError, type Tensor } from './tensor.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

/** The shape that the engine finds. */
function engineShape(x: Tensor): Tensor {
  const [shape] = x.graph.apply({
    op: 'shape',
    inputs: [x],
    outputs: [{ shape: [x.rank], dtype: 'int64' }],
    emit: (e, inputs, outputs) => e.node('Shape', inputs, outputs),
  })
  return shape
}

/** Cases in one graph, so that one run of the engine judges all of them. */
async function agree<C>(cases: readonly C[], build: (graph: Graph, c: C, n: number) => Tensor): Promise<void> {
  const graph = new Graph()
  const tensors = cases.map((c, n) => build(graph, c, n))
  const feeds: Record<string, number[]> = {}
  for (const { name, size } of graph.inputs.values()) feeds[name] = Array.from({ length: size }, (_, i) => i)
  const outputs = Object.fromEntries(tensors.flatMap((t, n) => [[`${n}`, engineShape(t)] as const]))
  const found = await evaluate(engine, outputs, feeds)
  tensors.forEach((t, n) => {
    expect([...found[n]], `${t} of ${JSON.stringify(cases[n])}`).toEqual(t.shape)
  })
}

const holds = <C>(arbitrary: fc.Arbitrary<C>, build: (graph: Graph, c: C, n: number) => Tensor) =>
  fc.assert(
    fc.asyncProperty(fc.array(arbitrary, { minLength: 1, maxLength: 25, size: 'max' }), (cases) => agree(cases, build)),
    { numRuns: 4, seed: 20250611 },
  )

/** Axes of length 0 are shapes too. */
const axis = fc.integer({ min: 0, max: 4 })
const shapes = fc.array(axis, { maxLength: 4 })
const nonScalar = fc.array(axis, { minLength: 1, maxLength: 4 })

/** NumPy's rule, by trying every index: the result's entry at an index reads each operand at it, or at 0 along an axis of 1. */
function numpyBroadcast(a: Shape, b: Shape): number[] | null {
  const rank = Math.max(a.length, b.length)
  const fill = (s: Shape) => [...Array<number>(rank - s.length).fill(1), ...s]
  const [p, q] = [fill(a), fill(b)]
  const result: number[] = []
  for (let i = 0; i < rank; i++) {
    if (p[i] === q[i]) result.push(p[i])
    else if (p[i] === 1) result.push(q[i])
    else if (q[i] === 1) result.push(p[i])
    else return null
  }
  return result
}

/** Pairs that broadcast: a shape, and the same with some axes set to 1 and some leading ones dropped, each way. */
const broadcastable = shapes.chain((shape) =>
  fc
    .tuple(
      fc.array(fc.constantFrom(0, 1, 2), { minLength: shape.length, maxLength: shape.length }),
      fc.integer({ min: 0, max: shape.length }),
      fc.boolean(),
    )
    .map(([ones, drop, swap]): [number[], number[]] => {
      const a = shape.map((n, i) => (ones[i] === 1 ? 1 : n))
      const b = shape.map((n, i) => (ones[i] === 2 ? 1 : n)).slice(drop)
      return swap ? [b, a] : [a, b]
    }),
)

test('element-wise ops broadcast exactly where NumPy does', () => {
  fc.assert(
    fc.property(fc.oneof(fc.tuple(shapes, shapes), broadcastable), ([a, b]) => {
      const graph = new Graph()
      const add = () => ops.add(graph.input('a', a), graph.input('b', b)).shape
      const expected = numpyBroadcast(a, b)
      if (expected) expect(add()).toEqual(expected)
      else expect(add).toThrow(ShapeError)
    }),
    { numRuns: 500 },
  )
})

test('where broadcasts all three of its operands', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.tuple(shapes, shapes, shapes),
        fc.tuple(broadcastable, shapes).map(([[a, b], c]) => [a, b, c]),
      ),
      ([c, a, b]) => {
        const graph = new Graph()
        const both = numpyBroadcast(c, a)
        const expected = both && numpyBroadcast(both, b)
        const where = () => ops.where(graph.input('c', c, 'bool'), graph.input('a', a), graph.input('b', b)).shape
        if (expected) expect(where()).toEqual(expected)
        else expect(where).toThrow(ShapeError)
      },
    ),
    { numRuns: 300 },
  )
})

test('the engine broadcasts to the same shapes', () =>
  holds(broadcastable, (graph, [a, b], n) => ops.mul(graph.input(`a${n}`, a), graph.input(`b${n}`, b))))

test('expand goes to what the engine makes', () =>
  holds(
    broadcastable.filter(([a, b]) => a.length <= b.length || numpyBroadcast(a, b)?.length === a.length),
    (graph, [a, b], n) => ops.expand(graph.input(`x${n}`, a), numpyBroadcast(a, b) ?? a),
  ))

test('reshape takes any shape of as many values, zero included', () =>
  holds(
    shapes.chain((from) => {
      const size = from.reduce((a, b) => a * b, 1)
      const divisors = Array.from({ length: Math.max(size, 1) }, (_, i) => i + 1).filter((n) => size % n === 0)
      const to = fc.constantFrom(...divisors).map((n) => (size === 0 ? [n, 0, 2] : [n, size / n]))
      return fc.record({ from: fc.constant(from), to, infer: fc.boolean() })
    }),
    (graph, { from, to, infer }, n) =>
      ops.reshape(graph.input(`x${n}`, from), infer && !to.includes(0) ? [to[0], -1] : to),
  ))

test('transpose permutes', () =>
  holds(
    shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length, maxLength: shape.length }),
      }),
    ),
    (graph, { shape, order }, n) => ops.transpose(graph.input(`x${n}`, shape), order),
  ))

test('slice counts as Array.slice does, by any step', () =>
  holds(
    nonScalar.chain((shape) =>
      fc.integer({ min: 0, max: shape.length - 1 }).chain((axis) =>
        fc.record({
          shape: fc.constant(shape),
          axis: fc.constant(axis),
          ends: fc.tuple(fc.integer({ min: 0, max: shape[axis] }), fc.integer({ min: 0, max: shape[axis] })),
          step: fc.integer({ min: 1, max: 5 }),
        }),
      ),
    ),
    (graph, { shape, axis, ends, step }, n) => {
      const [begin, end] = [Math.min(...ends), Math.max(...ends)]
      const y = ops.slice(graph.input(`x${n}`, shape), axis, begin, end, step)
      const taken = [...Array(shape[axis]).keys()].slice(begin, end).filter((_, i) => i % step === 0)
      expect(y.shape[axis]).toBe(taken.length)
      return y
    },
  ))

test('concat adds up along its axis', () =>
  holds(
    nonScalar.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        axis: fc.integer({ min: 0, max: shape.length - 1 }),
        lengths: fc.array(axis, { minLength: 1, maxLength: 4 }),
      }),
    ),
    (graph, { shape, axis, lengths }, n) =>
      ops.concat(
        lengths.map((length, i) => graph.input(`x${n}.${i}`, shape.with(axis, length))),
        axis,
      ),
  ))

test('pad, flip and dilate', () =>
  holds(
    nonScalar.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        axis: fc.integer({ min: 0, max: shape.length - 1 }),
        before: axis,
        after: axis,
        step: fc.integer({ min: 1, max: 3 }),
      }),
    ),
    (graph, { shape, axis, before, after, step }, n) =>
      ops.flip(ops.pad(ops.dilate(graph.input(`x${n}`, shape), axis, step), axis, before, after), axis),
  ))

test('reductions drop or keep their axes', () =>
  holds(
    shapes.chain((shape) =>
      fc.record({ shape: fc.constant(shape), axes: fc.subarray([...shape.keys()]), keepAxes: fc.boolean() }),
    ),
    (graph, { shape, axes, keepAxes }, n) => ops.sum(graph.input(`x${n}`, shape), axes, { keepAxes }),
  ))

test('matmul broadcasts its batches', () =>
  holds(fc.tuple(broadcastable, axis, axis, axis), (graph, [[a, b], m, k, p], n) =>
    ops.matmul(graph.input(`a${n}`, [...a, m, k]), graph.input(`b${n}`, [...b, k, p])),
  ))

const side = fc.integer({ min: 1, max: 7 })
const reach = fc.integer({ min: 0, max: 3 })
const geometry = fc
  .record({
    size: fc.tuple(side, side),
    kernel: fc.tuple(side, side),
    padding: fc.tuple(reach, reach, reach, reach),
    stride: fc.integer({ min: 1, max: 4 }),
  })
  .filter(
    ({ size, kernel, padding: [top, left, bottom, right] }) =>
      size[0] + top + bottom >= kernel[0] && size[1] + left + right >= kernel[1],
  )

test('conv has as many outputs as windows fit, and convTranspose leads back to every such size', () =>
  holds(geometry, (graph, { size, kernel, padding, stride }, n) => {
    const [x, w] = [graph.input(`x${n}`, [1, 2, ...size]), graph.input(`w${n}`, [3, 2, ...kernel])]
    const y = ops.conv(x, w, undefined, { stride, padding })
    const windows = (length: number, k: number) =>
      indices([length]).filter(([p]) => p % stride === 0 && p + k <= length).length
    expect(y.shape).toEqual([
      1,
      3,
      windows(size[0] + padding[0] + padding[2], kernel[0]),
      windows(size[1] + padding[1] + padding[3], kernel[1]),
    ])
    const back = ops.convTranspose(y, w, undefined, { stride, padding, size })
    expect(ops.convWeight(x, y, kernel, { stride, padding }).shape).toEqual(w.shape)
    return ops.concat([ops.reshape(y, [y.size]), ops.reshape(back, [back.size])], 0)
  }))

test('conv and convTranspose: the engine agrees on each axis', async () => {
  await holds(geometry, (graph, { size, kernel, padding, stride }, n) =>
    ops.conv(graph.input(`x${n}`, [1, 2, ...size]), graph.input(`w${n}`, [3, 2, ...kernel]), undefined, {
      stride,
      padding,
    }),
  )
  await holds(geometry, (graph, { size, kernel, padding, stride }, n) => {
    const count = (length: number, k: number) => Math.floor((length - k) / stride) + 1
    const [rows, cols] = [
      count(size[0] + padding[0] + padding[2], kernel[0]),
      count(size[1] + padding[1] + padding[3], kernel[1]),
    ]
    const weight = graph.input(`w${n}`, [3, 2, ...kernel])
    return ops.convTranspose(graph.input(`y${n}`, [1, 3, rows, cols]), weight, undefined, { stride, padding, size })
  })
})

test('resize, pool and maxPool', () =>
  holds(
    fc.record({
      from: fc.tuple(side, side),
      to: fc.tuple(side, side),
      mode: fc.constantFrom<ops.ResizeMode>('bilinear', 'bicubic', 'nearest', 'centre', 'pool'),
    }),
    (graph, { from, to, mode }, n) => {
      const y = ops.resize(graph.input(`x${n}`, [1, 1, ...from]), to, mode)
      expect(y.shape).toEqual([1, 1, ...to])
      return ops.maxPool(y, 3, { stride: 2, padding: 1 })
    },
  ))

test('gather puts the axes of the indices in the place of its own', () =>
  holds(
    fc.tuple(
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
      fc.array(axis, { maxLength: 2 }),
      fc.nat(),
    ),
    (graph, [shape, picked, seed], n) => {
      const zeros = graph.constant(Array<number>(picked.reduce((a, b) => a * b, 1)).fill(0), picked, 'int64')
      return ops.gather(graph.input(`x${n}`, shape), seed % shape.length, zeros)
    },
  ))
