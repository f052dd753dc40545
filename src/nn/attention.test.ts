import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, numbers, relativeError, someWeights } from '../../test/op-harness.ts'
import { Graph, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { crossAttention, KeyValueCache, memoryKeyValues, selfAttention } from './attention.ts'
import { Scope } from './scope.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

test('steps with a key/value cache equal one run over all tokens under the step mask', async () => {
  const graph = new Graph()
  const at = new Scope(graph, 'self')
  const counts = [1, 3, 2]
  const x = graph.input('x', [2, 6, 8])
  const level = (token: number) => (token < 1 ? 0 : token < 4 ? 1 : 2)
  const mask = Array.from({ length: 36 }, (_, n) =>
    level(n % 6) <= level(Math.floor(n / 6)) ? 0 : Number.NEGATIVE_INFINITY,
  )
  const whole = selfAttention(at, x, 2, { mask: graph.constant(mask, [6, 6]) })
  const cache = new KeyValueCache()
  let begin = 0
  const steps = counts.map((count): Tensor => {
    const tokens = ops.slice(x, 1, begin, begin + count)
    begin += count
    return selfAttention(at, tokens, 2, { cache })
  })
  const result = await evaluate(
    engine,
    { whole, steps: ops.concat(steps, 1), open: selfAttention(at, x, 2) },
    { x: numbers(96), ...someWeights(graph) },
  )
  expect(relativeError(result.steps, result.whole)).toBeLessThan(1e-6)
  expect(relativeError(result.open, result.whole)).toBeGreaterThan(1e-3) // the mask matters
})

test('each layer has its own parameters, keys before values', () => {
  const graph = new Graph()
  const at = new Scope(graph, 'cross')
  const memory = memoryKeyValues(at, graph.input('memory', [1, 5, 6]), 8)
  const y = crossAttention(at, graph.input('x', [1, 3, 8]), memory, 2)
  expect(y.shape).toEqual([1, 3, 8])
  expect(Object.fromEntries([...graph.parameters].map(([name, { shape }]) => [name, shape]))).toEqual({
    'cross.kv.weight': [16, 6],
    'cross.kv.bias': [16],
    'cross.q.weight': [8, 8],
    'cross.q.bias': [8],
    'cross.proj.weight': [8, 8],
    'cross.proj.bias': [8],
  })
})

test('a query reads nothing of a value whose key is far from it', async () => {
  const graph = new Graph()
  const at = new Scope(graph, 'cross')
  const [k, v] = [graph.constant([50, 0, 0, 50], [1, 2, 2]), graph.constant([1, 2, 3, 4], [1, 2, 2])]
  const y = crossAttention(at, graph.input('x', [1, 1, 2]), { k, v }, 1)
  const identity = [1, 0, 0, 1]
  const weights = {
    'cross.q.weight': identity,
    'cross.q.bias': [0, 0],
    'cross.proj.weight': identity,
    'cross.proj.bias': [0, 0],
  }
  expect([...(await evaluate(engine, { y }, { x: [2, 0], ...weights })).y]).toEqual([1, 2])
})
