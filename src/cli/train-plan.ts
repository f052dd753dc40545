/** What `dar train --plan` prints for people: a run's size, memory and time, before it starts. */
import { printable } from '../support/printable.ts'
import { durationText } from '../support/progress.ts'
import { type Plan, type PlanOptions, planRun, type Recipe } from '../train/index.ts'

/** Measures, and prints what the run will take. Throws a DarError as `planRun`. */
export async function printPlan(
  recipe: Recipe,
  options: PlanOptions,
  { json = false }: { readonly json?: boolean } = {},
) {
  const plan = await planRun(recipe, options)
  process.stdout.write(`${json ? JSON.stringify(plan, null, 2) : planText(plan)}\n`)
}

/** Several lines, without the last line's end. */
function planText(plan: Plan): string {
  const { parameters, memory, stages, data, ranks, overlap } = plan
  const { carried, exchange } = memory.items
  const of = overlap ? ` with --overlap ${overlap}` : ''
  const lines = [
    `${plan.recipe}: ${whole(plan.updates)} updates, ${whole(plan.images)} images`,
    `parameters  ${whole(parameters.total)}, of which ${whole(parameters.trained)} are trained`,
    `memory      ${giga(memory.total)} GB at the peak${ranks > 1 ? ' of rank 0' : ''}: ${itemsText(memory.items)}`,
    ...(ranks > 1
      ? [
          `processes   ${ranks}${of}; of the memory, sums over them take ${giga(exchange)} GB, and ${giga(carried)} GB is carried between programs`,
        ]
      : []),
    `arithmetic  ${(plan.flops / 1e15).toPrecision(3)} PFLOPs in all`,
    ...stages.flatMap(({ updates, batch, shapes }, i) => [
      `stage ${i + 1}     ${whole(updates)} updates of ${batch} images`,
      ...shapes.map(
        (one) =>
          `  ${one.width}×${one.height}: ${whole(one.updates)} updates of ${(one.flops / 1e12).toPrecision(3)} TFLOPs, ${giga(one.activations)} GB of values; ${timesText(one)}`,
      ),
    ]),
    'data',
    ...data.map((one) => `  ${dataText(one)}`),
    `validation  ${whole(plan.validations)} times, on ${whole(data.reduce((sum, { held }) => sum + held, 0))} frames`,
    plan.seconds === null
      ? 'time        not known'
      : `time        about ${durationText(plan.seconds)} on this machine, as it is busy now`,
    ...plan.notes.map((note) => `note: ${note}`),
  ]
  return lines.map(printable).join('\n')
}

const whole = (n: number): string => n.toLocaleString('en-US')
const giga = (bytes: number): string => (bytes / 1e9).toFixed(2)

/** The largest first; what is less than a hundredth of the whole is left out. */
function itemsText(items: Plan['memory']['items']): string {
  const all = Object.values(items).reduce((sum, bytes) => sum + bytes, 0)
  return Object.entries(items)
    .filter(([, bytes]) => bytes >= all / 100)
    .sort(([, a], [, b]) => b - a)
    .map(([name, bytes]) => `${name} ${giga(bytes)}`)
    .join(', ')
}

function timesText({ stepSeconds, batchSeconds }: Plan['stages'][number]['shapes'][number]): string {
  if (stepSeconds === null) return 'not measured'
  const made = batchSeconds === null ? '' : `, its batch ${batchSeconds.toFixed(2)} s`
  return `an update takes ${stepSeconds.toFixed(2)} s${made}`
}

function dataText({ name, weight, images, frames, held, epochs, problem }: Plan['data'][number]): string {
  const share = `${name}: weight ${weight}, ${whole(images)} images`
  if (problem !== null) return `${share}; missing: ${problem}`
  const of = frames === null ? 'no end' : `${whole(frames)} frames, ${(epochs ?? 0).toFixed(1)} epochs`
  return `${share}, ${of}${held > 0 ? `, ${whole(held)} held out` : ''}`
}
