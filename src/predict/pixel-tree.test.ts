import { describe, expect, test } from 'vitest'
import { parseConfig } from '../model/index.ts'
import { describeTree, type NamedTensor, pixelTree } from './pixel-tree.ts'

const tensor = (shape: readonly number[], values: readonly number[]): NamedTensor => ({
  shape,
  values: Float32Array.from(values),
})
const soft = parseConfig({ window: 'soft', steps: 2, leaves: 4, fine: true, neckFeatures: 16 })
/** Two steps on grids of 1×2 and 2×2; the pixels of the right half fall in the far bin. */
const traced = new Map<string, NamedTensor>([
  ['trace/step1.prob', tensor([1, 2, 1, 2], [0.9, 0.2, 0.1, 0.8])],
  ['trace/step1.depth', tensor([1, 1, 1, 2], [0.5, 2.5])],
  ['trace/step1.sigma', tensor([1, 1, 1, 2], [0.1, 0.2])],
  [
    'trace/step2.prob',
    tensor([1, 4, 2, 2], [...[0.7, 0, 0, 0], ...[0.2, 0, 0, 0], ...[0.1, 0, 0, 0.5], ...[0, 1, 1, 0.5]]),
  ],
  ['trace/step2.depth', tensor([1, 1, 2, 2], [0.4, 3, 3, 3.1])],
  ['trace/step2.sigma', tensor([1, 1, 2, 2], [0.1, 0.3, 0.3, 0.4])],
  [
    'trace/fine.scores',
    tensor([1, 4, 2, 2], [...[0, 0, 0, 0], ...[0, 0, 0, 0], ...[0, 0, 0, 0], ...[0, 0, 0, Math.log(5)]]),
  ],
])
const size = { width: 8, height: 4 }

describe('the tree of a pixel', () => {
  test('is read where the pixel falls on each grid', () => {
    const tree = pixelTree(traced, soft, { x: 7, y: 3, ...size })
    expect(tree.map(({ step, probabilities }) => [step, probabilities.length])).toEqual([
      ['1', 2],
      ['2', 4],
      ['fine', 4],
    ])
    expect(tree[0].probabilities.map((p) => Number(p.toFixed(3)))).toEqual([0.2, 0.8])
    expect(tree[1].probabilities).toEqual([0, 0, 0.5, 0.5])
    expect([tree[1].depth, tree[1].sigma].map((v) => Number(v.toFixed(3)))).toEqual([3.1, 0.4])
    expect(tree[0].edges.map((edge) => Number(edge.toFixed(6)))).toEqual([0.1, 1, 10])
  })

  test('ends with the fine scores, as depth and σ', () => {
    const fine = pixelTree(traced, soft, { x: 7, y: 3, ...size })[2]
    expect(fine.probabilities.map((p) => Number(p.toFixed(6)))).toEqual([0.125, 0.125, 0.125, 0.625])
    const centres = [1, 3, 5, 7].map((i) => 0.1 * 100 ** (i / 8))
    const depth = (centres[0] + centres[1] + centres[2] + 5 * centres[3]) / 8
    expect(fine.depth).toBeCloseTo(depth, 5)
    expect(fine.sigma).toBeCloseTo(
      Math.sqrt(centres.reduce((sum, c, i) => sum + ((i === 3 ? 5 : 1) / 8) * (c - depth) ** 2, 0)),
      5,
    )
  })

  test('of hard windows has the window’s own edges', () => {
    const hard = parseConfig({ steps: 1, bins: 2 })
    const one = new Map<string, NamedTensor>([
      ['trace/step1.prob', tensor([1, 2, 1, 1], [0.5, 0.5])],
      ['trace/step1.depth', tensor([1, 1, 1, 1], [2])],
      ['trace/step1.sigma', tensor([1, 1, 1, 1], [0.5])],
      ['trace/step1.window_lo', tensor([1, 1, 1, 1], [1])],
      ['trace/step1.window_hi', tensor([1, 1, 1, 1], [3])],
    ])
    expect(pixelTree(one, hard, { x: 0, y: 0, ...size })[0].edges).toEqual([1, 2, 3])
  })

  test('is told a line a step', () => {
    expect(describeTree(pixelTree(traced, soft, { x: 0, y: 0, ...size })).split('\n')).toEqual([
      'step 1      2 bins  █▁  0.10 to 1.00 m with 0.90, D 0.500 m, σ 0.100 m',
      'step 2      4 bins  █▃▂▁  0.10 to 0.32 m with 0.70, D 0.400 m, σ 0.100 m',
      'step fine   4 bins  ████  0.10 to 0.32 m with 0.25, D 2.035 m, σ 2.154 m',
    ])
  })

  test('is refused outside the image, and of a model without bins', () => {
    expect(() => pixelTree(traced, soft, { x: 8, y: 0, ...size })).toThrow('the pixel 8,0 is outside the image of 8×4')
    const dpt = parseConfig({ head: 'dpt' })
    expect(() => pixelTree(traced, dpt, { x: 0, y: 0, ...size })).toThrow('a model with the head dpt has no bins')
  })
})
