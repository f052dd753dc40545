import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Place, spreadOf, withoutTokens } from '../scripts/silence/tokens.ts'
import { Graph } from '../src/graph/index.ts'
import * as ops from '../src/graph/ops/index.ts'
import { buildDar } from '../src/model/index.ts'
import { Engine } from '../src/runtime/engine.ts'
import { evaluate, numbers, relativeError, someWeights } from './op-harness.ts'
import { tinyConfig } from './tiny-config.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const SIZE = [24, 40] as const
/** Each step on the grid of its tokens, so that h has a place for each token. */
const config = tinyConfig({ posGrid: [3, 5], layers: 3, steps: 3, hiddenNorm: true, binGrid: 'step' })

/** y_out and h of every step, by place. */
async function run(weights: Readonly<Record<string, ArrayLike<number>>>, image: Float64Array) {
  const graph = new Graph()
  const model = buildDar(graph.input('image', [1, 3, ...SIZE]), config)
  const outputs = Object.fromEntries(
    model.hidden.flatMap((a, i) => [
      [`y${i}`, model.trace.get(`step${i + 1}.y_out`)!],
      [`h${i}`, ops.tanh(a)],
    ]),
  )
  const values = await evaluate(engine, outputs, { image, ...weights })
  const tokens = model.hidden.map((_, i) => {
    const y = values[`y${i}`]
    const width = config.memoryWidth
    return Array.from({ length: y.length / width }, (_, t): Place => y.slice(t * width, (t + 1) * width))
  })
  const hidden = model.hidden.map((_, i) => {
    const h = values[`h${i}`]
    const places = h.length / config.gruWidth
    return Array.from({ length: places }, (_, t) =>
      Array.from({ length: config.gruWidth }, (_, g) => h[g * places + t]),
    )
  })
  return { tokens, hidden }
}

test('a model without its tokens has the h of their mean at every place of every picture', async () => {
  const graph = new Graph()
  buildDar(graph.input('image', [1, 3, ...SIZE]), config)
  const weights = someWeights(graph)
  const pictures = [1, 2, 3].map((seed) => numbers(3 * SIZE[0] * SIZE[1], seed))
  const seen = await Promise.all(pictures.map((image) => run(weights, image)))
  const tokens = [0, 1, 2].map((k) => seen.map((picture) => picture.tokens[k]))
  const values = new Map(Object.entries(weights).map(([name, data]) => [name, Float32Array.from(data)]))
  const shapes = new Map([...graph.parameters].map(([name, { shape }]) => [name, shape]))
  const { silenced, hidden } = withoutTokens({ values, shapes }, config, tokens)

  // What it says of h as it was is what the model computes.
  for (const picture of seen)
    for (const [k, places] of picture.hidden.entries())
      for (const [t, h] of places.entries())
        expect(relativeError(hidden(picture.tokens[k][t], k), h)).toBeLessThan(1e-4)
  const quiet = Object.fromEntries(silenced.map((tensor) => [tensor.name, tensor.values]))
  const after = await run(quiet, numbers(3 * SIZE[0] * SIZE[1], 4))
  for (let k = 0; k < 3; k++) {
    const mean = Array.from({ length: config.memoryWidth }, (_, c) => {
      const of = tokens[k].map((places) => places.reduce((sum, place) => sum + place[c], 0) / places.length)
      return of.reduce((sum, value) => sum + value, 0) / of.length
    })
    for (const h of after.hidden[k]) expect(relativeError(h, hidden(mean, k))).toBeLessThan(1e-4)
  }
  const changed = silenced.filter(({ name, values: now }) => now.some((value, i) => value !== values.get(name)![i]))
  expect(changed.map(({ name }) => name).sort()).toEqual([
    'bins.level',
    'decoder.proj_out.bias',
    'decoder.proj_out.weight',
  ])
})

test('variance is counted between pictures and within them, by the square of the mean', () => {
  // Means 2 and 4 of one channel, 3 over all; within: ±1 and 0.
  expect(
    spreadOf([
      [[1], [3]],
      [[4], [4]],
    ]),
  ).toEqual({ pictures: 1 / 9, places: 0.5 / 9 })
})
