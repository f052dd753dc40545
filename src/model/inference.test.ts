import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate, numbers, relativeError, someWeights } from '../../test/op-harness.ts'
import { TINY } from '../../test/tiny-model.ts'
import { resizeBilinear } from '../image/resize.ts'
import { Engine } from '../runtime/engine.ts'
import { parseConfig } from './config.ts'
import { inferenceGraph, inferenceOutputs, type OutputKind } from './inference.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const SIZE = { width: 96, height: 64 }
const ALL: readonly OutputKind[] = ['depth', 'steps', 'sigmas', 'saturated']
const MAPS: readonly OutputKind[] = ['depth', 'steps', 'sigmas']
const PLAIN = parseConfig({ ...TINY, steps: 3, upsample: 'bilinear' })

const IMAGES = numbers(2 * 3 * SIZE.width * SIZE.height)

describe('inferenceOutputs', () => {
  it('has the names and kinds that were asked for, and no others', () => {
    const { model } = inferenceGraph(PLAIN, SIZE)
    expect(Object.keys(inferenceOutputs(model, ALL))).toEqual([
      'depth',
      'depth1',
      'depth2',
      'sigma1',
      'sigma2',
      'sigma3',
      'saturated1',
      'saturated2',
      'saturated3',
    ])
    expect(Object.keys(inferenceOutputs(model, ['depth']))).toEqual(['depth'])
    const trace = inferenceOutputs(model, ['trace'])
    expect(trace['trace/step2.depth']).toBe(model.trace.get('step2.depth'))
    expect(Object.keys(trace)).toHaveLength(model.trace.size)
  })

  it('gives a head without steps its depth alone', () => {
    const { model } = inferenceGraph(parseConfig({ ...TINY, head: 'dorn' }), SIZE)
    expect(Object.keys(inferenceOutputs(model, ALL))).toEqual(['depth'])
  })

  it('resizes every map to the image’s size, each from its own in one step', async () => {
    const { graph, model } = inferenceGraph(PLAIN, SIZE, { batch: 2 })
    const feeds = { image: IMAGES, ...someWeights(graph) }
    const native = await evaluate(engine, inferenceOutputs(model, MAPS), feeds)
    const resized = await evaluate(engine, inferenceOutputs(model, MAPS, { maps: 'image' }), feeds)
    expect(Object.keys(resized)).toEqual(Object.keys(native))
    const { width, height } = SIZE
    for (const [name, map] of Object.entries(native)) {
      const second = Float32Array.from(map.subarray(map.length / 2)) // an eighth of the image's sides
      const expected = resizeBilinear(second, width / 8, height / 8, width, height)
      expect(relativeError(resized[name].subarray(width * height), expected), name).toBeLessThan(1e-6)
    }
  })

  it('counts the share of h beyond ±0.99, for each image', async () => {
    const { graph, model } = inferenceGraph(PLAIN, SIZE, { batch: 2 })
    const weights = someWeights(graph)
    weights['bins.level'] = weights['bins.level'].map((v) => 30 * v) // a around ±3, where some of it saturates
    const outputs = { ...inferenceOutputs(model, ['saturated']), a: model.hidden[1] }
    const { a, saturated2 } = await evaluate(engine, outputs, { image: IMAGES, ...weights })
    const half = a.length / 2
    const share = (values: Float64Array) => values.filter((v) => Math.abs(Math.tanh(v)) > 0.99).length / half
    expect([...saturated2]).toEqual(
      [a.subarray(0, half), a.subarray(half)].map((values) => expect.closeTo(share(values), 6)),
    )
    expect(share(a.subarray(half))).toBeGreaterThan(0)
    expect(share(a.subarray(half))).toBeLessThan(1)
  })
})

describe('inferenceGraph', () => {
  it('normalises RGB, or takes an image that is normalised', async () => {
    const rgb = inferenceGraph(PLAIN, SIZE)
    const normalised = inferenceGraph(PLAIN, SIZE, { input: 'pixel_values', pixels: 'normalised' })
    const weights = someWeights(rgb.graph)
    const image = IMAGES.subarray(0, IMAGES.length / 2)
    const one = await evaluate(engine, inferenceOutputs(rgb.model, ['depth']), { image, ...weights })
    const pixel_values = image.map((v) => (v - 0.5) / 0.5)
    const other = await evaluate(engine, inferenceOutputs(normalised.model, ['depth']), { pixel_values, ...weights })
    expect(relativeError(one.depth, other.depth)).toBeLessThan(1e-5)
  })
})
