/** What `dar finetune FOLDER` and `dar train finetune --data FOLDER` do: the flags, the progress, and the table at the end. */
import { join } from 'node:path'
import { COMPARED, type Compared, finetune, planFinetune } from '../finetune/index.ts'
import { DarError } from '../support/errors.ts'
import { printable } from '../support/printable.ts'
import { createProgress } from '../support/progress.ts'
import { applySettings } from '../train/index.ts'
import { above0 } from './flag-values.ts'
import { reportedRun, showingOf } from './reported-run.ts'
import { type RunFlags, runOptionsOf } from './run-flags.ts'
import { printPlan } from './train-plan.ts'

/** As commander gives them. */
export interface FinetuneFlags extends RunFlags {
  readonly from?: string
  readonly depthScale?: string
  readonly plan?: boolean
}

/** Throws a DarError for a folder that cannot be learnt from, with all reasons, and whatever `train` refuses. */
export async function finetuneFolder(folder: string, flags: FinetuneFlags): Promise<void> {
  const { from, json = false, resume, force, skipBad, device, precision, set: settings } = flags
  if (from === undefined) throw new DarError('--from is missing; name the model to start from, such as dar-nano')
  const depthScale = above0('--depth-scale', flags.depthScale)
  const { minutes, threads, loading } = runOptionsOf(flags)
  const showing = showingOf(flags)
  const plan = await look(folder, { from, depthScale, silent: json })
  const recipe = applySettings(plan.recipe, settings)
  const { out = join('runs', recipe.name) } = flags
  if (!json) process.stderr.write(`${printable(recipe.summary)}\n`)
  for (const warning of plan.warnings) process.stderr.write(`dar: ${printable(warning)}\n`)
  if (flags.plan) return printPlan(recipe, { data: plan.data, threads, device, precision, loading }, { json })
  const settled = settings.length > 0 ? { settings } : {}
  const { run, compared } = await reportedRun(out, showing, {}, (given) =>
    finetune(
      { ...plan, recipe },
      { ...settled, out, resume, force, skipBad, minutes, threads, device, precision, loading, ...given },
    ),
  )
  if (json) console.log(JSON.stringify({ event: 'finetuned', run, ...compared }))
  else if (compared) process.stdout.write(tableOf(compared))
}

async function look(
  folder: string,
  { from, depthScale, silent }: { readonly from: string; readonly depthScale?: number; readonly silent: boolean },
) {
  let progress: ReturnType<typeof createProgress> | undefined
  try {
    return await planFinetune(folder, {
      from,
      depthScale,
      onProgress: (done, total, frame) => {
        progress ??= createProgress({ total, label: 'frames', silent })
        progress.update(done, frame)
      },
    })
  } finally {
    progress?.done()
  }
}

/** d1 is better when it is larger. */
const RISES = ['d1']

function tableOf({ before, after, images, model, pictures }: Compared): string {
  const rows = COMPARED.map((name) => {
    const [was, is] = [before[name], after[name]]
    const digits = name === 'silog' ? 2 : 4
    const verdict = is === was ? 'the same' : is > was === RISES.includes(name) ? 'better' : 'worse'
    return `${name.padEnd(8)} ${was.toFixed(digits).padStart(8)} ${is.toFixed(digits).padStart(8)}  ${verdict}`
  })
  const gain =
    after.abs_rel < before.abs_rel
      ? []
      : ['nothing was gained on these frames; more frames, or frames of more places, may help']
  const lines = [
    `on ${images} frames held out, which neither trained nor chose:`,
    `${' '.repeat(8)} ${'before'.padStart(8)} ${'after'.padStart(8)}`,
    ...rows,
    ...gain,
    `the model: ${model}`,
    `pictures (photo, truth, before, after): ${pictures.join(', ')}`,
  ]
  return `${printable(lines.join('\n'))}\n`
}
