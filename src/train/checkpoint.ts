/**
 * Checkpoints: one safetensors file with parameters, their moving average and the optimiser's moments, written whole or not
 * at all; and the model file that others load, the moving average in float16. Tensors are named `<kind>/<parameter>` with
 * the kinds of `STORED`; the metadata hold the recipe's name, the updates done, the seconds taken, the model's config and, as
 * `run`, what else the run is known by (run-identity.ts).
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { configText, type DarConfig, type FlatConfig, flatConfig, parseConfig } from '../model/index.ts'
import { type NamedValues, readWeights, storedConfig, writeWeights } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'
import type { LossScaleState } from './loss-scale.ts'
import type { TrainingState } from './optimiser.ts'
import type { Layout } from './parameters.ts'
import type { RunIdentity } from './run-identity.ts'

const STORED = ['params', 'ema', 'm', 'v'] as const
type Stored = Record<(typeof STORED)[number], Float32Array>

export interface Progressed {
  /** Updates done, which is also the number of the next one. */
  readonly step: number
  /** Seconds of training so far, over all sessions. */
  readonly seconds: number
  /** Updates that were left out because their batch was bad. */
  readonly skipped: number
  /** Of half precision; absent with single. */
  readonly lossScale?: LossScaleState
}

/** The run and model of a checkpoint. */
export interface Belonging {
  readonly config: DarConfig
  /** The recipe's name. */
  readonly recipe: string
}

export const checkpointPath = (folder: string): string => join(folder, 'checkpoint.safetensors')
export const modelPath = (folder: string): string => join(folder, 'model.safetensors')
/** The model that a recipe's `best` has chosen. */
export const bestModelPath = (folder: string): string => join(folder, 'model-best.safetensors')

/**
 * Writes model.safetensors, then checkpoint.safetensors, each complete or as it was before. `predictSizes`, `WIDTHxHEIGHT`
 * with commas between, are the image sizes that the model was trained at last. Throws a DarError when the folder cannot be written.
 */
export async function writeCheckpoint(
  folder: string,
  layout: Layout,
  state: TrainingState,
  progressed: Progressed,
  { run, ...belonging }: Belonging & { readonly predictSizes: string; readonly run?: RunIdentity },
): Promise<void> {
  const arrays = Object.fromEntries(
    await Promise.all(STORED.map(async (name) => [name, await state[name].read()] as const)),
  ) as Stored
  const named = STORED.flatMap((kind) => split(layout, arrays[kind], `${kind}/`))
  const { skipped, lossScale } = progressed
  const metadata = metadataOf(progressed, belonging)
  // The model first: where a kill comes between the two, the run goes on from the checkpoint before and writes the model again. The other
  // way round, a run killed at its end would keep an older model for good, because a checkpoint of the last update leaves nothing to do.
  await writeWeights(modelPath(folder), split(layout, arrays.ema), metadata, { dtype: 'F16' })
  await writeWeights(checkpointPath(folder), named, {
    ...metadata,
    ...(skipped > 0 && { skipped: `${skipped}` }),
    ...(lossScale && { lossScale: JSON.stringify(lossScale) }),
    ...(run && { run: JSON.stringify(run) }),
  })
}

/** What chose a model: the mean of a figure over the frames held out for it. */
export interface Chosen {
  readonly metric: string
  readonly figure: number
}

/** Writes model-best.safetensors, whole or not at all. `weights` are those of the layout. Throws a DarError as `writeCheckpoint`. */
export async function writeBest(
  folder: string,
  layout: Layout,
  weights: Float32Array,
  progressed: Progressed,
  { best, ...belonging }: Belonging & { readonly predictSizes: string; readonly best: Chosen },
): Promise<void> {
  const metadata = { ...metadataOf(progressed, belonging), best: JSON.stringify(best) }
  await writeWeights(bestModelPath(folder), split(layout, weights), metadata, { dtype: 'F16' })
}

/** The best model so far. */
export interface Best {
  /** By which it was chosen. */
  readonly figure: number
  /** Updates done when it was. */
  readonly step: number
}

/** What is known of the best model in the folder; null when there is none, or one of another recipe or figure. */
export async function readBest(folder: string, recipe: string, metric: string): Promise<Best | null> {
  const path = bestModelPath(folder)
  if (!existsSync(path)) return null
  const { metadata } = await readWeights(path)
  if (metadata.recipe !== recipe || metadata.best === undefined) return null
  const best: unknown = JSON.parse(metadata.best)
  const isChosen = typeof best === 'object' && best !== null && 'metric' in best && 'figure' in best
  if (!isChosen || best.metric !== metric || typeof best.figure !== 'number') return null
  return { figure: best.figure, step: Number(metadata.step) }
}

