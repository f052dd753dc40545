/** What the passes of an int8 export compute, against the float graph that they replace. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { relativeError } from '../../test/op-harness.ts'
import { Graph, lower, type ModelProto, nodesBehind, type Tensor, writeModel } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { foldWeights } from './fold.ts'
import { scoresToInt8 } from './int8-attention.ts'
import { convsToInt8 } from './int8-conv.ts'
import { quantiseWeight } from './int8-weights.ts'

type Pass = (model: ModelProto, shapes: ReadonlyMap<string, readonly number[]>) => ModelProto

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

/** Runs what `build` makes before and after a pass, on the same random feeds and weights. */
async function bothWays(build: (graph: Graph) => Tensor, pass: Pass) {
  const graph = new Graph()
  const y = build(graph)
  const random = new Random(5)
  const draw = (length: number) => Float32Array.from({ length }, () => random.uniform(-1, 1))
  const values = new Map([...graph.parameters.values()].map(({ name, size }) => [name, draw(size)]))
  const { model, ...ports } = lower({ y }, { weights: { kind: 'embedded', values } })
  const tensors = nodesBehind([y]).flatMap(({ inputs, results }) => [...inputs, ...results])
  const rewritten = pass(model, new Map(tensors.map(({ name, shape }) => [name, shape])))
  const feeds = Object.fromEntries(
    ports.inputs.map(({ name, shape }) => [name, draw(shape.reduce((n, m) => n * m, 1))]),
  )
  const results: Float32Array[] = []
  for (const each of [model, rewritten]) {
    const program = await engine.load({ ...ports, parameters: [], model: writeModel(each) })
    results.push((await program.run(feeds)).y as Float32Array)
  }
  const types = rewritten.nodes.map(({ type }) => type)
  return { error: relativeError(results[1], results[0]), types }
}

const parameter = (graph: Graph, name: string, shape: readonly number[]) =>
  graph.parameter(name, shape, { kind: 'constant', value: 0 })

test.each([
  { name: '3×3, padded', kernel: [3, 3], stride: 1, padding: [1, 1, 1, 1] },
  { name: '1×5', kernel: [1, 5], stride: 1, padding: [0, 2, 0, 2] },
  { name: '5×1', kernel: [5, 1], stride: 1, padding: [2, 0, 2, 0] },
  { name: '3×3 by two, padded below and on the right only', kernel: [3, 3], stride: 2, padding: [0, 0, 1, 1] },
  { name: '1×1', kernel: [1, 1], stride: 1, padding: [0, 0, 0, 0] },
] as const)('a convolution of $name', async ({ kernel, stride, padding }) => {
  const { error, types } = await bothWays(
    (graph) => {
      const x = graph.input('x', [1, 200, 40, 36])
      const w = parameter(graph, 'w', [96, 200, ...kernel])
      return ops.conv(x, w, parameter(graph, 'b', [96]), { stride, padding })
    },
    (model, shapes) => convsToInt8(model, shapes),
  )
  expect(types).toContain('MatMulIntegerToFloat')
  expect(types).not.toContain('Conv')
  expect(error).toBeGreaterThan(0)
  expect(error).toBeLessThan(0.03)
})

test('convolutions of the same map quantise it once; small ones stay as they are', async () => {
  const { error, types } = await bothWays(
    (graph) => {
      const x = graph.input('x', [1, 64, 40, 36])
      const wide = (name: string) =>
        ops.conv(x, parameter(graph, name, [64, 64, 3, 3]), undefined, { padding: [1, 1, 1, 1] })
      const narrow = ops.conv(x, parameter(graph, 'narrow', [64, 64, 1, 1]))
      return ops.add(ops.add(wide('one'), wide('two')), narrow)
    },
    (model, shapes) => convsToInt8(model, shapes),
  )
  const count = (type: string) => types.filter((t) => t === type).length
  expect([count('DynamicQuantizeLinear'), count('Gather'), count('MatMulIntegerToFloat')]).toEqual([1, 1, 2])
  expect(count('Conv')).toBe(1)
  expect(error).toBeLessThan(0.03)
})

test('a convolution of a convolution', async () => {
  const { error, types } = await bothWays(
    (graph) => {
      const padding = [1, 1, 1, 1] as const
      const inner = ops.conv(graph.input('x', [1, 64, 40, 36]), parameter(graph, 'v', [64, 64, 3, 3]), undefined, {
        padding,
      })
      return ops.conv(inner, parameter(graph, 'w', [64, 64, 3, 3]), undefined, { padding })
    },
    (model, shapes) => convsToInt8(model, shapes),
  )
  expect(types).not.toContain('Conv')
  expect(error).toBeLessThan(0.05)
})

test('the scores of an attention', async () => {
  const { error, types } = await bothWays((graph) => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => ops.mul(graph.input(name, [1, 256, 64]), 3))
    return ops.attention(q, k, v, 2)
  }, scoresToInt8)
  expect(types.filter((t) => t === 'MatMulIntegerToFloat')).toHaveLength(1)
  expect(types.filter((t) => t === 'MatMul')).toHaveLength(1)
  expect(error).toBeGreaterThan(0)
  expect(error).toBeLessThan(0.05)
})

test('weights that are split and joined become constants, bit for bit', async () => {
  const { error, types } = await bothWays((graph) => {
    const [a, b] = ['a', 'b'].map((name) => ops.split(parameter(graph, name, [6, 8, 1, 3]), 1, [3, 5]))
    const x = graph.input('x', [1, 5, 4, 6])
    return ops.conv(x, ops.concat([a[1], b[1]], 0))
  }, foldWeights)
  expect(types).toEqual(['Conv', 'Identity'])
  expect(error).toBe(0)
})

test('a weight has one scale an output, and seven bits', () => {
  const values = Float32Array.of(0.4, -1, 0.25, 0, 0, 0)
  const [integers, scales] = quantiseWeight({ outputs: 2, inputs: 3, values }, { integers: 'q', scales: 's' })
  if (integers.content.kind !== 'raw' || scales.content.kind !== 'raw') throw new Error('expected values')
  expect([...new Int8Array(integers.content.bytes.slice().buffer)]).toEqual([25, 0, -63, 0, 16, 0])
  expect([...new Float32Array(scales.content.bytes.slice().buffer)]).toEqual([Math.fround(1 / 63), 1])
})
