/**
 * What gradient checkpointing saves: one training step of a preset with and without, each in a process of its own. Derived from the
 * graph, and measured as the process's resident memory at the step's peak. Counted is what the step itself allocates (values of the
 * forward half, gradients on their way, scratch). Not counted are parameters, gradients and the optimiser's state, which
 * are the same with and without. Linux only. `DAR_STEP` names preset, size and batch: `dar-small 280x224 1` by default.
 */
import { runInProcess } from '../src/support/processes.ts'
import type { StepMeasured, StepRequest } from './checkpointing-child.ts'
import type { Row } from './report.ts'

const HOW = ['keep', 'recompute'] as const

export async function benchCheckpointing(): Promise<Row[]> {
  const [preset, size, batch] = (process.env.DAR_STEP ?? 'dar-small 280x224 1').split(' ')
  const [width, height] = size.split('x').map(Number)
  const request = { preset, width, height, batch: Number(batch), threads: 2 }
  const measured = async (checkpoints: StepRequest['checkpoints']) =>
    (await runInProcess('checkpointing-child', import.meta.url, { ...request, checkpoints })) as StepMeasured
  const [keep, again] = [await measured('keep'), await measured('recompute')]
  if (again.loss !== keep.loss) throw new Error(`the loss is ${again.loss} with checkpointing, ${keep.loss} without`)
  const saved = (what: 'derived' | 'measured') => 100 * (1 - again[what] / keep[what])
  return [
    ...[keep, again].flatMap((one, i): Row[] => [
      { name: `${HOW[i]}: derived`, value: one.derived / 1e6, unit: 'MB' },
      { name: `${HOW[i]}: measured`, value: one.measured / 1e6, unit: 'MB' },
      { name: `${HOW[i]}: time`, value: one.seconds, unit: 's' },
    ]),
    { name: 'saved, derived', value: saved('derived'), unit: '%', target: 40 },
    { name: 'saved, measured', value: saved('measured'), unit: '%', target: 40 },
    { name: 'time with / without', value: again.seconds / keep.seconds, unit: 'ratio' },
  ]
}
