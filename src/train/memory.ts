/**
 * The memory of a training run: the resident memory of the whole process at its peak, in bytes, derived from its graphs
 * (graph/memory.ts) and settings before anything is allocated.
 *
 *     run = runtime + STATE·weights + programs + Σ_shapes (Σ_programs (constants + inputs + STEP_HOLES·activations) + carried)
 *           + HOLES·(activations of update and validation) + held-out frames + loaders + furniture + teacher + a checkpoint being written
 *           + what sums over the ranks take, and ALLOCATOR of all that
 *
 * Every shape of a stage has one program, two where a batch is in parts, or three where the step is in stages (staged-step.ts), which then carry
 * values from one to the next. A program's arena never shrinks, so all activations add up. Those of an earlier stage of the recipe are freed.
 * Measured, not derived, are `RUNTIME`, `PROGRAM`, `WORKER`, `HOLES`, `STEP_HOLES`, `TEACHER_HOLES`, `ALLOCATOR` and `MESSAGES`; docs/training.md compares the sum with what runs held.
 */
import { CACHE_MEGABYTES, type LoadingOptions, PREFETCH } from '../data/index.ts'
import { type MemoryUse, memoryUse, type Stage as Program, type StageOutputs } from '../graph/index.ts'
import { FURNITURE_MEGABYTES } from '../rooms/index.ts'
import { heldOfSums } from './collective.ts'
import { type TeacherModel, teacherOutputs } from './distil.ts'
import { multiplierOf } from './groups.ts'
import { updateOutputs, updatePasses } from './optimiser.ts'
import type { Recipe, Shape, Stage } from './recipe.ts'
import { HELD_FURNITURE } from './sources.ts'
import { carriedValues, cutStep, decodersIn, type Overlap } from './staged-step.ts'
import { shapesOf } from './stages.ts'
import { GRADIENT, modelLayout, sumOutputs, trainingOutputs } from './step-program.ts'
import { KEPT_BYTES, validationOutputs } from './validate.ts'

/** Bytes. Node, the engine's library and this package, for a model of no size; Node 20 on Linux. */
export const RUNTIME = 200e6
/** A loaded graph: its nodes here and in the engine. */
const PROGRAM = 80e6
/** A loader's thread: Node's heap, and the decoder's buffers. */
const WORKER = 120e6
/** The engine's arena over the values alive in it. */
export const HOLES = 1.25
/** The same of a training step; convolutions with batches of 32 have the largest. */
export const STEP_HOLES = 1.33
/**
 * The same of a teacher, whose weights are fixed: the engine then computes convolutions in blocks of channels, pads to them, and copies values into
 * that order and back.
 */
const TEACHER_HOLES = 2.4
/** What the system's allocator holds between the blocks of its threads, as a part of all else: after some hundred batches of nine sets. */
const ALLOCATOR = 0.05
/** The library of messages, and what it shares with its neighbours. */
const MESSAGES = 100e6
/** Parameters, gradients, two moments and the moving average. */
const STATE = 5
const FLOAT = Float32Array.BYTES_PER_ELEMENT
/** Pixels of a kept frame over those of the network (`keepScale` squared), and its bytes: RGB and a depth. */
const KEPT_FRAME = 4 * (3 + FLOAT)

/** What is read of a recipe. */
export type RunCost = Pick<Recipe, 'model' | 'stages' | 'optimiser' | 'gradientCheckpointing'>

/** What is known of the data. */
export interface DataSize {
  /** Frames of every source; null where it has no end or was not opened. Default: one unknown source. */
  readonly frames?: readonly (number | null)[]
  /** Frames held out; default: as many as validation keeps. */
  readonly held?: number
  /** Whether rooms have the furniture of a folder; default false. */
  readonly furnished?: boolean
  /** Of `distil`; default none. */
  readonly teacher?: TeacherModel | null
}

/** How a run is shared out. */
export interface Sharing {
  /** Processes; default 1. */
  readonly ranks?: number
  /** Of several; default: the step is not in stages. */
  readonly overlap?: Overlap | null
}

/** Bytes by what they are for. */
export type MemoryItems = Readonly<Record<string, number>>

/** What the graphs of one shape of a stage are made with. */
export function stepOptions({ optimiser, gradientCheckpointing }: RunCost, stage: Stage, { width, height }: Shape) {
  const { loss, dropPath = 0, accumulate = 1 } = stage
  const frozen = (name: string) => multiplierOf(name, optimiser.multipliers) === 0
  const checkpoints = gradientCheckpointing ? ('recompute' as const) : ('keep' as const)
  return { width, height, batch: stage.batch / accumulate, loss, dropPath, frozen, checkpoints }
}

/** Of one shape of a stage, on one rank: the programs of a step, not compiled, and the values that they carry from one to the next. */
export function stepOf(recipe: RunCost, stage: Stage, shape: Shape, { ranks = 1, overlap = null }: Sharing = {}) {
  const { model } = recipe
  const options = stepOptions(recipe, stage, shape)
  const { frozen: _, checkpoints: __, ...forward } = options
  const whole = (outputs: StageOutputs): Program => ({ outputs, given: new Map() })
  if (ranks === 1 && (stage.accumulate ?? 1) === 1) {
    const { outputs, layout } = trainingOutputs(model, options)
    return { programs: [whole(outputs)], layout, carried: 0 }
  }
  const first = sumOutputs(model, forward)
  const step = trainingOutputs(model, { ...options, sums: first.count })
  const { layout } = step
  const staged = ranks > 1 && overlap ? cutStep(step, overlap) : null
  const programs = [
    ...(overlap === 'step' && staged ? [] : [whole(first.outputs)]),
    ...(staged ?? [whole(step.outputs)]),
  ]
  return { programs, layout, carried: staged ? carriedValues(staged) : 0 }
}

