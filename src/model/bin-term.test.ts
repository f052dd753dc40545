import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, evaluate, NdArray, numbers, relativeError } from '../../test/op-harness.ts'
import { tinyConfig } from '../../test/tiny-config.ts'
import { Graph, gradient } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { binTargets, binTerm, treeScores } from './bin-term.ts'
import { buildDar } from './dar.ts'
import { extraTerms } from './loss.ts'
import { branchCentres } from './soft-tree.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const RANGE = { dMin: 0.1, dMax: 10 }

describe('targets', () => {
  async function targetsOf(depths: readonly number[], count: number): Promise<NdArray> {
    const graph = new Graph({ float: 'float64' })
    const gt = graph.input('gt', [1, 1, 1, depths.length])
    const { w } = await evaluate(engine, { w: binTargets(gt, count, RANGE) }, { gt: depths })
    return new NdArray([1, count, 1, depths.length], w)
  }

  test('are one bin at its centre, two between centres, and the outermost beyond the last centre', async () => {
    const centres = branchCentres(4, RANGE)
    const between = Math.sqrt(centres[1] * centres[2])
    const w = await targetsOf([centres[2], between, 0.05, 9.9], 4)
    const column = (j: number) => [0, 1, 2, 3].map((i) => Number(w.at(0, i, 0, j).toFixed(9)))
    expect([0, 1, 2, 3].map(column)).toEqual([
      [0, 0, 1, 0],
      [0, 0.5, 0.5, 0],
      [1, 0, 0, 0],
      [0, 0, 0, 1],
    ])
  })

  test('add up to 1, and their mean is the truth in ln D', async () => {
    const depths = [0.11, 0.5, 1, 2.34, 7.7, 9.2]
    const w = await targetsOf(depths, 16)
    const centres = branchCentres(16, RANGE)
    for (const [j, depth] of depths.entries()) {
      const share = centres.map((_, i) => w.at(0, i, 0, j))
      expect(share.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
      const mean = share.reduce((sum, v, i) => sum + v * Math.log(centres[i]), 0)
      const held = Math.min(Math.max(depth, centres[0]), centres[15])
      expect(mean).toBeCloseTo(Math.log(held), 12)
    }
  })
})

/** The definition in loops. */
function slowly(z: NdArray, gt: NdArray, dMax: number): number {
  const [batch, count, rows, cols] = z.shape
  const [height, width] = gt.shape.slice(2)
  let sum = 0
  let cells = 0
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++) {
        const y = Math.floor(((i + 0.5) * height) / rows)
        const x = Math.floor(((j + 0.5) * width) / cols)
        const depth = gt.at(b, 0, y, x)
        if (!(depth > 1e-3 && depth < dMax)) continue
        const scores = Array.from({ length: count }, (_, n) => z.at(b, n, i, j))
        const logSum = Math.log(scores.reduce((s, v) => s + Math.exp(v), 0))
        const share = (count * Math.log(depth / RANGE.dMin)) / Math.log(RANGE.dMax / RANGE.dMin) - 0.5
        const t = Math.min(Math.max(share, 0), count - 1)
        for (let n = 0; n < count; n++) sum -= Math.max(0, 1 - Math.abs(n - t)) * (scores[n] - logSum)
        cells++
      }
  return sum / Math.max(cells, 1)
}

function built(scores: readonly number[], size: readonly number[]) {
  const graph = new Graph({ float: 'float64' })
  const z = graph.input('z', scores)
  const gt = graph.input('gt', size)
  const valid = ops.and(ops.greater(gt, 1e-3), ops.less(gt, RANGE.dMax))
  return { z, gt, loss: binTerm(z, gt, valid, RANGE) }
}

