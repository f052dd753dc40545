/** The weights that a new run starts from: initial values, replaced by those of files where the files have them. */
import type { DarConfig } from '../model/index.ts'
import { openPretrained, reportOf } from '../pretrained/index.ts'
import { readWeights } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'
import { initialise, type Layout, loadInto } from './parameters.ts'

/** Files to start from. */
export interface StartingFiles {
  /** Weights to start from: a model file, whose names are the model's. */
  readonly weights?: string
  /** Encoder weights to start from, under our names or those of a public scheme (the PRETRAINED room reads it). */
  readonly encoder?: string
}

/**
 * The values of the layout, and notes on what the files had. Throws a DarError when a file cannot be read, does not fit the
 * model, or has nothing for it.
 */
export async function startingWeights(
  layout: Layout,
  { weights, encoder }: StartingFiles,
  { config, seed }: { readonly config: DarConfig; readonly seed: number },
): Promise<{ readonly params: Float32Array; readonly notes: readonly string[] }> {
  const params = initialise(layout, seed)
  const notes: string[] = []
  if (weights) notes.push(await loadModel(params, layout, weights))
  if (encoder) notes.push(...(await loadEncoder(params, layout, encoder, config)))
  return { params, notes }
}

async function loadModel(params: Float32Array, layout: Layout, path: string): Promise<string> {
  const { loaded, missing, unused } = loadInto(params, layout, await readWeights(path), { source: path })
  if (loaded.length === 0)
    throw new DarError(`${path} has no tensor that this model has; is it the right file?`, { kind: 'model' })
  return loadNote(path, loaded.length, missing.length, unused.length)
}

/** The encoder's part of any file that the PRETRAINED room reads. */
async function loadEncoder(
  params: Float32Array,
  { entries }: Layout,
  path: string,
  config: DarConfig,
): Promise<string[]> {
  const targets = new Map(entries.map(({ name, shape }) => [name, shape]))
  await using file = await openPretrained(path, { config, targets, parts: ['encoder'] })
  const { origins, left, skipped } = file.plan
  for (const { name, offset } of entries) if (origins.has(name)) params.set(await file.read(name), offset)
  const resized = reportOf(file.plan).resized.map(
    ({ name, from, to }) => `${path}: ${name} resized from ${from} to ${to}`,
  )
  return [loadNote(path, origins.size, left.length, skipped.length), ...resized]
}

const loadNote = (path: string, loaded: number, left: number, unused: number) =>
  `${path}: ${loaded} tensors loaded, ${left} left as initialised, ${unused} not used`
