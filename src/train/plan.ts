/**
 * What a run will take, told before it starts: parameters, memory, arithmetic, images, epochs, and how long, from a few updates that are
 * made and thrown away. Nothing is written. What can be known without the data is known without them.
 */
import { resolve } from 'node:path'
import { type LoadingOptions, ROOM_POOL } from '../data/index.ts'
import { flopsOf, nodesPerRun, type Precision, type Stage as Program } from '../graph/index.ts'
import { refuseWrongOnWebGpu } from '../model/index.ts'
import { Engine } from '../runtime/engine.ts'
import type { Provider } from '../runtime/protocol.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { deviceNotes, productsOn } from './device-notes.ts'
import { openTeacher } from './distil.ts'
import { multiplierOf } from './groups.ts'
import { type MemoryItems, runMemory, STEP_HOLES, stepMemory, stepOf, totalOf } from './memory.ts'
import { measureUpdates } from './plan-measure.ts'
import { nameOfData, type Recipe } from './recipe.ts'
import { resolveOne } from './sources.ts'
import type { Overlap } from './staged-step.ts'
import { refuseUnshareable, shapesOf, totalUpdates, turnAt } from './stages.ts'
import { modelLayout } from './step-program.ts'

/** One shape of a stage. */
export interface PlannedShape {
  readonly width: number
  readonly height: number
  readonly updates: number
  /** Of one update. */
  readonly flops: number
  /** Bytes alive at the peak of its step on one rank, without the weights. */
  readonly activations: number
  /** The step and the optimiser; null when not measured. */
  readonly stepSeconds: number | null
  /** Making a batch, one thread; null when not measured. */
  readonly batchSeconds: number | null
}

/** A part of the run. */
export interface PlannedStage {
  readonly updates: number
  readonly batch: number
  readonly shapes: readonly PlannedShape[]
}

/** One source of the training stream. */
export interface PlannedData {
  readonly name: string
  readonly weight: number
  /** Images of it that the run shows. */
  readonly images: number
  /** To train on; null for rooms, which never end, and where it could not be opened. */
  readonly frames: number | null
  readonly held: number
  readonly epochs: number | null
  /** Why it could not be opened; null when it could. */
  readonly problem: string | null
}

/** What a run will take. */
export interface Plan {
  readonly recipe: string
  readonly parameters: { readonly total: number; readonly trained: number }
  /** Processes that share every batch equally. */
  readonly ranks: number
  readonly overlap: Overlap | null
  readonly updates: number
  readonly images: number
  /** Of the whole run: two for each multiply-add of a matrix product or convolution. */
  readonly flops: number
  /** Bytes of the process at its peak, and what they are made of. Of several: rank 0, which validates and writes. */
  readonly memory: { readonly total: number; readonly items: MemoryItems }
  readonly stages: readonly PlannedStage[]
  readonly data: readonly PlannedData[]
  readonly validations: number
  /** Of the whole run; null when it was not measured. */
  readonly seconds: number | null
  /** What the time is not known for, or does not hold. */
  readonly notes: readonly string[]
}

/** How a run would be started. */
export interface PlanOptions {
  /** Folder that the recipe's data paths are relative to. */
  readonly data: string
  readonly threads?: number
  /** What the measured updates run on; default `cpu`. */
  readonly device?: Provider
  /** Of their products; default `single`. */
  readonly precision?: Precision
  readonly loading?: LoadingOptions
  /** Processes of the run; default 1. One of them is planned and measured. */
  readonly ranks?: number
  /** As in `train`; default null. */
  readonly overlap?: Overlap | null
  /** Bytes that a measurement may take; none is made that needs more. Default: what the system has free. */
  readonly room?: number
}

/**
 * Throws a DarError when a graph cannot be built, and one of kind `missing` when the machine does not have the device. Data that cannot
 * be opened are told of, in `problem`.
 */
