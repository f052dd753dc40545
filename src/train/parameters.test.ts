import { describe, expect, it } from 'vitest'
import { Graph, type Init, type Shape } from '../graph/index.ts'
import { DarError } from '../support/errors.ts'
import { initialise, type Layout, layoutOf, loadInto, slicesOf } from './parameters.ts'

const ZERO: Init = { kind: 'constant', value: 0 }

function layout(parameters: Readonly<Record<string, readonly [Shape, Init]>>): Layout {
  const graph = new Graph()
  for (const [name, [shape, init]] of Object.entries(parameters)) graph.parameter(name, shape, init)
  return layoutOf(graph.parameters.values())
}

/** Values of one parameter. */
function part(all: Float32Array, { entries }: Layout, name: string): Float32Array {
  const entry = entries.find((one) => one.name === name)
  if (!entry) throw new Error(`no ${name}`)
  return all.subarray(entry.offset, entry.offset + entry.length)
}

const moments = (values: Float32Array) => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  return { mean, deviation: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length) }
}

describe('layoutOf', () => {
  it('places parameters one after another in the order of their names, whatever order they were made in', () => {
    const made = layout({ b: [[2, 3], ZERO], 'a.10': [[4], ZERO], 'a.9': [[], ZERO], B: [[1, 1, 5], ZERO] })
    expect(made.length).toBe(16)
    expect(made.entries.map(({ name, offset, length }) => [name, offset, length])).toEqual([
      ['B', 0, 5],
      ['a.10', 5, 4],
      ['a.9', 9, 1],
      ['b', 10, 6],
    ])
    expect(layout({ B: [[1, 1, 5], ZERO], 'a.9': [[], ZERO], 'a.10': [[4], ZERO], b: [[2, 3], ZERO] })).toEqual(made)
  })

  it('gives every parameter its stretch of a buffer, under a prefixed name', () => {
    const made = layout({ x: [[2], ZERO], y: [[3], ZERO] })
    expect(slicesOf(made, 'grads', 'd ')).toEqual({
      'd x': { buffer: 'grads', offset: 0, length: 2 },
      'd y': { buffer: 'grads', offset: 2, length: 3 },
    })
  })
})

describe('initialise', () => {
  const normal: Init = { kind: 'normal', deviation: 0.02 }
  const fanIn: Init = { kind: 'fan-in', gain: 2 }

  it('depends on the seed and on a parameter’s own name, not on what else the model has', () => {
    const small = layout({ b: [[50], normal] })
    const large = layout({ a: [[7], normal], b: [[50], normal], c: [[50], normal] })
    const values = initialise(large, 3)
    expect(initialise(large, 3)).toEqual(values)
    expect(part(values, large, 'b')).toEqual(part(initialise(small, 3), small, 'b'))
    expect(part(values, large, 'b')).not.toEqual(part(values, large, 'c'))
    expect(initialise(large, 4)).not.toEqual(values)
  })

  it('fills constants, draws normals of the given deviation, and uniforms of ±gain/√fanIn', () => {
    const made = layout({
      one: [[9], { kind: 'constant', value: 1.5 }],
      normal: [[100, 100], normal],
      // fan-in 8·3·3 = 72, so b = 2/√72 ≈ 0.2357 and the deviation is b/√3
      conv: [[150, 8, 3, 3], fanIn],
    })
    const values = initialise(made, 1)
    expect([...part(values, made, 'one')]).toEqual(Array(9).fill(1.5))
    const drawn = moments(part(values, made, 'normal'))
    expect(Math.abs(drawn.mean)).toBeLessThan(0.001)
    expect(Math.abs(drawn.deviation / 0.02 - 1)).toBeLessThan(0.03)
    const bound = 2 / Math.sqrt(72)
    const conv = part(values, made, 'conv')
    expect(Math.abs(moments(conv).deviation / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.03)
    const largest = Math.max(...conv.map(Math.abs))
    expect(largest).toBeLessThanOrEqual(Math.fround(bound))
    expect(largest).toBeGreaterThan(0.99 * bound)
  })
})

describe('loadInto', () => {
  const made = layout({ 'encoder.a': [[2], ZERO], 'encoder.b': [[1, 2], ZERO], head: [[1], ZERO] })
  const stored = (tensors: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>) => ({
    values: new Map(Object.entries(tensors).map(([name, [, values]]) => [name, Float32Array.from(values)])),
    shapes: new Map(Object.entries(tensors).map(([name, [shape]]) => [name, shape])),
  })

  it('copies what the model has, and reports what was loaded, missing and unused', () => {
    const values = new Float32Array(5).fill(9)
    const file = stored({
      'encoder.b': [
        [1, 2],
        [3, 4],
      ],
      classifier: [[1], [5]],
    })
    const report = loadInto(values, made, file, { source: 'w' })
    expect([...values]).toEqual([9, 9, 3, 4, 9])
    expect(report).toEqual({ loaded: ['encoder.b'], missing: ['encoder.a', 'head'], unused: ['classifier'] })
  })

  it('refuses a tensor of another shape, also one of as many values, and names file and tensor', () => {
    const load = () =>
      loadInto(
        new Float32Array(5),
        made,
        stored({
          'encoder.b': [
            [2, 1],
            [3, 4],
          ],
        }),
        { source: 'w.st' },
      )
    expect(load).toThrow(DarError)
    expect(load).toThrow(/w\.st: tensor encoder\.b is \[2,1\], the model's is \[1,2\]/)
  })

  it('refuses values that are not finite', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const load = () => loadInto(new Float32Array(5), made, stored({ head: [[1], [bad]] }), { source: 'w.st' })
      expect(load).toThrow(DarError)
      expect(load).toThrow(/w\.st: tensor head holds values that are not finite/)
    }
  })
})