function metadataOf(
  { step, seconds }: Progressed,
  { config, recipe, predictSizes }: Belonging & { readonly predictSizes: string },
) {
  return { recipe, step: `${step}`, seconds: seconds.toFixed(1), config: configText(config), predictSizes }
}

function split(layout: Layout, values: Float32Array, prefix = ''): NamedValues[] {
  return layout.entries.map(({ name, shape, offset, length }) => ({
    name: prefix + name,
    shape,
    // A view: with the moments there are four times the parameters in hand already.
    values: new Float32Array(values.buffer as ArrayBuffer, values.byteOffset + 4 * offset, length),
  }))
}

/** What a checkpoint says beside its values. */
export interface Stamped extends Progressed {
  /** What else the run is known by; null in the files of older versions. */
  readonly run: RunIdentity | null
  /** Whether the file had a checksum, which then matched. */
  readonly checked: boolean
}

/**
 * The state to go on from. Throws a DarError when there is no checkpoint in the folder, when it is of another recipe or
 * another model config, and when a tensor is missing or has another shape.
 */
export async function readCheckpoint(
  folder: string,
  layout: Layout,
  { recipe, config }: Belonging,
): Promise<Stored & Stamped> {
  const path = checkpointPath(folder)
  if (!existsSync(path))
    throw new DarError(`there is no checkpoint ${path} to go on from; check --out, or start anew without --resume`, {
      kind: 'missing',
    })
  const weights = await readWeights(path)
  const { metadata, values, shapes } = weights
  if (metadata.recipe !== recipe)
    throw new DarError(`${path} belongs to recipe ${metadata.recipe}, not ${recipe}; choose another --out folder`)
  refuseOtherConfig(flatConfig(parseConfig(storedConfig(weights, path), path)), flatConfig(config), path)
  const whole = (kind: string): Float32Array => {
    const all = new Float32Array(layout.length)
    for (const { name, shape, offset } of layout.entries) {
      const part = values.get(`${kind}/${name}`)
      if (!part || shapes.get(`${kind}/${name}`)?.join() !== shape.join())
        throw new DarError(`${path}: ${kind}/${name} is missing or of another shape; start anew without --resume`)
      all.set(part, offset)
    }
    return all
  }
  const step = Number(metadata.step)
  const seconds = Number(metadata.seconds)
  if (!Number.isInteger(step) || step < 0 || !(seconds >= 0))
    throw new DarError(`${path}: its metadata name no update to go on from; start anew without --resume`)
  const stored = { params: whole('params'), ema: whole('ema'), m: whole('m'), v: whole('v') }
  const skipped = Number(metadata.skipped ?? 0)
  const lossScale = storedScale(metadata.lossScale, path)
  return { ...stored, step, seconds, skipped, lossScale, run: storedRun(metadata.run, path), checked: weights.checked }
}

function storedScale(text: string | undefined, path: string): LossScaleState | undefined {
  if (text === undefined) return undefined
  const { scale, good } = JSON.parse(text) as Partial<LossScaleState>
  if (typeof scale === 'number' && scale >= 1 && typeof good === 'number' && good >= 0) return { scale, good }
  throw new DarError(`${path}: its metadata hold no scale of the loss; start anew without --resume`)
}

function storedRun(text: string | undefined, path: string): RunIdentity | null {
  if (text === undefined) return null
  try {
    const run: unknown = JSON.parse(text)
    if (typeof run === 'object' && run !== null) return run as RunIdentity
  } catch {
    // said below
  }
  throw new DarError(`${path}: its metadata do not say what run it is of; start anew without --resume`)
}

/** Two configs may share every shape and still be other models: other bins, another window, another range of depth. */
function refuseOtherConfig(stored: FlatConfig, wanted: FlatConfig, path: string): void {
  const keys = Object.keys(wanted) as (keyof FlatConfig)[]
  const differing = keys.filter((key) => JSON.stringify(stored[key]) !== JSON.stringify(wanted[key]))
  if (differing.length === 0) return
  const list = differing.map((key) => `${key} ${JSON.stringify(stored[key])} instead of ${JSON.stringify(wanted[key])}`)
  throw new DarError(
    `${path} is of another model config: ${list.join(', ')}; change the recipe back, or start a run in another --out ` +
      'folder with --weights and its model.safetensors',
  )
}
