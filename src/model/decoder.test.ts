import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, evaluate, numbers, relativeError, someWeights } from '../../test/op-harness.ts'
import { Graph, gradient, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { toMap } from '../nn/index.ts'
import { Engine } from '../runtime/engine.ts'
import { type DarConfig, parseConfig } from './config.ts'
import { Decoder, stepMask } from './decoder.ts'
import { PRESETS } from './presets.ts'
import { stepSizes } from './steps.ts'

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

  describe('run again on all tokens', () => {
    /** y of all tokens, the input of one step moved; by step. */
    async function again(form: 'masked' | 'unmasked', moved: number | null): Promise<Float64Array[]> {
      const graph = new Graph()
      const counts = SIZES.map(([h, w]) => h * w)
      const inputs = counts.map((count, i) => graph.input(`in${i}`, [1, count, 16]))
      const decoder = new Decoder(graph, config({ form }), graph.input('memory', [1, 12, 16]))
      for (const input of inputs) decoder.output(input)
      const feeds = Object.fromEntries(
        counts.map((count, i) => [`in${i}`, numbers(count * 16, i + 5).map((v) => (i === moved ? v + 0.5 : v))]),
      )
      const { y } = await evaluate(
        engine,
        { y: decoder.rerun(form) },
        { memory: numbers(192, 1), ...feeds, ...someWeights(graph) },
      )
      const begins = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0))
      return counts.map((count, i) => y.slice(16 * begins[i], 16 * (begins[i] + count)))
    }

    test.each([1, 2])('under the mask, step %i (from 0) moves no earlier one, bit for bit', async (moved) => {
      const [before, after] = [await again('masked', null), await again('masked', moved)]
      for (let k = 0; k < moved; k++) expect([...after[k]]).toEqual([...before[k]])
      for (let k = moved; k < 3; k++) expect(relativeError(after[k], before[k])).toBeGreaterThan(1e-4)
    })

    test('without the mask it moves them all', async () => {
      const [before, after] = [await again('unmasked', null), await again('unmasked', 2)]
      for (let k = 0; k < 3; k++) expect(relativeError(after[k], before[k])).toBeGreaterThan(1e-4)
    })
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

  test('passes gradients to the memory that its tokens begin with, as finite differences say', async () => {
    const graph = new Graph({ float: 'float64' })
    const decoder = new Decoder(graph, config(), graph.input('memory', [1, 12, 16]))
    const map = graph.input('map', [1, 16, 3, 4])
    const outs = SIZES.slice(0, 2).map((size, i) => {
      const fedBack = i === 0 ? null : graph.input('fedBack', [1, 16, 3, 4])
      return decoder.output(decoder.input(i + 1, size, 1, fedBack, map))
    })
    const loss = ops.sum(ops.square(ops.concat(outs, 1)), [0, 1, 2])
    const wrt = [map, graph.parameters.get('decoder.seen.weight')!, graph.parameters.get('decoder.seen.bias')!]
    const feeds = {
      memory: numbers(192, 1),
      map: numbers(192, 2),
      fedBack: numbers(192, 3),
      ...someWeights(graph),
    }
    const names = wrt.map(({ name }) => name)
    const slopes = Object.fromEntries(gradient(loss, wrt).map((slope, i) => [`of ${names[i]}`, slope]))
    const found = await evaluate(engine, slopes, feeds)
    const expected = await differences(engine, loss, feeds, names)
    for (const name of names) expect(relativeError(found[`of ${name}`], expected[name]), name).toBeLessThan(1e-6)
  })

  test('has no level table when levels are switched off', () => {
    expect(names(config())).toContain('decoder.level')
    expect(names(config({ level: false }))).not.toContain('decoder.level')
  })
})

/**
 * Layers, heads, steps and proportions of every preset. `dar-nano` and `dar-lite` as they are; the ViT-L family, whose decoders
 * hold from 100 million to 1.6 billion weights, at a sixteenth of its widths.
 */
describe.each(Object.keys(PRESETS))('the forms of %s', (name) => {
  const preset = PRESETS[name]
  const shrink = preset.memoryWidth > 1000 ? 16 : 1
  const scaled = (form: DarConfig['form']) =>
    parseConfig({ ...preset, memoryWidth: preset.memoryWidth / shrink, width: preset.width / shrink, form })
  const grid = [7, 9] as const

  /** y_out of all steps, each fed with the one before: what is wrong at one step shows in all that follow. */
  async function run(form: DarConfig['form']): Promise<Float64Array[]> {
    const c = scaled(form)
    const graph = new Graph()
    const decoder = new Decoder(graph, c, graph.input('memory', [1, 63, c.memoryWidth]))
    const y: Record<string, Tensor> = {}
    let previous: Tensor | null = null
    stepSizes(grid, c.steps).forEach((size, i) => {
      const out = decoder.output(decoder.input(i + 1, size, 1, previous))
      previous = toMap(out, size)
      y[`y${i}`] = out
    })
    return Object.values(await evaluate(engine, y, { memory: numbers(63 * c.memoryWidth), ...someWeights(graph) }))
  }

  test('cached equals masked; unmasked is another model', async () => {
    const [cached, masked, unmasked] = [await run('cached'), await run('masked'), await run('unmasked')]
    expect(cached).toHaveLength(preset.steps)
    for (const error of largest(cached, masked)) expect(error).toBeLessThan(1e-5)
    expect(Math.max(...largest(unmasked, masked))).toBeGreaterThan(1e-3)
  })
})

test('the step mask lets a token see its own step and those before', () => {
  const { source, shape } = stepMask(new Graph(), [1, 2])
  const no = Number.NEGATIVE_INFINITY
  expect(shape).toEqual([3, 3])
  expect(source.kind === 'constant' && [...source.data]).toEqual([0, no, no, 0, 0, 0, 0, 0, 0])
})