describe('the term', () => {
  const feedsOf = (z: number, gt: number) => ({
    z: numbers(z, 1).map((v) => 3 * v),
    gt: numbers(gt, 2).map((v) => 4 * v), // a half is negative: no truth
  })

  test.each([
    ['a quarter of the size', [2, 8, 3, 4], [2, 1, 12, 16]],
    ['a grid that does not divide the size', [1, 4, 2, 3], [1, 1, 7, 10]],
    ['the size itself', [1, 4, 5, 3], [1, 1, 5, 3]],
  ])('is the definition on %s', async (_name, scores, size) => {
    const { z, gt, loss } = built(scores, size)
    const feeds = feedsOf(z.size, gt.size)
    const expected = slowly(new NdArray(scores, feeds.z), new NdArray(size, feeds.gt), RANGE.dMax)
    expect(relativeError((await evaluate(engine, { loss }, feeds)).loss, [expected])).toBeLessThan(1e-12)
  })

  test('has the gradient of finite differences', async () => {
    const { z, gt, loss } = built([1, 4, 2, 3], [1, 1, 8, 12])
    const feeds = feedsOf(z.size, gt.size)
    const [dz] = gradient(loss, [z])
    const slow = await differences(engine, loss, feeds, ['z'])
    expect(relativeError((await evaluate(engine, { dz }, feeds)).dz, slow.z)).toBeLessThan(1e-6)
  })

  test('is 0 with no gradient where nothing is measured, and finite for scores of a thousand', async () => {
    const { z, gt, loss } = built([1, 4, 2, 3], [1, 1, 8, 12])
    const [dz] = gradient(loss, [z])
    const empty = await evaluate(engine, { loss, dz }, { ...feedsOf(z.size, gt.size), gt: new Float64Array(gt.size) })
    expect([...empty.loss, ...empty.dz].every((v) => v === 0)).toBe(true)
    const far = await evaluate(
      engine,
      { loss, dz },
      { z: numbers(z.size).map((v) => 1000 * v), gt: new Float64Array(gt.size).fill(2) },
    )
    expect([...far.loss, ...far.dz].every(Number.isFinite)).toBe(true)
  })

  test('is least at the probabilities that the truth has', async () => {
    const { z, gt, loss } = built([1, 4, 1, 1], [1, 1, 1, 1])
    const centre = branchCentres(4, RANGE)[2]
    const at = async (scores: readonly number[]) =>
      (await evaluate(engine, { loss }, { z: scores, gt: new Float64Array(gt.size).fill(centre) })).loss[0]
    expect(z.size).toBe(4)
    expect(await at([0, 0, 0, 0])).toBeCloseTo(Math.log(4), 12)
    expect(await at([0, 0, 9, 0])).toBeLessThan(1e-3)
    expect(await at([0, 9, 0, 0])).toBeGreaterThan(8)
  })
})

describe('in the loss of a model', () => {
  const soft = tinyConfig({
    window: 'soft',
    neckFeatures: 16,
    leaves: 8,
    steps: 3,
    fine: true,
    stepWeights: [0.1, 0.5, 1],
  })

  test('there is one term a step, weighed by the recipe and the step, the last of the scores behind the last map', async () => {
    const graph = new Graph({ float: 'float64' })
    const model = buildDar(graph.input('image', [1, 3, 32, 32]), soft)
    const scores = treeScores(model)
    expect(scores.map(({ shape }) => shape[1])).toEqual([2, 4, 8])
    expect(scores[2]).toBe(model.trace.get('fine.scores'))
    expect(extraTerms(model, graph.input('gt', [1, 1, 32, 32]), soft, {})).toEqual([])
    const terms = extraTerms(model, graph.input('depth', [1, 1, 32, 32]), soft, { bins: 0.3 })
    expect(terms).toHaveLength(3)
  })

  test('a model without a tree is refused', () => {
    const graph = new Graph()
    const config = tinyConfig()
    const model = buildDar(graph.input('image', [1, 3, 32, 32]), config)
    const gt = graph.input('gt', [1, 1, 32, 32])
    expect(() => extraTerms(model, gt, config, { bins: 0.3 })).toThrow(
      /loss\.bins is 0\.3, but the model has no soft tree/,
    )
  })
})
