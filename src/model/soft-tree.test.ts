/** The tree with all branches alive, against loops written from its definition. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { differences, evaluate, NdArray, nd, numbers, relativeError, sigma } from '../../test/op-harness.ts'
import { Graph, gradient } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { Engine } from '../runtime/engine.ts'
import { parseConfig } from './config.ts'
import { branchCentres, branchCount, lastDepth, readScores, splitScores } from './soft-tree.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

const config = parseConfig({ window: 'soft', leaves: 8, steps: 3 })
const LIMITS = { dMin: 0.1, dMax: 10 }

test('has half the bins at each step before the last', () => {
  expect([1, 2, 3].map((k) => branchCount(k, { leaves: 8, steps: 3 }))).toEqual([2, 4, 8])
  expect([1, 5].map((k) => branchCount(k, { leaves: 64, steps: 5 }))).toEqual([4, 64])
})

test('bins are even in the logarithm: a decade each of two, a factor of √10 between those of four', () => {
  const rounded = (count: number) => branchCentres(count, LIMITS).map((c) => Number(c.toFixed(6)))
  expect(rounded(2)).toEqual([0.316228, 3.162278])
  expect(rounded(4)).toEqual([0.177828, 0.562341, 1.778279, 5.623413])
})

/** p, D and σ of one pixel's scores. */
function readSlowly(scores: readonly number[]) {
  const centres = branchCentres(scores.length, LIMITS)
  const weights = scores.map(Math.exp)
  const sum = weights.reduce((a, b) => a + b)
  const p = weights.map((w) => w / sum)
  const depth = p.reduce((total, v, i) => total + v * centres[i], 0)
  const variance = p.reduce((total, v, i) => total + v * (centres[i] - depth) ** 2, 0)
  return { p, depth, sigma: Math.sqrt(variance + 1e-6) }
}

describe('scores', () => {
  test('say a probability of each bin, a depth and its spread', async () => {
    const graph = new Graph({ float: 'float64' })
    const z = graph.input('z', [2, 4, 2, 3])
    const values = new NdArray(z.shape, numbers(z.size))
    const { probabilities, depth, sigma } = readScores(z, LIMITS)
    const result = await evaluate(engine, { probabilities, depth, sigma }, { z: values.data })
    const pixel = (b: number, i: number, j: number) => readSlowly([0, 1, 2, 3].map((c) => values.at(b, c, i, j)))
    const expected = {
      probabilities: nd(z.shape, (b, c, i, j) => pixel(b, i, j).p[c]),
      depth: nd(depth.shape, (b, _, i, j) => pixel(b, i, j).depth),
      sigma: nd(sigma.shape, (b, _, i, j) => pixel(b, i, j).sigma),
    }
    for (const name of ['probabilities', 'depth', 'sigma'] as const)
      expect(relativeError(result[name], expected[name].data), name).toBeLessThan(1e-12)
  })

  test('split: both children of a bin start with its score, so the pair keeps its probability', async () => {
    const graph = new Graph({ float: 'float64' })
    const z = graph.input('z', [1, 3, 2, 2])
    const children = splitScores(z)
    const values = new NdArray(z.shape, numbers(z.size))
    const feeds = { z: values.data }
    const result = await evaluate(engine, { children, p: ops.softmax(z, 1), q: ops.softmax(children, 1) }, feeds)
    expect(children.shape).toEqual([1, 6, 2, 2])
    expect(result.children).toEqual(nd(children.shape, (b, c, i, j) => values.at(b, c >> 1, i, j)).data)
    const q = new NdArray(children.shape, result.q)
    const pairs = nd(z.shape, (b, c, i, j) => sigma([2], (half) => q.at(b, 2 * c + half, i, j)))
    expect(relativeError(pairs.data, result.p)).toBeLessThan(1e-12)
  })

  test('keep their gradient from step to step, and pass none through what the next step is told', async () => {
    const graph = new Graph({ float: 'float64' })
    const [z1, change] = [graph.input('z1', [1, 4, 2, 3]), graph.input('change', [1, 8, 2, 3])]
    const first = readScores(z1, LIMITS)
    const second = readScores(ops.add(splitScores(z1), change), LIMITS)
    const sum = ops.sum(ops.add(ops.square(second.depth), ops.mul(second.sigma, 3)))
    const told = ops.sum(lastDepth(first, z1, [2, 3], config))
    const feeds = { z1: numbers(z1.size, 1), change: numbers(change.size, 2) }
    const [dz1, dChange] = gradient(sum, [z1, change])
    const result = await evaluate(engine, { dz1, dChange }, feeds)
    const slow = await differences(engine, sum, feeds, ['z1', 'change'])
    for (const [name, value] of [
      ['z1', result.dz1],
      ['change', result.dChange],
    ] as const)
      expect(relativeError(value, slow[name]), name).toBeLessThan(1e-6)
    expect(Math.max(...result.dz1.map(Math.abs))).toBeGreaterThan(1e-3)
    expect(() => gradient(told, [z1])).toThrow()
  })
})

describe('what a step is told of the one before', () => {
  test('is nothing at the first', async () => {
    const graph = new Graph()
    const like = graph.input('like', [2, 5, 7, 7])
    const x = lastDepth(null, like, [3, 4], config)
    expect(x.shape).toEqual([2, 2, 3, 4])
    const result = await evaluate(engine, { x }, { like: numbers(like.size) })
    expect(new Set(result.x)).toEqual(new Set([0]))
  })

  test('is ln D from the middle of the range, 1 m, and σ in parts of D', async () => {
    const graph = new Graph({ float: 'float64' })
    const [depth, spread] = [graph.input('depth', [1, 1, 1, 2]), graph.input('spread', [1, 1, 1, 2])]
    const x = lastDepth({ probabilities: depth, depth, sigma: spread }, depth, [1, 2], config)
    const result = await evaluate(engine, { x }, { depth: [1, Math.E], spread: [0.5, 0.5] })
    expect(relativeError(result.x, [0, 1, 0.5, 0.5 / Math.E])).toBeLessThan(1e-12)
  })
})