export async function planRun(
  recipe: Recipe,
  {
    data: root,
    threads,
    device = 'cpu',
    precision = 'single',
    loading = {},
    room,
    ranks = 1,
    overlap = null,
  }: PlanOptions,
): Promise<Plan> {
  refuseUnshareable(recipe, { ranks, overlap, device })
  if (device === 'webgpu')
    refuseWrongOnWebGpu(modelLayout(recipe.model, recipe.stages[0]).entries, recipe.name, 'train on the CPU')
  const sharing = { ranks, overlap }
  /** What one rank computes. */
  const own = { ...recipe, stages: recipe.stages.map((stage) => ({ ...stage, batch: stage.batch / ranks })) }
  const opened = await Promise.all(recipe.data.map((one) => openOne(one, root)))
  const data = shares(recipe, opened)
  const held = data.reduce((sum, one) => sum + one.held, 0)
  const known = data.every(({ problem }) => problem === null)
  const frames = recipe.data.map(({ kind }, i) => (kind === 'rooms' ? ROOM_POOL : data[i].frames))
  const furnished = recipe.data.some((one) => one.kind === 'rooms' && one.furniture !== undefined)
  const validations = held > 0 || !known ? validationsOf(recipe) : 0
  const { distil, model } = recipe
  const teacher = distil ? await openTeacher(distil, model, (path) => resolve(root, path)) : null
  const items = runMemory(own, { frames, furnished, teacher, ...(known && { held }) }, loading, sharing)
  const free = room ?? process.availableMemory()
  const notes = await notesOf(recipe, device, precision)
  if (teacher) notes.push("the teacher's FLOPs are not counted, its memory and time are")
  const stages: PlannedStage[] = []
  if (ranks > 1) notes.push('the time that sums over the processes take is not in it')
  else if (overlap) notes.push(`one process has nothing to overlap: start the plan as the run, with mpiexec -n N`)
  for (const stage of own.stages) {
    const shapes: PlannedShape[] = []
    const { before } = turnAt(stage, stage.updates)
    for (const [i, shape] of shapesOf(stage).entries()) {
      const step = stepOf(own, stage, shape, sharing)
      const { uses, carried } = stepMemory(step)
      const values = uses.map(({ activations }) => activations)
      const flops = ranks * (stage.accumulate ?? 1) * sumOf(step.programs.map(flopsOfRun))
      const needed = items.runtime + items.state + items.programs + items.update + STEP_HOLES * sumOf(values) + carried
      const fits = needed <= free
      if (!fits)
        notes.push(
          `${shape.width}×${shape.height}, batch ${stage.batch}: not measured, because it needs ${gigabytes(needed)} and ${gigabytes(free)} are free here`,
        )
      const sources = known ? opened.flatMap((one) => ('source' in one ? [one.source] : [])) : null
      const measured = fits
        ? await measureUpdates(own, stage, shape, {
            sources,
            threads,
            device,
            products: productsOn(device, precision),
            teacher,
            ...sharing,
          })
        : null
      shapes.push({
        ...shape,
        updates: before[i],
        flops,
        activations: Math.max(...values) + carried,
        stepSeconds: measured?.step ?? null,
        batchSeconds: measured?.batch ?? null,
      })
    }
    stages.push({ updates: stage.updates, batch: ranks * stage.batch, shapes })
  }
  const all = stages.flatMap(({ shapes }) => shapes)
  const seconds = all.every(({ stepSeconds }) => stepSeconds !== null)
    ? all.reduce((sum, one) => sum + one.updates * Math.max(one.stepSeconds ?? 0, one.batchSeconds ?? 0), 0)
    : null
  if (seconds !== null && validations > 0) notes.push(`the time of ${validations} validations is not in it`)
  if (recipe.patience !== undefined)
    notes.push(`this is the longest that it takes: ${recipe.patience} validations without a better one end it`)
  if (seconds !== null && !known) notes.push('measured on noise: the time that reading the data takes is not in it')
  return {
    recipe: recipe.name,
    parameters: countParameters(recipe),
    ranks,
    overlap,
    updates: totalUpdates(recipe),
    images: imagesOf(recipe),
    flops: all.reduce((sum, one) => sum + one.updates * one.flops, 0),
    memory: { total: totalOf(items), items },
    stages,
    data,
    validations,
    seconds,
    notes,
  }
}

/** What the device lacks, and what the plan does not say of it. */
async function notesOf(recipe: Recipe, device: Provider, precision: Precision): Promise<string[]> {
  if (device === 'cpu') return []
  await using engine = new Engine({ provider: device, memory: 'pieces' })
  return [
    ...(await deviceNotes(engine, recipe, { precision })),
    `times are of ${device}; memory is that of a run on the CPU, and of ${device} less of it is in the process`,
  ]
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0)
const flopsOfRun = ({ outputs, given }: Program): number =>
  sumOf(nodesPerRun(Object.values(outputs), { parameters: 'fed', given }).map(flopsOf))
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
const imagesOf = ({ stages }: Recipe): number => stages.reduce((sum, { updates, batch }) => sum + updates * batch, 0)

/** One every `validateEvery` updates, and one at the end. */
function validationsOf(recipe: Recipe): number {
  return Math.ceil(totalUpdates(recipe) / recipe.validateEvery)
}

function countParameters({ model, stages, optimiser }: Recipe): Plan['parameters'] {
  const { entries, length } = modelLayout(model, stages[0])
  const frozen = entries.filter(({ name }) => multiplierOf(name, optimiser.multipliers) === 0)
  return { total: length, trained: length - frozen.reduce((sum, entry) => sum + entry.length, 0) }
}

type Opened = Awaited<ReturnType<typeof resolveOne>> | { readonly problem: string }

async function openOne(one: Recipe['data'][number], root: string): Promise<Opened> {
  try {
    return await resolveOne(one, root)
  } catch (error) {
    if (!(error instanceof DarError)) throw error
    return { problem: messageOf(error) }
  }
}

function shares(recipe: Recipe, opened: readonly Opened[]): PlannedData[] {
  const all = recipe.data.reduce((sum, { weight }) => sum + weight, 0)
  return recipe.data.map((one, i) => {
    const found = opened[i]
    const name = nameOfData(one)
    const images = (imagesOf(recipe) * one.weight) / all
    const common = { name, weight: one.weight, images: Math.round(images) }
    if ('problem' in found) return { ...common, frames: null, held: 0, epochs: null, problem: found.problem }
    const { frames } = found.contents
    const choosing = 'choosing' in found ? (found.choosing?.length ?? 0) : 0
    const held = (found.validation?.length ?? 0) + choosing
    return { ...common, frames, held, epochs: frames === null ? null : images / frames, problem: null }
  })
}
