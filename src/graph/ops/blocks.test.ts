import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, numbers, relativeError, someWeights } from '../../../test/op-harness.ts'
import { mlp } from '../../nn/layers.ts'
import { Scope } from '../../nn/scope.ts'
import { Engine } from '../../runtime/engine.ts'
import { memoryUse } from '../memory.ts'
import { Graph, nodesBehind, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const [tokens, width, heads] = [60, 16, 2]
const feeds = { x: numbers(tokens * width) }

function attention(graph: Graph): Tensor {
  const x = graph.input('x', [1, tokens, width])
  const mask = Array.from({ length: tokens ** 2 }, (_, i) => (i % tokens > Math.floor(i / tokens) ? -1 : 0))
  return ops.attention(x, x, x, heads, graph.constant(mask, [tokens, tokens]))
}

const feedForward = (graph: Graph): Tensor => mlp(new Scope(graph, 'mlp'), graph.input('x', [1, tokens, width]))

test.each([
  // 120 scores a query; 64 hidden values a token
  { name: 'attention, blocks of 15 queries', of: attention, valuesAtOnce: 15 * 120, joined: 4 },
  { name: 'attention, blocks of 15 where 19 would fit', of: attention, valuesAtOnce: 19 * 120 + 5, joined: 4 },
  { name: 'attention, one query at a time', of: attention, valuesAtOnce: 1, joined: 60 },
  { name: 'an MLP, blocks of 20 tokens', of: feedForward, valuesAtOnce: 20 * 64, joined: 3 },
])('$name: the same values with less memory', async ({ of, valuesAtOnce, joined }) => {
  const [whole, parts] = [new Graph(), new Graph({ valuesAtOnce })]
  const [y, z] = [of(whole), of(parts)]
  const concats = nodesBehind([z]).filter(({ op }) => op === 'concat')
  expect(concats.map(({ inputs }) => inputs.length)).toEqual([joined])
  const expected = await evaluate(engine, { y }, { ...feeds, ...someWeights(whole) })
  const found = await evaluate(engine, { y: z }, { ...feeds, ...someWeights(parts) })
  expect(relativeError(found.y, expected.y)).toBeLessThan(1e-6)
  expect(memoryUse([z]).activations).toBeLessThan(memoryUse([y]).activations)
})

test('a length without a fitting divisor: the last block is shorter', async () => {
  const graph = new Graph({ valuesAtOnce: 10 })
  const x = graph.input('x', [23, 2])
  const begins: number[] = []
  const y = ops.inBlocks(x, 0, { values: 1 }, (block, begin) => {
    begins.push(begin)
    return ops.mul(block, 2)
  })
  expect(begins).toEqual([0, 10, 20])
  expect(y.shape).toEqual([23, 2])
  const values = numbers(46)
  expect((await evaluate(engine, { y }, { x: values })).y).toEqual(
    Float64Array.from(values, (v) => Math.fround(2 * Math.fround(v))),
  )
})

test('without a limit nothing is cut', () => {
  const y = attention(new Graph())
  expect(nodesBehind([y]).some(({ op }) => op === 'concat' || op === 'split')).toBe(false)
})
