/** `train`: a recipe's run from its folder, its lock and its engine to their end. The loop itself is in run.ts. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Engine } from '../runtime/engine.ts'
import { DarError } from '../support/errors.ts'
import { lockFolder } from '../support/folder-lock.ts'
import { makeFolderSync } from '../support/folders.ts'
import { checkpointPath } from './checkpoint.ts'
import { ALONE } from './collective.ts'
import { openTeacher } from './distil.ts'
import { featuresFolder } from './features.ts'
import { Owner } from './owner.ts'
import { parseRecipe, type Recipe } from './recipe.ts'
import { Run } from './run.ts'
import type { TrainResult } from './run-log.ts'
import { resolveData } from './sources.ts'
import { refuseTooLarge, refuseUnshareable } from './stages.ts'
import type { TrainOptions } from './train-options.ts'

export type { TrainOptions } from './train-options.ts'

/**
 * Runs a recipe to its end, its time or its interruption; each leaves a checkpoint and a model in `out`.
 *
 * Throws a DarError for a recipe, data folder or weights file that is wrong, for a checkpoint that is in the way, not there or of
 * another run, for an `out` that another run is writing to, when the data have no depth, and when the loss is no longer finite. In
 * the last case, and when a frame cannot be read or the log not be written, the state before the failing update is kept in `out`,
 * unless the weights themselves have diverged: then the checkpoint before is left as it is.
 */
export async function train(recipe: Recipe, options: TrainOptions): Promise<TrainResult> {
  const checked = parseRecipe(recipe, `recipe ${recipe.name}`)
  const {
    out,
    resume = false,
    skipBad = false,
    threads,
    device,
    loading = {},
    collective = ALONE,
    overlap = null,
  } = options
  const writes = collective.rank === 0
  refuseTooLarge(checked, collective.ranks)
  refuseUnshareable(checked, { ranks: collective.ranks, overlap, device })
  if (writes && !resume && existsSync(checkpointPath(out)))
    throw new DarError(`${out} holds a checkpoint; go on with --resume, or choose another --out`)
  if (skipBad && collective.ranks > 1)
    throw new DarError(
      'a rank that skips a batch would leave the others waiting; train in one process, or without --skip-bad',
    )
  const data = await resolveData(checked, options.data)
  const { distil, model } = checked
  const teacher = distil ? await openTeacher(distil, model, (path) => resolve(options.data, path)) : null
  if (writes) makeFolderSync(out)
  const lock = writes ? lockFolder(out, `training of ${checked.name}`) : null
  // Each shape of a stage has a program, and each program an arena that never shrinks.
  const engine = new Engine({ threads, provider: device, memory: 'pieces' })
  const owner = new Owner()
  try {
    const run = await Run.open(owner, options, {
      engine,
      recipe: checked,
      data,
      loading,
      collective,
      overlap,
      features: featuresFolder(out),
      teacher,
      precision: options.precision ?? 'single',
      atUnreadable: skipBad ? 'go on' : 'end',
    })
    return await run.loop()
  } finally {
    // The thread first: this frees all memory at once, and works even when the thread no longer answers.
    await engine.dispose()
    await owner.dispose()
    await lock?.dispose()
  }
}
