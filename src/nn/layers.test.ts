import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, NdArray, nd, numbers, relativeError, sigma, someWeights } from '../../test/op-harness.ts'
import { Graph, type Tensor } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import { conv, convTranspose, groupNorm, layerNorm, linear, mlp, toMap, toTokens } from './layers.ts'
import { HE, Scope, SMALL_NORMAL } from './scope.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

/** What a layer declares: names, shapes. */
function declared(build: (at: Scope, graph: Graph) => Tensor): Record<string, readonly number[]> {
  const graph = new Graph()
  build(new Scope(graph, 'layer'), graph)
  return Object.fromEntries([...graph.parameters].map(([name, { shape }]) => [name, shape]))
}

describe('layers declare their parameters as PyTorch lays them out', () => {
  test.each<[string, (at: Scope, graph: Graph) => Tensor, Record<string, number[]>]>([
    ['linear: out, in', (at, g) => linear(at, g.input('x', [2, 5]), 3), { 'layer.weight': [3, 5], 'layer.bias': [3] }],
    [
      'conv: out, in, kh, kw',
      (at, g) => conv(at, g.input('x', [1, 4, 8, 8]), 6),
      { 'layer.weight': [6, 4, 3, 3], 'layer.bias': [6] },
    ],
    [
      'conv in groups: out, in/groups',
      (at, g) => conv(at, g.input('x', [1, 4, 8, 8]), 4, { groups: 4 }),
      { 'layer.weight': [4, 1, 3, 3], 'layer.bias': [4] },
    ],
    [
      'conv without a bias',
      (at, g) => conv(at, g.input('x', [1, 4, 8, 8]), 6, { bias: false, kernel: 1 }),
      { 'layer.weight': [6, 4, 1, 1] },
    ],
    [
      'transposed conv: in, out, k, k',
      (at, g) => convTranspose(at, g.input('x', [1, 4, 8, 8]), 6, 2),
      { 'layer.weight': [4, 6, 2, 2], 'layer.bias': [6] },
    ],
    ['layer norm', (at, g) => layerNorm(at, g.input('x', [2, 5]), 1e-5), { 'layer.weight': [5], 'layer.bias': [5] }],
    [
      'group norm',
      (at, g) => groupNorm(at, g.input('x', [1, 4, 2, 2]), 2, 1e-5),
      { 'layer.weight': [4], 'layer.bias': [4] },
    ],
    [
      'mlp: four times as wide inside',
      (at, g) => mlp(at, g.input('x', [1, 2, 3])),
      { 'layer.fc1.weight': [12, 3], 'layer.fc1.bias': [12], 'layer.fc2.weight': [3, 12], 'layer.fc2.bias': [3] },
    ],
  ])('%s', (_name, build, expected) => {
    expect(declared(build)).toEqual(expected)
  })

  test('with the recipe that they are given', () => {
    const graph = new Graph()
    linear(new Scope(graph, 'a'), graph.input('x', [1, 2]), 3, { init: SMALL_NORMAL })
    conv(new Scope(graph, 'b'), graph.input('y', [1, 2, 3, 3]), 3, { init: HE })
    const recipe = (name: string) => graph.parameters.get(name)?.source
    expect(recipe('a.weight')).toEqual({ kind: 'parameter', init: { kind: 'normal', deviation: 0.02 } })
    expect(recipe('b.weight')).toEqual({ kind: 'parameter', init: { kind: 'fan-in', gain: Math.sqrt(6) } })
    expect(recipe('b.bias')).toEqual({ kind: 'parameter', init: { kind: 'constant', value: 0 } })
  })

  test('once, when a layer is used at every step', () => {
    const graph = new Graph()
    const at = new Scope(graph, 'head')
    linear(at, linear(at, graph.input('x', [2, 3]), 3), 3)
    expect([...graph.parameters.keys()]).toEqual(['head.weight', 'head.bias'])
  })

  test('and name their nodes after where they stand', () => {
    const graph = new Graph()
    const y = linear(new Scope(graph, 'decoder').sub('blocks').sub(0).sub('proj'), graph.input('x', [1, 2]), 2)
    expect(y.name).toBe('decoder.blocks.0.proj/gemm_0')
    expect(linear(new Scope(graph), graph.input('z', [1, 2]), 2).name).toBe('gemm_1')
  })
})

describe('layers compute', () => {
  test('a conv that keeps the size, padding half its kernel with zeros', async () => {
    const graph = new Graph()
    const y = conv(new Scope(graph, 'c'), graph.input('x', [1, 2, 3, 4]), 2)
    const weights = someWeights(graph)
    const x = nd([1, 2, 3, 4], () => 0)
    x.data.set(numbers(24))
    const w = new NdArray([2, 2, 3, 3], weights['c.weight'])
    const expected = nd(
      [1, 2, 3, 4],
      (_, o, i, j) =>
        weights['c.bias'][o] + sigma([2, 3, 3], (c, k, l) => w.at(o, c, k, l) * x.padded(0, c, i + k - 1, j + l - 1)),
    )
    expect(y.shape).toEqual(expected.shape)
    const result = await evaluate(engine, { y }, { x: x.data, ...weights })
    expect(relativeError(result.y, expected.data)).toBeLessThan(1e-5)
  })

  test('a transposed conv that makes a block of every pixel', async () => {
    const graph = new Graph()
    const y = convTranspose(new Scope(graph, 't'), graph.input('x', [1, 1, 1, 2]), 1, 2)
    const result = await evaluate(engine, { y }, { x: [10, 100], 't.weight': [1, 2, 3, 4], 't.bias': [0.5] })
    expect([...result.y]).toEqual([10.5, 20.5, 100.5, 200.5, 30.5, 40.5, 300.5, 400.5])
  })

  test('an mlp with an exact GELU between its two linear layers', async () => {
    const graph = new Graph()
    const y = mlp(new Scope(graph, 'm'), graph.input('x', [1, 1, 1]))
    const weights = {
      'm.fc1.weight': [1, -1, 0.5, 2],
      'm.fc1.bias': [0, 0, 0, 0],
      'm.fc2.weight': [1, 1, 1, 1],
      'm.fc2.bias': [3],
    }
    // GELU(1), GELU(−1), GELU(0.5), GELU(2), from tables of the normal distribution
    const expected = 0.8413447 - 0.1586553 + 0.5 * 0.6914625 + 2 * 0.9772499 + 3
    expect((await evaluate(engine, { y }, { x: [1], ...weights })).y[0]).toBeCloseTo(expected, 5)
  })

  test('tokens in row-major order of the map, and back', async () => {
    const graph = new Graph()
    const x = graph.input('x', [1, 2, 2, 3]) // channel c, row i, column j holds 100c + 10i + j
    const tokens = toTokens(x)
    const values = nd([1, 2, 2, 3], (_, c, i, j) => 100 * c + 10 * i + j).data
    const result = await evaluate(engine, { tokens, map: toMap(tokens, [2, 3]) }, { x: values })
    expect([...result.tokens]).toEqual([0, 100, 1, 101, 2, 102, 10, 110, 11, 111, 12, 112])
    expect(result.map).toEqual(values)
  })
})
