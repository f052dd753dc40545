import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { createBatchMaker, renderRoom } from '../data/index.ts'
import { readWeights } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'
import { checkpointPath } from './checkpoint.ts'
import {
  ALONE,
  agree,
  batchNumber,
  type Collective,
  poolSums,
  refuseUnlike,
  sumGradient,
  takeFromFirst,
} from './collective.ts'
import type { Recipe } from './recipe.ts'
import type { TrainEvent } from './run-log.ts'
import type { Overlap } from './staged-step.ts'
import { tinyRecipe, writeRooms } from './testing.ts'
import { train } from './trainer.ts'

vi.setConfig({ testTimeout: 300_000 })

/** Ranks of one process: each waits in a call until all are there. */
function ranksOfThisProcess(ranks: number): Collective[] {
  type Values = Float32Array | Float64Array
  let waiting: { rank: number; values: Values; go: () => void }[] = []
  const meet = (rank: number, values: Values, result: (all: readonly Values[]) => Values) =>
    new Promise<void>((go) => {
      waiting.push({ rank, values, go })
      if (waiting.length < ranks) return
      const all = waiting.sort((a, b) => a.rank - b.rank)
      waiting = []
      const found = result(all.map((one) => one.values.slice()))
      for (const one of all) {
        one.values.set(found)
        one.go()
      }
    })
  return Array.from({ length: ranks }, (_, rank) => ({
    rank,
    ranks,
    time: { waiting: 0, moving: 0 },
    sum: (values) => meet(rank, values, (all) => all[0].map((_, i) => all.reduce((sum, one) => sum + one[i], 0))),
    broadcast: (values) => meet(rank, values, ([first]) => first),
  }))
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
    await sumGradient(ALONE, { length: 2, read: touched, writePart: touched })
    expect([...(await poolSums(ALONE, Float32Array.of(1.5, 2)))]).toEqual([1.5, 2])
  })

  it('give every rank what all have together, whatever the buckets', async () => {
    const buffer = (...start: number[]) => {
      const values = Float32Array.from(start)
      return {
        values,
        length: values.length,
        read: async (offset = 0, length = values.length - offset) => values.slice(offset, offset + length),
        writePart: async (offset: number, part: Float32Array) => values.set(part, offset),
      }
    }
    const [a, b] = ranksOfThisProcess(2)
    for (const bucket of [1, 2, 3, 5, 8]) {
      const both = [buffer(1, 2, 3, 4, 5), buffer(3, -4, 0, 1, 0.5)]
      await Promise.all([sumGradient(a, both[0], { bucket }), sumGradient(b, both[1], { bucket })])
      for (const one of both) expect([...one.values]).toEqual([4, -2, 3, 5, 5.5])
    }
    const sums = await Promise.all([poolSums(a, Float32Array.of(10, 1)), poolSums(b, Float32Array.of(30, 0))])
    expect(sums.map((one) => [...one])).toEqual([
      [40, 1],
      [40, 1],
    ])
  })
})

