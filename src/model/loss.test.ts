import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, evaluate, numbers, relativeError } from '../../test/op-harness.ts'
import { Graph, gradient, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { parseConfig } from './config.ts'
import { edgeTerm } from './edge-term.ts'
import { extraTerms, type LossOptions, silogLoss, stepLosses, total, validPixels } from './loss.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

/** Loss and gradient of a row of depths. */
async function run(
  depth: readonly number[],
  gt: readonly number[],
  {
    dMax = 80,
    float = 'float64' as 'float64' | 'float32',
    ...options
  }: LossOptions & {
    dMax?: number
    float?: 'float64' | 'float32'
  } = {},
) {
  const graph = new Graph({ float })
  const [d, t] = [graph.input('d', [1, 1, 1, depth.length]), graph.input('gt', [1, 1, 1, gt.length])]
  const loss = silogLoss(d, t, validPixels(t, dMax), options)
  const [dd] = gradient(loss, [d])
  const result = await evaluate(engine, { loss, dd }, { d: depth, gt })
  return { loss: result.loss[0], gradient: [...result.dd] }
}

describe('the loss', () => {
  test('of the golden vector is 1.8927543', async () => {
    const { loss } = await run([1, 2, 4, 9], [1, 2.5, 3, 10])
    expect(loss).toBeCloseTo(1.8927543, 6)
    // ten times the root of mean(g²) − 0.85·mean(g)² + 1e-9, by hand
    const g = [Math.log(1), Math.log(2 / 2.5), Math.log(4 / 3), Math.log(0.9)]
    const mean = (f: (v: number) => number) => g.reduce((sum, v) => sum + f(v), 0) / 4
    expect(loss).toBeCloseTo(10 * Math.sqrt(mean((v) => v * v) - 0.85 * mean((v) => v) ** 2 + 1e-9), 12)
    expect((await run([1, 2, 4, 9], [1, 2.5, 3, 10], { float: 'float32' })).loss).toBeCloseTo(1.8927543, 5)
  })

  test('forgives λ of the error that all pixels share', async () => {
    const [gt, g] = [[1, 2.5, 3, 10], 0.2]
    const farther = gt.map((v) => v * Math.exp(g))
    for (const varianceFocus of [0, 0.5, 0.85])
      expect((await run(farther, gt, { varianceFocus })).loss).toBeCloseTo(10 * g * Math.sqrt(1 - varianceFocus), 5)
  })

  test('has the gradient of central differences', async () => {
    const graph = new Graph({ float: 'float64' })
    const [d, t] = [graph.input('d', [1, 1, 2, 3]), graph.input('gt', [1, 1, 2, 3])]
    const loss = silogLoss(d, t, validPixels(t, 10))
    const feeds = { d: [1, 2, 3, 4, 5, 6], gt: [1.2, 0, 2, 20, 5.5, 4] }
    const [dd] = gradient(loss, [d])
    const exact = (await evaluate(engine, { dd }, feeds)).dd
    expect(relativeError(exact, (await differences(engine, loss, feeds, ['d'])).d)).toBeLessThan(1e-6)
    expect([exact[1], exact[3]]).toEqual([0, 0]) // not valid
  })

  test('counts ground truth above 1 mm and below dMax, both excluded, and no NaN or ∞', async () => {
    const graph = new Graph({ float: 'float64' })
    const gt = graph.input('gt', [9])
    const values = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.001, 0.0011, 9.999, 10]
    const { valid } = await evaluate(engine, { valid: validPixels(gt, 10) }, { gt: values })
    expect([...valid]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 0])
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -3])(
    'of a map with a pixel of ground truth %f is that of the others',
    async (bad) => {
      const with5 = await run([1, 2, 4, 9, 7], [1, 2.5, 3, 10, bad])
      const with4 = await run([1, 2, 4, 9], [1, 2.5, 3, 10])
      expect(with5.loss).toBe(with4.loss)
      expect(with5.gradient).toEqual([...with4.gradient, 0])
    },
  )

  test('without a valid pixel is 0, and so is its gradient', async () => {
    for (const float of ['float64', 'float32'] as const) {
      const { loss, gradient } = await run([1, 2], [0, 99], { float })
      expect([loss, ...gradient.map(Math.abs)]).toEqual([0, 0, 0])
    }
  })

  test('of a perfect map is tiny, and its gradient is finite', async () => {
    const { loss, gradient } = await run([1, 2, 3], [1, 2, 3])
    expect(loss).toBeCloseTo(10 * Math.sqrt(1e-9), 10)
    expect(gradient.every(Number.isFinite)).toBe(true)
  })

  test('stays finite for depths at or below 0', async () => {
    const { loss, gradient } = await run([0, -1, 2], [1, 1, 2])
    expect([loss, ...gradient].every(Number.isFinite)).toBe(true)
  })

  test('forgives a common factor up to 15 % of its variance', async () => {
    const scaled = (await run([2, 4, 6], [1, 2, 3])).loss
    expect(scaled).toBeCloseTo(10 * Math.sqrt(0.15 * Math.log(2) ** 2 + 1e-9), 10)
  })
})

