import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, NdArray, nd, numbers, relativeError } from '../../test/op-harness.ts'
import { Graph } from '../graph/index.ts'
import { Engine } from '../runtime/engine.ts'
import { dropBranch } from './drop-path.ts'

let engine: Engine
beforeAll(() => {
  engine = new Engine({ threads: 1 })
})
afterAll(() => engine.dispose())

describe('a branch', () => {
  const [shape, blocks, rate] = [[4, 3, 2], 5, 0.4] as const
  const draws = [0, 0.09, 0.19999, 0.2, 0.39, 0.4, 0.7, 0.999]

  /** f(x) of every block at column 1 of two, where the images' u are the second half of `draws`. */
  async function branches(u: readonly number[]) {
    const graph = new Graph({ float: 'float64' })
    const drop = { draws: graph.input('u', [4, 2]), rate }
    const fx = graph.input('fx', shape)
    const outputs = Object.fromEntries(
      [0, 1, 2, 3, 4].map((block) => [`b${block}`, dropBranch(fx, drop, { column: 1, block, blocks })]),
    )
    const values = numbers(24)
    const fed = { u: u.flatMap((v) => [0.5, v]), fx: values }
    return { values, result: await evaluate(engine, outputs, fed) }
  }

  test.each([draws.slice(0, 4), draws.slice(4)])('is left out or enlarged, image by image: u = %d …', async (...u) => {
    const { values, result } = await branches(u)
    for (const block of [0, 1, 2, 3, 4]) {
      const p = (rate * block) / (blocks - 1)
      const expected = nd(shape, (b, i, j) => (u[b] < p ? 0 : new NdArray(shape, values).at(b, i, j) / (1 - p)))
      expect(relativeError(result[`b${block}`], expected.data), `block ${block}`).toBeLessThan(1e-12)
    }
  })

  test('is itself without numbers, and in the first block', () => {
    const graph = new Graph()
    const fx = graph.input('fx', shape)
    expect(dropBranch(fx, null, { column: 0, block: 3, blocks })).toBe(fx)
    const drop = { draws: graph.input('u', [4, 2]), rate }
    expect(dropBranch(fx, drop, { column: 0, block: 0, blocks })).toBe(fx)
  })
})
