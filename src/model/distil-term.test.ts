import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, evaluate, NdArray, relativeError } from '../../test/op-harness.ts'
import { type FloatType, Graph, gradient } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import { Random } from '../support/random.ts'
import { parseConfig } from './config.ts'
import { sameBins, softTargetTerm } from './distil-term.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const SHAPE = [2, 5, 3, 4]
const [B, N, H, W] = SHAPE
const SIZE = B * N * H * W
const random = new Random(11, 1)
const scores = Float64Array.from({ length: SIZE }, () => random.normal(0, 2))
const targets = softmaxOf(Float64Array.from({ length: SIZE }, () => random.normal(0, 2)))

/** By loops: the probabilities of every pixel. */
function softmaxOf(values: Float64Array): Float64Array {
  const z = new NdArray(SHAPE, values)
  const p = new Float64Array(SIZE)
  for (let b = 0; b < B; b++)
    for (let i = 0; i < H; i++)
      for (let j = 0; j < W; j++) {
        const weights = Array.from({ length: N }, (_, n) => Math.exp(z.at(b, n, i, j)))
        const sum = weights.reduce((a, w) => a + w)
        weights.forEach((w, n) => {
          p[((b * N + n) * H + i) * W + j] = w / sum
        })
      }
  return p
}

function slowly(z: Float64Array, p: Float64Array): number {
  const q = softmaxOf(z)
  let sum = 0
  for (let at = 0; at < SIZE; at++) if (p[at] > 0) sum += p[at] * (Math.log(p[at]) - Math.log(q[at]))
  return sum / (B * H * W)
}

async function run(z: Float64Array, p: Float64Array, float: FloatType = 'float64') {
  const graph = new Graph({ float })
  const input = graph.input('z', SHAPE)
  const loss = softTargetTerm(input, graph.input('p', SHAPE))
  const feeds = { z, p }
  const result = await evaluate(engine, { loss, slope: gradient(loss, [input])[0] }, feeds)
  return { loss: result.loss[0], slope: result.slope, differ: () => differences(engine, loss, feeds, ['z'], 1e-5) }
}

describe('the term of soft targets', () => {
  test('is the definition, also in float32', async () => {
    const { loss } = await run(scores, targets)
    expect(loss).toBeGreaterThan(0.5)
    expect(relativeError([loss], [slowly(scores, targets)])).toBeLessThan(1e-12)
    expect((await run(scores, targets, 'float32')).loss).toBeCloseTo(loss, 5)
  })

  test('has the gradient of finite differences, which is (q − p)/pixels', async () => {
    const { slope, differ } = await run(scores, targets)
    expect(relativeError(slope, (await differ()).z)).toBeLessThan(1e-7)
    const q = softmaxOf(scores)
    const expected = q.map((v, at) => (v - targets[at]) / (B * H * W))
    expect(relativeError(slope, expected)).toBeLessThan(1e-12)
  })

  test('is 0 with gradient 0 for a student that has the teacher’s probabilities', async () => {
    const { loss, slope } = await run(scores, softmaxOf(scores))
    expect(Math.abs(loss)).toBeLessThan(1e-14)
    expect(Math.max(...slope.map(Math.abs))).toBeLessThan(1e-14)
  })

  test('is finite where the teacher is certain and the student certain of something else', async () => {
    const certain = Float64Array.from({ length: SIZE }, (_, at) => (Math.floor(at / (H * W)) % N === 0 ? 1 : 0))
    const wrong = certain.map((v) => (v === 1 ? -80 : 80))
    for (const float of ['float64', 'float32'] as const) {
      const { loss, slope } = await run(wrong, certain, float)
      expect(loss).toBeCloseTo(160 + Math.log(N - 1), 4)
      expect([...slope].every(Number.isFinite)).toBe(true)
    }
  })
})

test('probabilities mean the same only to soft trees of as many leaves over the same range', () => {
  const soft = (fields: object = {}) => parseConfig({ window: 'soft', leaves: 64, ...fields })
  expect(sameBins(soft(), soft({ gruWidth: 16, layers: 1 }))).toBe(true)
  expect(sameBins(soft(), soft({ leaves: 32 }))).toBe(false)
  expect(sameBins(soft(), soft({ dMax: 80 }))).toBe(false)
  expect(sameBins(parseConfig({}), parseConfig({}))).toBe(false)
})
