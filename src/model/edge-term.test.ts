import { afterAll, beforeAll, expect, test } from 'vitest'
import { differences, evaluate, NdArray, numbers, relativeError } from '../../test/op-harness.ts'
import { Graph, gradient } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { edgeTerm } from './edge-term.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

/** The definition in loops. */
function slowly(g: NdArray, valid: NdArray): number {
  const [batch, , height, width] = g.shape
  let total = 0
  for (const s of [1, 2, 4, 8])
    for (const [down, right] of [
      [s, 0],
      [0, s],
    ]) {
      let sum = 0
      let count = 0
      for (let b = 0; b < batch; b++)
        for (let i = 0; i + down < height; i += s)
          for (let j = 0; j + right < width; j += s) {
            if (!valid.at(b, 0, i, j) || !valid.at(b, 0, i + down, j + right)) continue
            sum += Math.abs(g.at(b, 0, i + down, j + right) - g.at(b, 0, i, j))
            count++
          }
      total += sum / Math.max(count, 1)
    }
  return total
}

function built(shape: readonly number[]) {
  const graph = new Graph({ float: 'float64' })
  const g = graph.input('g', shape)
  const mask = graph.input('mask', shape)
  return { g, loss: edgeTerm(g, ops.greater(mask, 0)) }
}

test.each([
  ['a batch with holes', [2, 1, 9, 12]],
  ['sides that are no multiple of the scales', [1, 1, 17, 11]],
  ['a map too small for the coarse scales', [1, 1, 3, 2]],
])('is the definition for %s', async (_name, shape) => {
  const { g, loss } = built(shape)
  const feeds = { g: numbers(g.size, 1), mask: numbers(g.size, 2) }
  const valid = new NdArray(
    shape,
    Float64Array.from(feeds.mask, (v) => Number(v > 0)),
  )
  const result = await evaluate(engine, { loss }, feeds)
  expect(relativeError(result.loss, [slowly(new NdArray(shape, feeds.g), valid)])).toBeLessThan(1e-12)
})

test('is 0 for an error that is the same everywhere, and where nothing is valid', async () => {
  const { g, loss } = built([1, 1, 9, 12])
  const ones = new Float64Array(g.size).fill(1)
  expect((await evaluate(engine, { loss }, { g: ones, mask: ones })).loss[0]).toBe(0)
  const [dg] = gradient(loss, [g])
  const empty = await evaluate(engine, { loss, dg }, { g: numbers(g.size), mask: ones.map((v) => -v) })
  expect([empty.loss[0], ...empty.dg].every((v) => v === 0)).toBe(true)
})

test('has the gradient of finite differences', async () => {
  const { g, loss } = built([1, 1, 9, 12])
  const feeds = { g: numbers(g.size, 1), mask: numbers(g.size, 2) }
  const [dg] = gradient(loss, [g])
  const slow = await differences(engine, loss, feeds, ['g'])
  expect(relativeError((await evaluate(engine, { dg }, feeds)).dg, slow.g)).toBeLessThan(1e-6)
})
