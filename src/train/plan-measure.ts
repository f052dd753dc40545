/** Times a few updates of one shape of a stage, and throws them away: real graphs and a real optimiser on weights that nobody keeps. */
import { type Batch, type BatchOptions, createBatchMaker, Random, ROOM_REUSE, type SourceSpec } from '../data/index.ts'
import type { Products } from '../graph/index.ts'
import { dropBranches } from '../model/index.ts'
import { createRoomRenderer } from '../rooms/index.ts'
import { Engine } from '../runtime/engine.ts'
import type { Provider } from '../runtime/protocol.ts'
import { Accumulator } from './accumulator.ts'
import { ALONE } from './collective.ts'
import type { TeacherModel } from './distil.ts'
import { GradientStep } from './gradient-step.ts'
import { stepOptions } from './memory.ts'
import { AdamW, STATE_NAMES, type TrainingState } from './optimiser.ts'
import { Owner } from './owner.ts'
import { initialise } from './parameters.ts'
import type { Recipe, Shape, Stage } from './recipe.ts'
import type { Overlap } from './staged-step.ts'
import { modelLayout } from './step-program.ts'

/** Updates that are timed, after one that is not. */
const MEASURED = 3

interface MeasureOptions {
  /** Null: batches are noise. */
  readonly sources: readonly SourceSpec[] | null
  readonly threads?: number
  readonly device?: Provider
  readonly products?: Products
  /** Of `distil`, which is then asked as in the run; default: none. */
  readonly teacher?: TeacherModel | null
  /** As in a run of so many ranks, without the others: sums are this rank's own. Default 1. */
  readonly ranks?: number
  readonly overlap?: Overlap | null
}

/** Seconds, of medians of three: the step with the optimiser, and making a batch, which happens beside it; null for noise. */
export async function measureUpdates(
  recipe: Recipe,
  stage: Stage,
  shape: Shape,
  { sources, threads, device, products, teacher = null, ranks = 1, overlap = null }: MeasureOptions,
): Promise<{ readonly step: number; readonly batch: number | null }> {
  const { model, optimiser, seed, augmentation } = recipe
  const micros = stage.accumulate ?? 1
  const options = { ...stepOptions(recipe, stage, shape), products }
  const { width, height, batch } = options
  const size = { width, height, batch, draws: options.dropPath > 0 ? dropBranches(model) : 0 }
  const made = sources
    ? await timeBatches({ ...size, sources, seed, augmentation: stage.augmentation ?? augmentation })
    : { seconds: null, data: noise(size) }
  const layout = modelLayout(model, shape)
  const owner = new Owner()
  const engine = new Engine({ threads, provider: device, memory: 'pieces' })
  try {
    const params = initialise(layout, seed)
    const held = await Promise.all(
      STATE_NAMES.map(async (name) => {
        const start = name === 'params' || name === 'ema' ? params : new Float32Array(layout.length)
        return [name, owner.hold(await engine.allocate(name, start))] as const
      }),
    )
    const state = Object.fromEntries(held) as unknown as TrainingState
    const adam = owner.hold(await AdamW.create(engine, layout, state, optimiser))
    const accumulator = micros > 1 ? owner.hold(await Accumulator.create(engine, state.grads)) : null
    const program = owner.hold(
      await GradientStep.open(engine, { config: model, layout, state }, options, {
        collective: { ...ALONE, ranks },
        accumulator,
        teacher,
        overlap,
      }),
    )
    const times: number[] = []
    for (let step = 0; step <= MEASURED; step++) {
      const begin = performance.now()
      await program.run(Array.from({ length: micros }, () => structuredClone(made.data)))
      await adam.apply(step, recipe.schedule.initialRate, await adam.gradientNorm())
      times.push((performance.now() - begin) / 1000)
    }
    return { step: median(times.slice(1)), batch: made.seconds === null ? null : micros * made.seconds }
  } finally {
    await engine.dispose()
    await owner.dispose()
  }
}

/**
 * A batch, and the seconds that one takes on average. Each of a few is made twice, the second time from frames in memory. A room is
 * rendered for `reuse` uses; frames of data sets are taken to be decoded every time, as those that the cache has no room for are.
 */
async function timeBatches(options: BatchOptions) {
  const { make } = await createBatchMaker(options, createRoomRenderer())
  const time = async (index: number) => {
    const begin = performance.now()
    await make(index)
    return (performance.now() - begin) / 1000
  }
  await make(0) // opens what is opened once
  const [first, again]: [number[], number[]] = [[], []]
  for (let i = 1; i <= MEASURED; i++) {
    first.push(await time(i))
    again.push(await time(i))
  }
  const all = options.sources.reduce((sum, { weight }) => sum + weight, 0)
  const anew = options.sources.reduce(
    (sum, one) => sum + one.weight / all / (one.kind === 'rooms' ? (one.reuse ?? ROOM_REUSE) : 1),
    0,
  )
  const warm = median(again)
  return { seconds: warm + anew * Math.max(0, median(first) - warm), data: await make(1) }
}

function noise({ batch, width, height, draws }: Shape & { readonly batch: number; readonly draws: number }): Batch {
  const random = new Random(1)
  return {
    index: 0,
    names: [],
    scales: new Float32Array(batch).fill(1),
    draws: Float32Array.from({ length: batch * draws }, () => random.uniform()),
    image: Float32Array.from({ length: batch * 3 * height * width }, () => random.uniform()),
    depth: Float32Array.from({ length: batch * height * width }, () => random.uniform(1, 5)),
    teacher: new Uint8Array(batch),
    taps: [],
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]
