/**
 * Logs of training runs for docs/log.
 *
 *     npx tsx scripts/log.ts thin runs/NAME/log.jsonl docs/log/MODEL/NAME.jsonl     under 60 lines of what `dar train` wrote
 *     npx tsx scripts/log.ts page docs/log/MODEL                                    MODEL/curves.svg from all of its logs
 *
 * A thinned log has one event a line, as the trainer's own: `start`, `validation` and `end` as they were, and of the updates the
 * mean over every `of` of them. Validations keep abs_rel, d1, rmse and silog, and the abs_rel of every step.
 */
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { escapeHtml, type Line, lineChart } from '../src/eval/charts.ts'
import { writeFileAtomically } from '../src/support/files.ts'
import type { TrainEvent } from '../src/train/index.ts'

const MOST_LINES = 59
/** What says little of how a run went. */
const LEFT_OUT: ReadonlySet<TrainEvent['event']> = new Set(['checkpoint', 'norms'])
const KEPT = ['abs_rel', 'd1', 'rmse', 'silog'] as const

type Step = Extract<TrainEvent, { event: 'step' }>
type Validation = Extract<TrainEvent, { event: 'validation' }>

async function readLog(path: string): Promise<TrainEvent[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  return lines.flatMap((line) => parsed(line) ?? [])
}

/** Null for a line that a kill has torn. */
function parsed(line: string): TrainEvent | null {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

const five = (value: number) => Number(value.toPrecision(5))
const mean = (values: readonly number[]) => five(values.reduce((sum, value) => sum + value, 0) / values.length)

function meanOf(steps: readonly Step[]) {
  const { event, step, rate, seconds } = steps[steps.length - 1]
  return {
    event,
    step,
    of: steps.length,
    loss: mean(steps.map(({ loss }) => loss)),
    terms: steps[0].terms.map((_, k) => mean(steps.map(({ terms }) => terms[k]))),
    rate,
    norm: mean(steps.map(({ norm }) => norm)),
    imagesPerSecond: mean(steps.map(({ imagesPerSecond }) => imagesPerSecond)),
    seconds,
  }
}

function fewer({ event, step, seconds, sets }: Validation) {
  return {
    event,
    step,
    seconds,
    sets: sets.map(({ set, images, metrics, steps }) => ({
      set,
      images,
      metrics: Object.fromEntries(KEPT.map((name) => [name, metrics[name]])),
      steps: steps.map(({ abs_rel }) => ({ abs_rel })),
    })),
  }
}

/** Merges updates in groups of equal length. Validations do not split a group. */
function thinned(events: readonly TrainEvent[]): object[] {
  const steps = events.filter((event) => event.event === 'step')
  const others = events.filter(({ event }) => event !== 'step' && !LEFT_OUT.has(event))
  const size = Math.ceil(steps.length / Math.max(1, MOST_LINES - others.length))
  let group: Step[] = []
  const lines: object[] = []
  const close = () => {
    if (group.length > 0) lines.push(meanOf(group))
    group = []
  }
  for (const event of events) {
    if (event.event === 'step') {
      group.push(event)
      if (group.length === size) close()
    } else if (event.event === 'validation') lines.push(fewer(event))
    else if (!LEFT_OUT.has(event.event)) lines.push(event)
  }
  close()
  return lines
}

const COLOURS = ['#1f6fb4', '#d1495b', '#3a8a4d', '#8a5fbf', '#c77d0a', '#3aa6a6', '#6b6b6b', '#a0522d']
const [WIDTH, HEIGHT, TITLE] = [480, 262, 42]

/** One row of a page: the training figures and the validation figures. */
function row(name: string, events: readonly TrainEvent[], top: number): string {
  const steps = events.filter((event) => event.event === 'step')
  const validations = events.filter((event) => event.event === 'validation')
  const count = steps[0].terms.length
  const term = (k: number) => steps.map(({ step, terms }) => [step, terms[k]] as const)
  const training: Line[] = [0, count - 1].map((k, i) => ({
    label: `step ${k + 1}`,
    colour: COLOURS[i],
    points: term(k),
  }))
  const sets = [...new Set(validations.flatMap(({ sets }) => sets.map(({ set }) => set)))]
  const heldOut: Line[] = sets.map((set, i) => ({
    label: set,
    colour: COLOURS[i],
    points: validations.flatMap(({ step, sets }) =>
      sets.filter((one) => one.set === set).map(({ metrics }) => [step, metrics.abs_rel] as const),
    ),
  }))
  const end = events.findLast((event) => event.event === 'end')
  const title = `${name}: ${end ? `${end.step} updates, ${(end.seconds / 60).toFixed(0)} minutes` : 'no end'}`
  return [
    `<text x="14" y="${top + 18}" class="title">${escapeHtml(title)}</text>`,
    chart(training, 'terms of the loss', [0, top]),
    chart(heldOut, 'abs_rel, held out', [WIDTH, top]),
  ].join('')
}

function chart(lines: readonly Line[], y: string, [left, top]: readonly [number, number]): string {
  const [svg] = lineChart(lines, { x: 'update', y, dots: lines.some(({ points }) => points.length < 12) }).split(
    '</svg>',
  )
  const names = lines.map(({ label, colour }) => `<tspan fill="${colour}" dx="8">${escapeHtml(label)}</tspan>`).join('')
  return `<text x="${left + 52}" y="${top + 36}">${names}</text>${svg.replace('<svg ', `<svg x="${left}" y="${top + TITLE}" `)}</svg>`
}

async function page(folder: string): Promise<void> {
  const logs = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort()
  const rows = await Promise.all(
    logs.map(async (name, i) => row(basename(name, '.jsonl'), await readLog(join(folder, name)), i * (HEIGHT + TITLE))),
  )
  const [width, height] = [2 * WIDTH, logs.length * (HEIGHT + TITLE)]
  const style = 'text{font:12px sans-serif;fill:#444}.title{font-weight:bold;font-size:14px}.grid{stroke:#e4e4e4}'
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><style>${style}</style><rect width="100%" height="100%" fill="#fff"/>\n${rows.join('\n')}\n</svg>\n`
  await writeFileAtomically(join(folder, 'curves.svg'), svg)
}

const [command, from, to] = process.argv.slice(2)
if (command === 'thin' && from && to) {
  const lines = thinned(await readLog(from)).map((event) => JSON.stringify(event))
  await writeFileAtomically(to, `${lines.join('\n')}\n`)
} else if (command === 'page' && from) await page(from)
else throw new Error('usage: npx tsx scripts/log.ts thin LOG.jsonl OUT.jsonl | page FOLDER')
