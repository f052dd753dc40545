/**
 * The identity of a run, stored in its checkpoint. It prevents a resume with another seed, learning rate or data set, whose
 * result would belong to neither run. The recipe's name and the model's config are compared by
 * checkpoint.ts, before anything else.
 *
 * A run may go on with another number of processes: its batches are the same, and its figures are equal up to rounding.
 *
 * Data count as the same where they lie elsewhere: compared are the names of all frames, and the pixels of three. Left out: what a
 * run does on the side (validation, minutes, threads).
 */
import { createHash, type Hash } from 'node:crypto'
import type { Dataset } from '../data/index.ts'
import type { Precision } from '../graph/index.ts'
import { DarError } from '../support/errors.ts'
import type { Recipe } from './recipe.ts'

/** What of a data set is compared; of rooms the recipe says everything but their furniture. */
export interface DataContents {
  readonly name: string
  /** Null for rooms, which never end. */
  readonly frames: number | null
  readonly digest: string
}

/** As it is stored: plain data. */
export type RunIdentity = Readonly<Record<string, unknown>>

/** Of a recipe on its data. `ranks`: how many processes share a batch, which changes figures by rounding only. `precision`: of products. */
export function runIdentity(
  { seed, schedule, optimiser, augmentation, stages, data, distil }: Recipe,
  contents: readonly DataContents[],
  { ranks, precision = 'single' }: { readonly ranks: number; readonly precision?: Precision },
): RunIdentity {
  // Single is left out, as it is in the checkpoints of older versions.
  const half = precision === 'half' ? { precision } : {}
  const trained = { seed, schedule, optimiser, augmentation, distil, ranks, ...half }
  const stagesOf = stages.map(({ validationBatch: _, ...stage }) => stage)
  const dataOf = data.map(({ validation: _, ...one }) => one)
  // Through JSON, so that a field that is undefined and one that is absent are the same.
  return JSON.parse(JSON.stringify({ ...trained, stages: stagesOf, data: dataOf, contents }))
}

/** Of the names of a data set's frames, and of the first, the middle and the last as they are read. */
export async function contentsOf(dataset: Dataset & { readonly names?: readonly string[] }): Promise<DataContents> {
  const { name, names, length } = dataset
  const hash = createHash('sha256').update(JSON.stringify([length, names ?? null]))
  for (const index of new Set([0, length >> 1, length - 1])) await addFrame(hash, dataset, index)
  return { name, frames: length, digest: hash.digest('hex').slice(0, 16) }
}

async function addFrame(hash: Hash, dataset: Dataset, index: number): Promise<void> {
  try {
    const { image, depth } = await dataset.get(index)
    hash.update(`${image.width}x${image.height}`).update(image.data)
    if (depth) hash.update(new Uint8Array(depth.data.buffer, depth.data.byteOffset, depth.data.byteLength))
  } catch (error) {
    if (!(error instanceof DarError)) throw error
    hash.update('unread') // training will say why, when its turn comes
  }
}

/** A number that stands for an identity, exact in a float64. */
export function identityNumber(identity: RunIdentity): number {
  return createHash('sha256').update(JSON.stringify(identity)).digest().readUIntBE(0, 6)
}

/** What differs, one item each: `schedule.rate 0.01 instead of 0.001`. */
export function differences(stored: RunIdentity, wanted: RunIdentity): string[] {
  const [before, now] = [leavesOf(stored), leavesOf(wanted)]
  const keys = new Set([...before.keys(), ...now.keys()])
  const text = (value: string | undefined) => value ?? 'nothing'
  return [...keys]
    .filter((key) => before.get(key) !== now.get(key))
    .map((key) => `${key} ${text(now.get(key))} instead of ${text(before.get(key))}`)
}

function leavesOf(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) leavesOf(inner, path === '' ? key : `${path}.${key}`, into)
  else into.set(path, JSON.stringify(value))
  return into
}

/** At most so many differences are named. */
const NAMED = 6

/** Throws a DarError that names the differences. */
export function refuseOtherRun(stored: RunIdentity, wanted: RunIdentity, path: string): void {
  const { ranks: _before, ...before } = stored
  const { ranks: _now, ...now } = wanted
  const found = differences(before, now)
  if (found.length === 0) return
  throw new DarError(
    `${path} is of a run with other settings; this one has ${listText(found)}: change them back, give --force to go on with the new ` +
      'ones, or choose another --out folder',
  )
}

/** The first few of a list, and how many more there are. */
export function listText(items: readonly string[]): string {
  const more = items.length > NAMED ? `, and ${items.length - NAMED} more` : ''
  return `${items.slice(0, NAMED).join(', ')}${more}`
}
