import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, NdArray, nd, numbers, relativeError, sigma, someWeights } from '../../test/op-harness.ts'
import { Graph, nodesBehind } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { SepConvGru } from './conv-gru.ts'
import { Scope } from './scope.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const G = 2
const X = 3
const [H, W] = [3, 4]
const WIDTH = G + X

/** One pass as algorithm section 7 writes it, on the concatenation, in loops. */
function pass(weights: Record<string, Float64Array>, n: 1 | 2, h: NdArray, x: NdArray): NdArray {
  const [kh, kw] = n === 1 ? [1, 5] : [5, 1]
  const join = (a: NdArray) => nd([1, WIDTH, H, W], (b, c, i, j) => (c < G ? a.at(b, c, i, j) : x.at(b, c - G, i, j)))
  const gate = (name: string, input: NdArray, f: (v: number) => number) => {
    const w = new NdArray([G, WIDTH, kh, kw], weights[`gru.${name}${n}.weight`])
    const half = [Math.floor(kh / 2), Math.floor(kw / 2)]
    return nd([1, G, H, W], (b, o, i, j) =>
      f(
        weights[`gru.${name}${n}.bias`][o] +
          sigma([WIDTH, kh, kw], (c, k, l) => w.at(o, c, k, l) * input.padded(b, c, i + k - half[0], j + l - half[1])),
      ),
    )
  }
  const logistic = (v: number) => 1 / (1 + Math.exp(-v))
  const z = gate('z', join(h), logistic)
  const r = gate('r', join(h), logistic)
  const q = gate('q', join(nd(h.shape, (...i) => r.at(...i) * h.at(...i))), Math.tanh)
  return nd(h.shape, (...i) => (1 - z.at(...i)) * h.at(...i) + z.at(...i) * q.at(...i))
}

test('a step is a pass along rows, then one along columns, whether or not part of the input is given as context', async () => {
  const graph = new Graph()
  const [h, x] = [graph.input('h', [1, G, H, W]), graph.input('x', [1, X, H, W])]
  const at = new Scope(graph, 'gru')
  const plain = new SepConvGru(at, G, X).step(h, x)
  const context = new SepConvGru(at, G, 1, ops.slice(x, 1, 1)).step(h, ops.slice(x, 1, 0, 1))
  const weights = someWeights(graph)
  const values = { h: numbers(G * H * W, 2), x: numbers(X * H * W, 3) }
  const [h0, x0] = [new NdArray(h.shape, values.h), new NdArray(x.shape, values.x)]
  const expected = pass(weights, 2, pass(weights, 1, h0, x0), x0)
  const result = await evaluate(engine, { plain, context }, { ...values, ...weights })
  expect(relativeError(result.plain, expected.data)).toBeLessThan(1e-5)
  expect(relativeError(result.context, expected.data)).toBeLessThan(1e-5)
})

test('the context is convolved once, however many steps read it', () => {
  const convolutions = (steps: number) => {
    const graph = new Graph()
    const gru = new SepConvGru(new Scope(graph, 'gru'), G, X, graph.input('context', [1, 2, H, W]))
    let h = graph.input('h', [1, G, H, W])
    const x = graph.input('x', [1, X, H, W])
    for (let k = 0; k < steps; k++) h = gru.step(h, x)
    return nodesBehind([h]).filter(({ op }) => op === 'conv').length
  }
  expect(convolutions(2) - convolutions(1)).toBe(convolutions(3) - convolutions(2))
  // Per step and pass: of the input, of h for z and r, of r⊙h for q. Once a pass: of the context.
  expect([convolutions(1), convolutions(2)]).toEqual([8, 14])
})

test('parameters are those of docs/algorithm.md', () => {
  const graph = new Graph()
  new SepConvGru(new Scope(graph, 'bins.gru'), G, X)
  expect(Object.fromEntries([...graph.parameters].map(([name, { shape }]) => [name, shape]))).toEqual(
    Object.fromEntries(
      ['z1', 'r1', 'q1', 'z2', 'r2', 'q2'].flatMap((gate) => [
        [`bins.gru.${gate}.weight`, [G, WIDTH, ...(gate.endsWith('1') ? [1, 5] : [5, 1])]],
        [`bins.gru.${gate}.bias`, [G]],
      ]),
    ),
  )
})