describe('what all ranks decide alike', () => {
  it('is what any has, what the first has, and an error where one has something else', async () => {
    const [a, b] = ranksOfThisProcess(2)
    expect(await Promise.all([agree(a, [false, true, false]), agree(b, [false, false, true])])).toEqual([
      [false, true, true],
      [false, true, true],
    ])
    expect(await Promise.all([takeFromFirst(a, [1 / 3, Number.NaN]), takeFromFirst(b, [0.5, 2])])).toEqual([
      [1 / 3, Number.NaN],
      [1 / 3, Number.NaN],
    ])
    const unlike = await Promise.allSettled([refuseUnlike(a, 7, 'other data'), refuseUnlike(b, 8, 'other data')])
    for (const one of unlike)
      expect(one).toMatchObject({
        status: 'rejected',
        reason: { message: expect.stringMatching(/^rank 1 has other data than rank 0;/) },
      })
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

  /** The losses and the weights that a run of one process, or rank 0, ends with. */
  async function run(
    recipe: Recipe,
    name: string,
    collective?: Collective,
    { overlap }: { readonly overlap?: Overlap } = {},
  ) {
    const events: TrainEvent[] = []
    const out = join(data, name)
    await train(recipe, { data, out, threads: 1, collective, overlap, onEvent: (event) => events.push(event) })
    const losses = events.flatMap((event) => (event.event === 'step' ? [event.loss] : []))
    return { losses, values: (await readWeights(checkpointPath(out))).values, events }
  }

  /** As rank 0 of two sees it. Rank 1 must leave no trace. */
  async function runByTwo(recipe: Recipe, name: string, { overlap }: { readonly overlap?: Overlap } = {}) {
    const [first, second] = ranksOfThisProcess(2)
    const out = join(data, `${name}-1`)
    const onEvent = () => expect.fail('rank 1 talks')
    const [result] = await Promise.all([
      run(recipe, name, first, { overlap }),
      train(recipe, { data, out, threads: 1, collective: second, overlap, onEvent }),
    ])
    expect(existsSync(out)).toBe(false)
    return result
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

  it('says how the batch is shared, and how long the ranks waited for each other', async () => {
    const { events } = await runByTwo(recipeOf('one', 2), 'told')
    expect(events[0]).toMatchObject({
      event: 'start',
      notes: ['2 processes: each computes 1 of the 2 images of a batch'],
    })
    const communication = { waiting: 0, moving: 0 }
    expect(events.filter(({ event }) => event === 'step')).toMatchObject([{ communication }, { communication }])
    expect(events.at(-1)).toMatchObject({ event: 'end', communication })
  })

  // The loss of a batch is no mean over its pictures: it has a root over all pixels.
  it('computes what one process computes', async () => {
    const recipe = recipeOf('four', 2)
    const whole = await run(recipe, 'whole')
    const both = await runByTwo(recipe, 'both')
    for (const [i, loss] of whole.losses.entries()) expect(Math.abs(both.losses[i] / loss - 1)).toBeLessThan(1e-6)
    // The first moments are the gradients, averaged; in the weights AdamW enlarges the rounding of the small ones.
    const moments = [...whole.values].filter(([name]) => name.startsWith('m/'))
    expect(moments.length).toBeGreaterThan(10)
    for (const [name, values] of moments)
      for (const [i, value] of values.entries()) expect(both.values.get(name)?.[i]).toBeCloseTo(value, 4)
  })

  it.each<[string, Partial<Recipe>]>([
    ['a ViT', {}],
    [
      'a ViT with checkpoints, two shapes and exact sums',
      {
        gradientCheckpointing: true,
        stages: [
          {
            height: 32,
            width: 64,
            also: [{ height: 64, width: 64 }],
            batch: 2,
            updates: 2,
            loss: { exact: true, edges: 0.2 },
            dropPath: 0,
          },
        ],
      },
    ],
    ['a ViT whose encoder is frozen', { optimiser: { multipliers: { 'encoder.': 0 } } }],
  ])(
    'computes the same bits with overlap of %s, and the same to rounding without a second forward pass',
    async (name, change) => {
      const recipe = recipeOf('four', 2, change)
      const plain = await runByTwo(recipe, `plain ${name}`)
      const overlapped = await runByTwo(recipe, `overlapped ${name}`, { overlap: 'backward' })
      expect(overlapped.losses).toEqual(plain.losses)
      for (const [key, values] of plain.values) expect(overlapped.values.get(key), key).toEqual(values)
      const { losses } = await runByTwo(recipe, `staged ${name}`, { overlap: 'step' })
      for (const [i, loss] of losses.entries()) expect(Math.abs(plain.losses[i] / loss - 1)).toBeLessThan(1e-5)
      const end = overlapped.events.at(-1)
      expect(end?.event === 'end' && end.communication).toMatchObject({ exposed: expect.any(Number) })
    },
  )

  it('refuses overlap where the step has several passes or runs elsewhere', async () => {
    const options = { data, out: join(data, 'refused'), overlap: 'step' as const, collective: ranksOfThisProcess(2)[0] }
    const accumulating = recipeOf('four', 4, {
      stages: [{ height: 32, width: 64, batch: 4, updates: 1, accumulate: 2 }],
    })
    await expect(train(accumulating, options)).rejects.toThrow(/overlap keeps the values of one pass/)
    await expect(train(recipeOf('four', 2), { ...options, device: 'cuda' })).rejects.toThrow(/overlap is for the CPU/)
  })

  it('begins with rank 0’s weights, and goes on with another number of ranks', async () => {
    const recipe = recipeOf('four', 2, {
      stages: [{ height: 32, width: 64, batch: 2, updates: 3 }],
      optimiser: { epsilon: 1e-4 },
    })
    const whole = await run(recipe, 'go-on-whole')
    const out = join(data, 'go-on')
    const stop = new AbortController()
    const [first, second] = ranksOfThisProcess(2)
    const options = { data, threads: 1 }
    // Rank 1 asks for the end, which both come to after the same update: this one, or the next.
    const onEvent = ({ event }: TrainEvent) => event === 'step' && stop.abort()
    const ends = await Promise.all([
      train(recipe, { ...options, out, collective: first, onEvent }),
      train(recipe, { ...options, out: '/nowhere', collective: second, signal: stop.signal }),
    ])
    const [{ step }] = ends
    expect(step).toBeLessThan(3)
    expect(ends.map((end) => [end.step, end.reason])).toEqual([
      [step, 'interrupted'],
      [step, 'interrupted'],
    ])
    const events: TrainEvent[] = []
    await train(recipe, { ...options, out, resume: true, onEvent: (event) => events.push(event) })
    expect(events[0]).toMatchObject({ notes: [`resumed at update ${step}`, 'goes on with ranks 1 instead of 2'] })
    const [loss] = events.flatMap((event) => (event.event === 'step' ? [event.loss] : []))
    expect(Math.abs(loss / whole.losses[step] - 1)).toBeLessThan(1e-6)
  })

  it('keeps what is sound when the other is gone, and says how to go on', async () => {
    const out = join(data, 'gone')
    const dying = ranksOfThisProcess(2).map((collective): Collective => {
      let calls = 0
      const sum: Collective['sum'] = async (values) => {
        // The data; update 0: stop, depth, loss, gradient; update 1: stop, depth.
        if (++calls > 7) throw new DarError('rank 1 has ended', { kind: 'gone' })
        return collective.sum(values)
      }
      return { ...collective, sum }
    })
    const [ended, other] = dying.map((collective) => train(recipeOf('four', 2), { data, out, threads: 1, collective }))
    await expect(other).rejects.toThrow('rank 1 has ended')
    await expect(ended).rejects.toMatchObject({
      kind: 'gone',
      message: `rank 1 has ended. The run stops after update 1. The checkpoint in ${out} is of update 1; go on with --resume`,
    })
    expect((await readWeights(checkpointPath(out))).metadata.step).toBe('1')
  })

  it('refuses a batch that cannot be shared equally, and ranks with other data', async () => {
    const [first, second] = ranksOfThisProcess(2)
    const uneven = train(recipeOf('four', 3), { data, out: join(data, 'uneven'), collective: first })
    await expect(uneven).rejects.toThrow(
      /^recipe tiny: stage 1 has batches of 3, which 2 processes cannot share equally; /,
    )
    const unlike = await Promise.allSettled([
      train(recipeOf('four', 2), { data, out: join(data, 'unlike'), threads: 1, collective: first }),
      train(recipeOf('one', 2), { data, out: '/nowhere', threads: 1, collective: second }),
    ])
    for (const one of unlike)
      expect(one).toMatchObject({
        status: 'rejected',
        reason: { message: expect.stringMatching(/^rank 1 has another recipe or other data than rank 0/) },
      })
  })
})