describe('the losses of the steps', () => {
  const model = (graph: Graph) => {
    const map = (name: string, size: readonly [number, number]): Tensor => graph.input(name, [1, 1, ...size])
    const stepMaps = [map('d1', [2, 2]), map('d2', [2, 2])]
    const nativeMap = map('output', [4, 4])
    return { stepMaps, sigmas: [], hidden: [], nativeMap, imageMap: nativeMap, trace: new Map(), ownLosses: null }
  }

  test('take each map to the size of the ground truth; the output stands for the last map', async () => {
    const graph = new Graph({ float: 'float64' })
    const built = model(graph)
    const gt = graph.input('gt', [1, 1, 3, 5])
    const config = parseConfig({})
    const terms = stepLosses(built, gt, config)
    const valid = validPixels(gt, config.dMax)
    const expected = [built.stepMaps[0], built.nativeMap].map((map) => silogLoss(ops.resize(map, [3, 5]), gt, valid))
    const positive = (count: number, seed: number) => numbers(count, seed).map(Math.abs)
    const feeds = { d1: positive(4, 1), output: positive(16, 2), gt: positive(15, 3) }
    const outputs = { a1: terms[0], a2: terms[1], e1: expected[0], e2: expected[1], sum: total(terms) }
    const result = await evaluate(engine, outputs, feeds)
    expect(terms).toHaveLength(2)
    expect([result.a1[0], result.a2[0]]).toEqual([result.e1[0], result.e2[0]])
    expect(result.sum[0]).toBeCloseTo(result.a1[0] + result.a2[0], 12)
    expect(result.a1[0]).toBeGreaterThan(0.1)
  })

  test('add the gradient term of the output at the size of the ground truth, where it is weighed', async () => {
    const graph = new Graph({ float: 'float64' })
    const built = model(graph)
    const gt = graph.input('gt', [1, 1, 3, 5])
    const config = parseConfig({})
    expect(extraTerms(built, gt, config, {})).toEqual([])
    const [term] = extraTerms(built, gt, config, { edges: 0.25 })
    const valid = validPixels(gt, config.dMax)
    const g = ops.where(
      valid,
      ops.sub(ops.log(ops.resize(built.nativeMap, [3, 5])), ops.log(ops.where(valid, gt, 1))),
      0,
    )
    const expected = ops.mul(edgeTerm(g, valid), 2.5)
    const feeds = { output: numbers(16, 2).map(Math.abs), gt: numbers(15, 3) } // the negative ones are no truth
    const result = await evaluate(engine, { term, expected }, feeds)
    expect(result.term[0]).toBeGreaterThan(0.1)
    expect(result.term[0]).toBeCloseTo(result.expected[0], 12)
  })
})
