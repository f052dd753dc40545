/**
 * Which weights of a run stay on the disk beside its last checkpoint: the checkpoints before it (`keepCheckpoints`), and the model
 * that was best by frames held out for that choice (`best`).
 */
import { copyFile, link, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cannotWrite } from '../support/cannot-write.ts'
import { syncFolder } from '../support/files.ts'
import type { SetFigures } from './validate.ts'

const EARLIER = /^checkpoint-(\d+)\.safetensors$/

const earlierPath = (folder: string, step: number): string => join(folder, `checkpoint-${step}.safetensors`)

/** The earlier checkpoints in a folder, the newest first. */
export async function earlierCheckpoints(folder: string): Promise<{ readonly step: number; readonly path: string }[]> {
  const steps = (await readdir(folder)).flatMap((file) => EARLIER.exec(file)?.[1] ?? []).map(Number)
  return steps.sort((a, b) => b - a).map((step) => ({ step, path: earlierPath(folder, step) }))
}

/**
 * Gives the checkpoint of update `step` a second name before the next one takes its place. The bytes stay where they are, so this costs
 * no room until the next checkpoint is written, and at every moment `checkpoint.safetensors` is whole.
 * Throws a DarError when the folder cannot be written.
 */
export async function keepEarlier(folder: string, checkpoint: string, step: number): Promise<void> {
  const path = earlierPath(folder, step)
  try {
    await rm(path, { force: true })
    // A disk without hard links gets a copy.
    await link(checkpoint, path).catch(() => copyFile(checkpoint, path))
    await syncFolder(folder)
  } catch (error) {
    throw cannotWrite(path, error)
  }
}

/** Removes all earlier checkpoints but the newest `count`. */
export async function dropEarlier(folder: string, count: number): Promise<void> {
  for (const { path } of (await earlierCheckpoints(folder)).slice(count)) await rm(path, { force: true })
}

/** A figure that can choose a model, of those that validation gives. */
export type BestMetric = 'abs_rel' | 'silog' | 'rmse' | 'd1'
export const BEST_METRICS = ['abs_rel', 'silog', 'rmse', 'd1'] as const satisfies readonly BestMetric[]

/** d1 is a share of good pixels; the others are errors. */
const RISES: readonly BestMetric[] = ['d1']

/** The mean over the sets named in `choosing`, each counted once however many images it has. */
export function figureOf(sets: readonly SetFigures[], choosing: readonly string[], metric: BestMetric): number {
  const chosen = sets.filter(({ set }) => choosing.includes(set))
  return chosen.reduce((sum, { metrics }) => sum + metrics[metric], 0) / chosen.length
}

/** Whether `figure` is better than the best so far. One that is not finite never is. */
export function isBetter(figure: number, best: number | null, metric: BestMetric): boolean {
  if (!Number.isFinite(figure)) return false
  if (best === null) return true
  return RISES.includes(metric) ? figure > best : figure < best
}
