import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, numbers, relativeError, someWeights } from '../../test/op-harness.ts'
import { Graph, type Tensor } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import { type DarConfig, parseConfig } from './config.ts'
import { Decoder, stepMask } from './decoder.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const SIZES = [
  [1, 2],
  [2, 3],
  [3, 4],
] as const
const config = (fields: Record<string, unknown> = {}): DarConfig =>
  parseConfig({ memoryWidth: 16, width: 16, heads: 2, layers: 3, steps: 3, ...fields })

/** y_out of three steps; the token map fed back is given, not made by a GRU. `nudge` moves the maps fed to steps 2 and 3. */
async function outputs(c: DarConfig, { nudge = [0, 0] } = {}): Promise<Float64Array[]> {
  const graph = new Graph()
  const maps = [graph.input('map1', [2, 16, 3, 4]), graph.input('map2', [2, 16, 3, 4])]
  const decoder = new Decoder(graph, c, graph.input('memory', [2, 12, 16]))
  const y: Record<string, Tensor> = {}
  SIZES.forEach((size, i) => {
    y[`y${i}`] = decoder.output(decoder.input(i + 1, size, 2, i === 0 ? null : maps[i - 1]))
  })
  const feeds = {
    memory: numbers(384, 1),
    map1: numbers(384, 2).map((v) => v + nudge[0]),
    map2: numbers(384, 3).map((v) => v + nudge[1]),
    ...someWeights(graph),
  }
  return Object.values(await evaluate(engine, y, feeds))
}

const largest = (a: readonly Float64Array[], b: readonly Float64Array[]) => a.map((v, k) => relativeError(v, b[k]))

describe('the decoder', () => {
  test('gives a map of tokens for every step', async () => {
    const y = await outputs(config())
    expect(y.map((v) => v.length)).toEqual(SIZES.map(([h, w]) => 2 * h * w * 16))
  })

  test.each([3, 5])('with %i layers: the cached form equals the masked one', async (layers) => {
    const [cached, masked] = [await outputs(config({ layers })), await outputs(config({ layers, form: 'masked' }))]
    for (const error of largest(cached, masked)) expect(error).toBeLessThan(1e-5)
  })

  test('without long skips, with an even number of layers: the forms agree too', async () => {
    const even = { layers: 2, longSkip: false }
    const [cached, masked] = [await outputs(config(even)), await outputs(config({ ...even, form: 'masked' }))]
    for (const error of largest(cached, masked)) expect(error).toBeLessThan(1e-5)
  })

  test('unmasked, it differs from the second step on', async () => {
    const errors = largest(await outputs(config({ form: 'unmasked' })), await outputs(config()))
    expect(errors[0]).toBeLessThan(1e-5)
    expect(errors[1]).toBeGreaterThan(1e-3)
    expect(errors[2]).toBeGreaterThan(1e-3)
  })

  test('a step reads those before it and never those after it', async () => {
    const plain = await outputs(config())
    const later = largest(await outputs(config(), { nudge: [0, 0.5] }), plain)
    expect([later[0], later[1]]).toEqual([0, 0])
    expect(later[2]).toBeGreaterThan(1e-3)
    const earlier = largest(await outputs(config(), { nudge: [0.5, 0] }), plain)
    expect(earlier[0]).toBe(0)
    expect(earlier[1]).toBeGreaterThan(1e-3)
    expect(earlier[2]).toBeGreaterThan(1e-4) // through keys and values alone
  })

  const names = (c: DarConfig) => {
    const graph = new Graph()
    const decoder = new Decoder(graph, c, graph.input('memory', [1, 12, 16]))
    decoder.output(decoder.input(1, [1, 2], 1, null))
    return [...graph.parameters.keys()]
  }

  test('has long skips in the last half of its layers only', () => {
    const skips = (layers: number) => names(config({ layers })).filter((name) => name.endsWith('skip.weight'))
    expect(skips(1)).toEqual([])
    expect(skips(3)).toEqual(['decoder.blocks.2.skip.weight'])
    expect(skips(5)).toEqual(['decoder.blocks.3.skip.weight', 'decoder.blocks.4.skip.weight'])
    expect(names(config({ longSkip: false })).filter((name) => name.includes('skip'))).toEqual([])
  })

  test('has no level table when levels are switched off', () => {
    expect(names(config())).toContain('decoder.level')
    expect(names(config({ level: false }))).not.toContain('decoder.level')
  })
})

test('the step mask lets a token see its own step and those before', () => {
  const { source, shape } = stepMask(new Graph(), [1, 2])
  const no = Number.NEGATIVE_INFINITY
  expect(shape).toEqual([3, 3])
  expect(source.kind === 'constant' && [...source.data]).toEqual([0, no, no, 0, 0, 0, 0, 0, 0])
})
