/** The context that a step is shown (`contextGrid: 'step'`), halved from the whole memory, against pooling and interpolation written out in loops. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate, NdArray, nd, numbers, relativeError, someWeights } from '../../test/op-harness.ts'
import { Graph } from '../graph/index.ts'
import type { Size } from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { parseConfig } from './config.ts'
import { Injection } from './injection.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const G = 4
const M = 16
const GRID: Size = [6, 8]
const STEPS = 3
const configOf = (contextGrid: 'memory' | 'step') =>
  parseConfig({ memoryWidth: M, gruWidth: G, context: true, contextGrid, steps: STEPS })

/** The state after the injection of step k. */
async function inject(contextGrid: 'memory' | 'step', k: number, memory: Float64Array): Promise<Float64Array> {
  const graph = new Graph()
  const maps = { memory: M, h: G, fBin: G }
  const input = (name: keyof typeof maps) => graph.input(name, [1, maps[name], ...GRID])
  const injection = new Injection(graph, configOf(contextGrid), input('memory'), GRID)
  const g = injection.inject(input('h'), input('fBin'), k)
  const count = G * GRID[0] * GRID[1]
  const feeds = { memory, h: numbers(count, 2), fBin: numbers(count, 3) }
  return (await evaluate(engine, { g }, { ...feeds, ...someWeights(graph) })).g
}

/** Means of equal blocks, then bilinear with half-pixel centres and edges repeated. `size` divides the grid. */
function blurred(map: NdArray, [rows, cols]: Size): NdArray {
  const [height, width] = GRID
  const [bh, bw] = [height / rows, width / cols]
  const small = nd([1, M, rows, cols], (b, c, i, j) => {
    let sum = 0
    for (let y = 0; y < bh; y++) for (let x = 0; x < bw; x++) sum += map.at(b, c, i * bh + y, j * bw + x)
    return sum / (bh * bw)
  })
  const clamp = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1)
  return nd([1, M, height, width], (b, c, i, j) => {
    const [y, x] = [(i + 0.5) / bh - 0.5, (j + 0.5) / bw - 0.5]
    const [y0, x0] = [Math.floor(y), Math.floor(x)]
    const at = (dy: number, dx: number) => small.at(b, c, clamp(y0 + dy, rows), clamp(x0 + dx, cols))
    const [v, u] = [y - y0, x - x0]
    return (1 - v) * ((1 - u) * at(0, 0) + u * at(0, 1)) + v * ((1 - u) * at(1, 0) + u * at(1, 1))
  })
}

const memory = numbers(M * GRID[0] * GRID[1], 1)

test.each([
  [1, [2, 2]],
  [2, [3, 4]],
] as const)('step %i of three sees the memory as if it were of %j', async (k, size) => {
  const coarse = blurred(new NdArray([1, M, ...GRID], memory), size).data
  const seen = await inject('step', k, memory)
  expect(relativeError(seen, await inject('memory', k, coarse))).toBeLessThan(1e-5)
  expect(relativeError(seen, await inject('memory', k, memory))).toBeGreaterThan(1e-3)
})

test('the last step sees all of it', async () => {
  expect(relativeError(await inject('step', STEPS, memory), await inject('memory', STEPS, memory))).toBeLessThan(1e-5)
})

test('parameters are those of the context of the whole memory; without a context there is nothing to show by step', () => {
  const names = (contextGrid: 'memory' | 'step') => {
    const graph = new Graph()
    const map = graph.input('memory', [1, M, ...GRID])
    const h = graph.input('h', [1, G, ...GRID])
    new Injection(graph, configOf(contextGrid), map, GRID).inject(h, h, 1)
    return [...graph.parameters].map(([name, { shape }]) => `${name} ${shape}`).sort()
  }
  expect(names('step')).toEqual(names('memory'))
  expect(() => parseConfig({ contextGrid: 'step' })).toThrow(/contextGrid: step needs context: true/)
})