/** What the programs of one shape need while they run: that of each, and the bytes of the values between them. */
export function stepMemory({ programs, carried }: Pick<ReturnType<typeof stepOf>, 'programs' | 'carried'>) {
  const uses = programs.map(({ outputs, given }) => {
    // Carried values are not: the engine keeps one that its own program reads, too, and copies it to its place afterwards.
    const bound = Object.entries(outputs).flatMap(([name, tensor]) => (name.startsWith(GRADIENT) ? [tensor] : []))
    return memoryUse(Object.values(outputs), { parameters: 'fed', bound, given, order: 'engine' })
  })
  return { uses, carried: FLOAT * carried }
}

/** The peak of a whole run, or of rank 0 of one, item by item: that of the stage that needs most. Batches are a rank's. */
export function runMemory(
  recipe: RunCost,
  data: DataSize = {},
  loading: LoadingOptions = {},
  sharing: Sharing = {},
): MemoryItems {
  const stages = recipe.stages.map((stage) => stageMemory(recipe, stage, data, loading, sharing))
  return stages.reduce((most, one) => (totalOf(one) > totalOf(most) ? one : most))
}

/** The sum of all items. */
export const totalOf = (items: MemoryItems): number => Object.values(items).reduce((sum, bytes) => sum + bytes, 0)

function stageMemory(
  recipe: RunCost,
  stage: Stage,
  { frames = [null], held = Number.POSITIVE_INFINITY, furnished = false, teacher = null }: DataSize,
  { workers = 1, prefetch = PREFETCH, cacheMegabytes = CACHE_MEGABYTES }: LoadingOptions,
  { ranks = 1, overlap = null }: Sharing,
): MemoryItems {
  const shapes = shapesOf(stage)
  const steps = shapes.map((shape) => stepOf(recipe, stage, shape, { ranks, overlap }))
  const memories = steps.map(stepMemory)
  const uses = memories.flatMap((one) => one.uses)
  const { layout } = steps[0]
  const values = layout.length
  // Passes of one length share their memory.
  const { passes: updates, length: factors } = updatePasses(layout, recipe.optimiser)
  const update = [...new Set(updates.map(({ length }) => length))].reduce((all, length) => {
    const updated = Object.values(updateOutputs(length))
    return all + memoryUse(updated, { bound: updated }).activations
  }, 0)
  const { width, height, batch, validationBatch = 4 } = stage
  const validates = held > 0
  const predicting = validates
    ? memoryUse(Object.values(validationOutputs(recipe.model, { width, height, batch: validationBatch })), {
        parameters: 'fed',
      })
    : null
  const micros = stage.accumulate ?? 1
  const sum = (of: (use: MemoryUse) => number) => uses.reduce((all, use) => all + of(use), 0)
  const floats = (count: number) => FLOAT * count
  /** Image, depth and the numbers of the pixels that count. */
  const heldFrame = floats((3 + 1 + 1) * width * height)
  const cached = (pixels: number) =>
    frames.reduce<number>((bytes, count) => {
      const share = (cacheMegabytes * 2 ** 20) / shapes.length / frames.length
      return bytes + Math.min(share, (count ?? Number.POSITIVE_INFINITY) * KEPT_FRAME * pixels)
    }, 0)
  // Made ahead, one on its way, one in the engine.
  const loader = ({ width: w, height: h }: Shape) =>
    workers * (WORKER + cached(w * h)) + floats((prefetch + 2) * batch * 4 * w * h)
  const items = {
    runtime: RUNTIME,
    // The update's arrays of rates and decays, too.
    state: floats((STATE + Number(micros > 1)) * values + 2 * factors),
    programs: PROGRAM * (uses.length + Number(validates)),
    constants: sum(({ constants }) => constants),
    inputs: sum(({ inputs }) => inputs),
    activations: STEP_HOLES * sum(({ activations }) => activations),
    carried: memories.reduce((all, { carried }) => all + carried, 0),
    update: HOLES * update,
    validation: predicting
      ? HOLES * predicting.activations + predicting.inputs + Math.min(KEPT_BYTES, held * heldFrame)
      : 0,
    loaders: shapes.reduce((all, shape) => all + loader(shape), 0),
    // Shared by the loaders of a worker, and those of the rooms held out.
    furniture: furnished ? (workers * FURNITURE_MEGABYTES + HELD_FURNITURE) * 2 ** 20 : 0,
    teacher: teacher ? shapes.reduce((all, shape) => all + teacherMemory(teacher, recipe, { ...shape, batch }), 0) : 0,
    // What is read back to be written: parameters, average and moments; the model in float16.
    checkpoint: floats(4.5 * values),
    exchange: ranks > 1 ? MESSAGES + floats(heldOfSums(values, overlap ? decodersIn(layout) : null)) : 0,
  }
  return { ...items, allocator: ALLOCATOR * totalOf(items) }
}

/** A program for each shape, whose weights lie in the graph's bytes and in the engine. */
function teacherMemory(
  { config, weights }: TeacherModel,
  { model }: RunCost,
  size: Shape & { readonly batch: number },
): number {
  const use = memoryUse(Object.values(teacherOutputs(config, model, weights, size)))
  const weightBytes = FLOAT * modelLayout(config, size).length
  return PROGRAM + TEACHER_HOLES * use.activations + use.inputs + 2 * weightBytes + use.folded + use.constants
}
