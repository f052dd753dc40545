import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryUse } from './memory.ts'
import * as ops from './ops/index.ts'
import { Graph, type Init, nodesBehind, type Tensor } from './tensor.ts'

const ZEROS: Init = { kind: 'constant', value: 0 }
const peak = (...outputs: Tensor[]) => memoryUse(outputs).activations

/** An op that is neither in place nor a renaming: n values to m. */
function opaque(inputs: readonly Tensor[], m: number): Tensor {
  const [y] = inputs[0].graph.apply({
    op: 'opaque',
    inputs,
    outputs: [{ shape: [m], dtype: 'float32' }],
    emit: () => {},
  })
  return y
}

describe('activations, in bytes', () => {
  it('hold a value from its node to its last reader', () => {
    const x = new Graph().input('x', [10])
    const a = opaque([x], 100)
    const b = opaque([a], 50)
    const c = opaque([b], 20)
    expect(peak(c)).toBe(4 * (100 + 50)) // a and b while b is made; c comes when a is gone
    expect(peak(opaque([c, a], 1))).toBe(4 * (100 + 50 + 20)) // now a waits for the last node
  })

  it('keep outputs to the end', () => {
    const x = new Graph().input('x', [10])
    const a = opaque([x], 100)
    const b = opaque([a], 50)
    const c = opaque([b], 20)
    expect(peak(a, c)).toBe(4 * (100 + 50 + 20))
  })

  it('of an element-wise chain are one buffer, and two where its start is read again', () => {
    const x = new Graph().input('x', [100])
    const a = opaque([x], 100)
    expect(peak(opaque([ops.tanh(ops.mul(ops.exp(a), 2))], 1))).toBe(4 * 101)
    expect(peak(opaque([ops.add(ops.tanh(ops.exp(a)), a)], 1))).toBe(4 * 200)
  })

  it('do not grow by renaming, and what is renamed lives as long as its new name', () => {
    const x = new Graph().input('x', [100])
    const a = opaque([x], 100)
    const renamed = ops.reshape(a, [10, 10])
    expect(peak(opaque([renamed], 7))).toBe(4 * 107)
    const b = opaque([x], 30)
    expect(peak(opaque([b, renamed], 7))).toBe(4 * 137)
    expect(peak(opaque([ops.reshape(x, [10, 10])], 7))).toBe(4 * 7)
  })

  it('of attention hold the scores once: softmax writes over them', () => {
    const graph = new Graph()
    const scores = opaque([graph.input('x', [1])], 64)
    const values = opaque([graph.input('v', [1])], 16)
    const mixed = ops.softmaxMatmul(ops.reshape(scores, [8, 8]), ops.reshape(values, [8, 2]))
    expect(peak(mixed)).toBe(4 * (64 + 16 + 16))
  })

  it('hold a buffer for the next value of its shape, as the engine’s planner does', () => {
    const x = new Graph().input('x', [10])
    const first = opaque([x], 100)
    const small = opaque([first], 1)
    const other = opaque([small], 60) // not in the place of `first`, which is kept for `second`
    const tiny = opaque([other], 2) // here the peak is: 60 and 2 beside the 100 that nobody reads
    expect(peak(opaque([opaque([tiny], 100)], 3))).toBe(4 * (100 + 60 + 2))
    // Without a second one of its shape nothing is kept.
    expect(peak(opaque([other], 3))).toBe(4 * (100 + 1))
  })

  it('take in what a node needs besides, and leave out what is bound to somebody else’s memory', () => {
    const graph = new Graph()
    const x = graph.input('x', [1, 16, 4, 4])
    const dy = graph.input('dy', [1, 16, 4, 4])
    const dw = ops.convWeight(x, dy, [1, 1])
    const maps = 16 * 16 // of each of: x and dy channels-last, and the one shifted copy
    expect(peak(dw)).toBe(4 * (16 * 16 + 3 * maps))
    expect(memoryUse([dw], { bound: [dw] }).activations).toBe(4 * 3 * maps)
  })

  it('leave out what is given, and everything behind it', () => {
    const x = new Graph().input('x', [10])
    const a = opaque([x], 100)
    const b = opaque([opaque([a], 50)], 20)
    const given = memoryUse([opaque([b, ops.reshape(a, [10, 10])], 7)], { given: new Set([a, b]) })
    expect([given.activations, given.inputs]).toEqual([4 * 7, 0])
  })

  it('in the order of the engine go along a chain to its end, and keep what others on the way read', () => {
    const x = new Graph().input('x', [10])
    const a = opaque([x], 100)
    const ofA = opaque([a], 1)
    const b = opaque([a], 100)
    const ofB = opaque([b], 1)
    const end = opaque([b], 100)
    const use = (order: 'made' | 'engine') => memoryUse([ofA, ofB, end], { order }).activations
    expect([use('made'), use('engine')]).toEqual([4 * 202, 4 * 301])
  })

  it('names the node of the peak', () => {
    const x = new Graph().input('x', [10])
    const big = opaque([x], 100)
    expect(memoryUse([opaque([big], 1)]).peakNode?.results[0].size).toBe(1)
  })
})

describe('what is there besides', () => {
  it('counts parameters that a run reads, and results of those that it does not', () => {
    const graph = new Graph()
    const direct = graph.parameter('direct', [4, 4], ZEROS)
    const indirect = graph.parameter('indirect', [4, 8], ZEROS)
    const x = graph.input('x', [2, 4])
    const y = ops.matmul(ops.matmul(x, direct), ops.mul(ops.transpose(ops.reshape(indirect, [8, 4]), [1, 0]), 2))
    const fixed = memoryUse([y])
    expect([fixed.parameters, fixed.folded, fixed.inputs]).toEqual([64, 128, 32])
    const fed = memoryUse([y], { parameters: 'fed' })
    expect([fed.parameters, fed.folded]).toEqual([64 + 128, 0])
  })

  it('counts equal constants once', () => {
    const graph = new Graph()
    const x = graph.input('x', [3])
    const constant = (values: number[]) => graph.constant(values, [3])
    const y = ops.add(ops.add(ops.add(x, constant([1, 2, 3])), constant([1, 2, 3])), constant([1, 2, 4]))
    expect(memoryUse([y]).constants).toBe(2 * 12)
  })
})

/** A graph of opaque nodes, all of different sizes so that nothing is reused: node i reads the named earlier ones. */
const graphs = fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 })

it('equals, where nothing is reused, the sum over every node of what is alive at it', () => {
  fc.assert(
    fc.property(graphs, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (reads, wanted) => {
      const x = new Graph().input('x', [5])
      const made: Tensor[] = []
      reads.forEach((from, i) => {
        const inputs = from.map((n) => (made.length === 0 || n % 4 === 0 ? x : made[n % made.length]))
        made.push(opaque(inputs, 2 ** i))
      })
      const outputs = [...new Set(wanted.map((n) => made[n % made.length]))]
      const nodes = nodesBehind(outputs)
      // Slowly: a value is alive at node t if it was made by then and t, a later node or the caller reads it.
      const alive = nodes.map((_, t) => {
        const later = new Set([...nodes.slice(t).flatMap(({ inputs }) => inputs), ...outputs, ...nodes[t].results])
        return nodes.slice(0, t + 1).reduce((sum, { results: [y] }) => sum + (later.has(y) ? 4 * y.size : 0), 0)
      })
      expect(peak(...outputs)).toBe(Math.max(...alive))
    }),
    { numRuns: 200, seed: 3 },
  )
})
