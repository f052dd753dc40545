/**
 * What a run begins with: the weights and the optimiser's state, from a checkpoint or from the start. Rank 0 finds them, and the other
 * ranks get them from it: so all begin with the same bits, and only rank 0 needs the run's folder.
 */
import { DarError } from '../support/errors.ts'
import { checkpointPath, type Progressed, type Stamped } from './checkpoint.ts'
import type { Collective } from './collective.ts'
import type { Layout } from './parameters.ts'
import type { Recipe } from './recipe.ts'
import { checkpointToResume } from './run-files.ts'
import { differences, listText, type RunIdentity, refuseOtherRun } from './run-identity.ts'
import { totalUpdates } from './stages.ts'
import { type StartingFiles, startingWeights } from './starting-weights.ts'

/** All arrays have the layout's length. */
export interface Beginning extends Progressed, Readonly<Record<'params' | 'm' | 'v' | 'ema', Float32Array>> {
  readonly isResumed: boolean
  readonly notes: readonly string[]
}

interface BeginningOptions extends StartingFiles {
  readonly out: string
  readonly resume?: boolean
  readonly force?: boolean
}

/** Reads the checkpoint, or makes the first weights. Throws a DarError as `train`. */
export async function findBeginning(
  options: BeginningOptions,
  layout: Layout,
  recipe: Recipe,
  identity: RunIdentity,
): Promise<Beginning> {
  if (!options.resume) {
    const { params, notes } = await startingWeights(layout, options, { config: recipe.model, seed: recipe.seed })
    const zeros = new Float32Array(layout.length)
    return { params, m: zeros, v: zeros, ema: params, step: 0, seconds: 0, skipped: 0, isResumed: false, notes }
  }
  const saved = await checkpointToResume(options.out, layout, recipe)
  refuseTooFar(saved.step, totalUpdates(recipe), options.out)
  if (saved.run && !options.force) refuseOtherRun(saved.run, identity, checkpointPath(options.out))
  return { ...saved, isResumed: true, notes: resumeNotes(saved, identity, options) }
}

/** Gives rank 0's beginning to all ranks. The notes stay with rank 0, which writes the log. */
export async function shareBeginning(
  collective: Collective,
  { length }: Layout,
  own: Beginning | null,
): Promise<Beginning> {
  if (collective.ranks === 1 && own) return own
  const { scale: ownScale = 0, good: ownGood = 0 } = own?.lossScale ?? {}
  const progress = [own?.step ?? 0, own?.seconds ?? 0, own?.skipped ?? 0, own?.isResumed ? 1 : 0]
  const header = Float64Array.of(...progress, ownScale, ownGood)
  await collective.broadcast(header)
  const [step, seconds, skipped, resumed, scale, good] = header
  const share = async (name: 'params' | 'm' | 'v' | 'ema') => {
    const values = own?.[name] ?? new Float32Array(length)
    await collective.broadcast(values)
    return values
  }
  return {
    params: await share('params'),
    m: await share('m'),
    v: await share('v'),
    ema: await share('ema'),
    step,
    seconds,
    skipped,
    ...(scale > 0 && { lossScale: { scale, good } }),
    isResumed: resumed === 1,
    notes: own?.notes ?? [],
  }
}

function refuseTooFar(step: number, total: number, out: string): void {
  if (step <= total) return
  throw new DarError(
    `the checkpoint in ${out} is of update ${step}, but the recipe has only ${total}; ` +
      'give the recipe its stages back, or start a run of its own with --weights',
  )
}

function resumeNotes(
  { step, run, checked }: Stamped,
  identity: RunIdentity,
  { weights, encoder }: StartingFiles,
): string[] {
  const unread = [weights, encoder].filter((path) => path !== undefined)
  const changed = run ? differences(run, identity) : []
  return [
    `resumed at update ${step}`,
    ...(unread.length > 0 ? [`${unread.join(' and ')} not read: a resumed run has its own weights`] : []),
    ...(changed.length > 0 ? [`goes on with ${listText(changed)}`] : []),
    ...(run
      ? []
      : ['the checkpoint, of an older version, does not say its seed, rates and data: they were not compared']),
    ...(checked ? [] : ['the checkpoint has no checksum: damage to it would go unnoticed']),
  ]
}
