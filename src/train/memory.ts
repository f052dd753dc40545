/**
 * The memory of a training run: the resident memory of the whole process at its peak, in bytes, derived from its graphs
 * (graph/memory.ts) and settings before anything is allocated.
 *
 *     run = runtime + STATE·weights + programs + Σ_shapes (constants + inputs + HOLES·activations)
 *           + HOLES·(activations of update and validation) + held-out frames + loaders + furniture + teacher + a checkpoint being written,
 *           and ALLOCATOR of all that
 *
 * Every shape of a stage has a program whose arena never shrinks, so their activations add up. Those of an earlier stage are freed.
 * Measured, not derived, are `RUNTIME`, `PROGRAM`, `WORKER`, `HOLES` and `ALLOCATOR`; docs/training.md compares the sum with what runs held.
 */
import { CACHE_MEGABYTES, type LoadingOptions, PREFETCH } from '../data/index.ts'
import { type MemoryUse, memoryUse, type Tensor } from '../graph/index.ts'
import { FURNITURE_MEGABYTES } from '../rooms/index.ts'
import { type TeacherModel, teacherOutputs } from './distil.ts'
import { multiplierOf } from './groups.ts'
import { updateOutputs, updatePasses } from './optimiser.ts'
import type { Recipe, Shape, Stage } from './recipe.ts'
import { HELD_FURNITURE } from './sources.ts'
import { shapesOf } from './stages.ts'
import { modelLayout, sumOutputs, trainingOutputs } from './step-program.ts'
import { KEPT_BYTES, validationOutputs } from './validate.ts'

/** Bytes. Node, the engine's library and this package, for a model of no size; Node 20 on Linux. */
export const RUNTIME = 200e6
/** A loaded graph: its nodes here and in the engine. */
const PROGRAM = 80e6
/** A loader's thread: Node's heap, and the decoder's buffers. */
const WORKER = 120e6
/** The engine's arena over the values alive in it. */
export const HOLES = 1.25
/** What the system's allocator holds between the blocks of its threads, as a part of all else: after some hundred batches of nine sets. */
const ALLOCATOR = 0.05
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

/** Bytes by what they are for. */
export type MemoryItems = Readonly<Record<string, number>>

/** What the graphs of one shape of a stage are made with. */
export function stepOptions({ optimiser, gradientCheckpointing }: RunCost, stage: Stage, { width, height }: Shape) {
  const { loss, dropPath = 0, accumulate = 1 } = stage
  const frozen = (name: string) => multiplierOf(name, optimiser.multipliers) === 0
  const checkpoints = gradientCheckpointing ? ('recompute' as const) : ('keep' as const)
  return { width, height, batch: stage.batch / accumulate, loss, dropPath, frozen, checkpoints }
}

/** Of one shape of a stage: its step's graph, not compiled, and that of the first pass where a batch is computed in parts. */
export function stepOf(recipe: RunCost, stage: Stage, shape: Shape) {
  const { frozen: _, checkpoints: __, ...options } = stepOptions(recipe, stage, shape)
  const sums = (stage.accumulate ?? 1) > 1 ? Object.values(sumOutputs(recipe.model, options).outputs) : []
  return { ...trainingOutputs(recipe.model, stepOptions(recipe, stage, shape)), sums }
}

/** What the step of one shape needs while it runs. */
export function stepMemory(outputs: Readonly<Record<string, Tensor>>, gradients: readonly Tensor[]): MemoryUse {
  return memoryUse(Object.values(outputs), { parameters: 'fed', bound: gradients })
}

/** The peak of a whole run, item by item: that of the stage that needs most. */
export function runMemory(recipe: RunCost, data: DataSize = {}, loading: LoadingOptions = {}): MemoryItems {
  const stages = recipe.stages.map((stage) => stageMemory(recipe, stage, data, loading))
  return stages.reduce((most, one) => (totalOf(one) > totalOf(most) ? one : most))
}

/** The sum of all items. */
export const totalOf = (items: MemoryItems): number => Object.values(items).reduce((sum, bytes) => sum + bytes, 0)

function stageMemory(
  recipe: RunCost,
  stage: Stage,
  { frames = [null], held = Number.POSITIVE_INFINITY, furnished = false, teacher = null }: DataSize,
  { workers = 1, prefetch = PREFETCH, cacheMegabytes = CACHE_MEGABYTES }: LoadingOptions,
): MemoryItems {
  const shapes = shapesOf(stage)
  const steps = shapes.map((shape) => stepOf(recipe, stage, shape))
  const uses = steps.map(({ outputs, gradients }) => stepMemory(outputs, gradients))
  const values = steps[0].layout.length
  // Passes of one length share their memory.
  const { passes: updates, length: factors } = updatePasses(steps[0].layout, recipe.optimiser)
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
  const passes = steps.map(({ sums }) => (sums.length > 0 ? memoryUse(sums, { parameters: 'fed' }).activations : 0))
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
    programs: PROGRAM * (shapes.length + Number(validates)),
    constants: sum(({ constants }) => constants),
    inputs: sum(({ inputs }) => inputs),
    activations: HOLES * (sum(({ activations }) => activations) + passes.reduce((all, bytes) => all + bytes, 0)),
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
  return PROGRAM + HOLES * use.activations + use.inputs + 2 * weightBytes + use.folded + use.constants
}
