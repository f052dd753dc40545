import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { createBatchMaker, renderRoom } from '../data/index.ts'
import { readWeights } from '../runtime/weights.ts'
import { checkpointPath } from './checkpoint.ts'
import { ALONE, batchNumber, type Collective, poolSums, sumGradient } from './collective.ts'
import type { Recipe } from './recipe.ts'
import type { TrainEvent } from './run-log.ts'
import { NO_AUGMENTATION, tinyRecipe, writeRooms } from './testing.ts'
import { train } from './trainer.ts'

vi.setConfig({ testTimeout: 300_000 })

/** Ranks of one process: each waits in `mean` until all are there. */
function ranksOfThisProcess(ranks: number): Collective[] {
  let waiting: { values: Float32Array; go: () => void }[] = []
  const mean = (values: Float32Array) =>
    new Promise<void>((go) => {
      waiting.push({ values, go })
      if (waiting.length < ranks) return
      const all = waiting
      waiting = []
      const means = values.map((_, i) => all.reduce((sum, one) => sum + one.values[i], 0) / ranks)
      for (const one of all) {
        one.values.set(means)
        one.go()
      }
    })
  return Array.from({ length: ranks }, (_, rank) => ({ rank, ranks, mean }))
}

describe('batchNumber', () => {
  it('numbers the batches of all ranks and micro-batches, each once, an update after the other', () => {
    const [micros, ranks] = [3, 2]
    const numbers = [0, 1].flatMap((update) =>
      [0, 1, 2].flatMap((micro) => [0, 1].map((rank) => batchNumber({ update, micro, micros, rank, ranks }))),
    )
    expect(numbers).toEqual(Array.from({ length: 12 }, (_, i) => i))
  })

  it('is the update for one that trains alone', () => {
    expect(batchNumber({ update: 7 })).toBe(7)
  })
})

describe('poolSums and sumGradient', () => {
  it('leave everything where it is for one that trains alone', async () => {
    const touched = async () => expect.fail('the gradient was moved')
    await sumGradient(ALONE, { read: touched, write: touched })
    expect([...(await poolSums(ALONE, Float32Array.of(1.5, 2)))]).toEqual([1.5, 2])
  })

  it('give every rank what all have together', async () => {
    const written: number[][] = []
    const gradient = (...values: number[]) => ({
      read: async () => Float32Array.from(values),
      write: async (mean: Float32Array) => {
        written.push([...mean])
      },
    })
    const [a, b] = ranksOfThisProcess(2)
    await Promise.all([sumGradient(a, gradient(1, 2)), sumGradient(b, gradient(3, -4))])
    expect(written).toEqual([
      [4, -2],
      [4, -2],
    ])
    const sums = await Promise.all([poolSums(a, Float32Array.of(10, 1)), poolSums(b, Float32Array.of(30, 0))])
    expect(sums.map((one) => [...one])).toEqual([
      [40, 1],
      [40, 1],
    ])
  })
})

describe('a run of two ranks', () => {
  let data = ''
  beforeAll(async () => {
    data = await temporaryFolder()
    await writeRooms(join(data, 'one'), { count: 1, width: 64, height: 32 })
    await writeRooms(join(data, 'four'), { count: 4, width: 64, height: 32 })
  })

  const recipeOf = (folder: string, batch: number, change: Partial<Recipe> = {}) =>
    tinyRecipe({
      data: [{ kind: 'dataset', name: folder, path: folder, weight: 1 }],
      stages: [{ height: 32, width: 64, batch, updates: 2 }],
      ...change,
    })

  /** The losses and the weights that a run ends with. */
  async function run(recipe: Recipe, name: string, collective?: Collective) {
    const events: TrainEvent[] = []
    const out = join(data, name)
    await train(recipe, { data, out, threads: 1, collective, onEvent: (event) => events.push(event) })
    const losses = events.flatMap((event) => (event.event === 'step' ? [event.loss] : []))
    return { losses, values: (await readWeights(checkpointPath(out))).values }
  }

  it('sees in one update what one process sees in a batch of twice the size', async () => {
    const options = {
      sources: [{ kind: 'dataset', root: join(data, 'four'), name: 'four', weight: 1 }],
      width: 32,
      height: 32,
      seed: 3,
    } as const
    const whole = await createBatchMaker({ ...options, batch: 4 }, renderRoom)
    const halves = await createBatchMaker({ ...options, batch: 2 }, renderRoom)
    for (const update of [0, 1, 2]) {
      const parts = await Promise.all([0, 1].map((rank) => halves.make(batchNumber({ update, rank, ranks: 2 }))))
      const { image, depth, names } = await whole.make(update)
      expect(parts.flatMap((part) => part.names)).toEqual(names)
      expect(parts.flatMap((part) => [...part.image])).toEqual([...image])
      expect(parts.flatMap((part) => [...part.depth])).toEqual([...depth])
    }
  })

  it('computes what one process computes from a whole batch, where both halves are the same picture', async () => {
    const augmentation = NO_AUGMENTATION
    const [first, second] = ranksOfThisProcess(2)
    const half = recipeOf('one', 1, { augmentation })
    const [a, b] = await Promise.all([run(half, 'same-0', first), run(half, 'same-1', second)])
    const whole = await run(recipeOf('one', 2, { augmentation }), 'same-whole')
    expect(b).toEqual(a)
    a.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(whole.losses[i], 4)
    })
    // The first moments are the gradients, averaged; in the weights AdamW enlarges the rounding of the small ones.
    const moments = [...whole.values].filter(([name]) => name.startsWith('m/'))
    expect(moments.length).toBeGreaterThan(10)
    for (const [name, values] of moments)
      for (const [i, value] of values.entries()) expect(a.values.get(name)?.[i]).toBeCloseTo(value, 4)
  })

  // The loss of a batch is no mean over its pictures: it has a root over all pixels.
  it('computes what one process computes from the whole batch, from pictures that differ', async () => {
    const recipe = recipeOf('four', 1)
    const [first, second] = ranksOfThisProcess(2)
    const [a, b] = await Promise.all([run(recipe, 'apart-0', first), run(recipe, 'apart-1', second)])
    expect(b).toEqual(a)
    const unheard = async () => {}
    const own = await Promise.all(
      [0, 1].map((rank) => run(recipe, `unheard-${rank}`, { rank, ranks: 2, mean: unheard })),
    )
    expect(own[0].losses[0]).not.toBe(own[1].losses[0])
    expect(own[0].values).not.toEqual(a.values)
    const whole = await run(recipeOf('four', 2), 'apart-whole')
    for (const [i, loss] of whole.losses.entries()) expect(Math.abs(a.losses[i] / loss - 1)).toBeLessThan(1e-6)
    const mean = (own[0].losses[0] + own[1].losses[0]) / 2
    expect(Math.abs(mean / whole.losses[0] - 1)).toBeGreaterThan(1e-3)
  })
})
