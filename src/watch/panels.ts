/** What a run's page shows, as pieces of HTML: charts from its view, tables, pictures. The report is made of the same pieces. */
import { escapeHtml, type Line, lineChart } from '../eval/charts.ts'
import { PIXEL_METRICS } from '../eval/index.ts'
import { durationText } from '../support/progress.ts'
import type { TrainEvent } from '../train/index.ts'
import type { RunView } from './run-view.ts'

type Sets = Extract<TrainEvent, { event: 'validation' }>['sets']

/** Readable on white and on black. */
const COLOURS = [
  '#2f7fd1',
  '#d1495b',
  '#35965a',
  '#9570d6',
  '#cf8a1f',
  '#2aa0a0',
  '#8c8c8c',
  '#b06a3b',
  '#c85fa6',
  '#7d9a2e',
]
const colour = (i: number) => COLOURS[i % COLOURS.length]

/** Points of a curve over updates. */
const MOST = 300

interface ChartText {
  readonly title: string
  readonly note: string
}

/** Everything about updates: loss, terms, rate, gradient, speed. */
export function trainingCharts(view: RunView): string {
  const points = view.steps.points(MOST)
  const line = (label: string, i: number, of: (point: (typeof points)[number]) => number): Line => ({
    label,
    colour: colour(i),
    points: points.map((point) => [(point.from + point.to) / 2 + 1, of(point)]),
  })
  const terms = points[0]?.terms ?? []
  return grid([
    chart([line('loss', 0, ({ loss }) => loss)], { title: 'Loss', note: averaged(points) }, { from: 'lowest' }),
    chart(
      terms.map((_, k) => line(`step ${k + 1}`, k, (point) => point.terms[k])),
      { title: 'Terms of the loss', note: 'One for each coarse-to-fine step.' },
      { yScale: 'log' },
    ),
    chart(
      [line('norm', 3, ({ norm }) => norm)],
      { title: 'Norm of the gradient', note: 'Over all parameters, before clipping.' },
      { yScale: 'log' },
    ),
    chart([line('rate', 4, ({ rate }) => rate)], { title: 'Learning rate', note: '' }),
    chart([line('images/s', 2, ({ imagesPerSecond }) => imagesPerSecond)], { title: 'Images a second', note: '' }),
  ])
}

function averaged(points: readonly { readonly count: number }[]): string {
  const most = Math.max(1, ...points.map(({ count }) => count))
  return most === 1 ? '' : `Each point is the mean of ${most} updates.`
}

/** The figures of held-out images, over the validations. */
export function validationCharts(view: RunView): string {
  const names = [...new Set(view.validations.flatMap(({ sets }) => sets.map(({ set }) => set)))]
  const bySet = (metric: 'abs_rel' | 'd1' | 'silog'): Line[] =>
    names.map((name, i) => ({
      label: name,
      colour: colour(i),
      points: view.validations.flatMap(({ step, sets }) =>
        sets.filter(({ set }) => set === name).map(({ metrics }) => [step, metrics[metric]] as const),
      ),
    }))
  const steps = view.validations.at(-1)?.sets[0]?.steps ?? []
  const byStep = steps.map((_, k) => ({
    label: `step ${k + 1}`,
    colour: colour(k),
    points: overSets(view, (set) => set.steps[k]?.abs_rel ?? Number.NaN, mean),
  }))
  const text = { x: 'update', dots: view.validations.length < 30 } as const
  return grid([
    chart(bySet('abs_rel'), { title: 'abs_rel', note: 'Lower is better.' }, text),
    chart(
      bySet('d1'),
      { title: 'd1', note: 'Share of pixels within 25 %. Higher is better.' },
      { ...text, from: 'lowest' },
    ),
    chart(bySet('silog'), { title: 'silog', note: 'Lower is better.' }, text),
    byStep.length < 2
      ? ''
      : chart(
          byStep,
          { title: 'abs_rel by step', note: 'Mean over the sets. Later steps should be lower.' },
          { ...text, from: 'lowest' },
        ),
  ])
}

/** What the network is like inside: saturation and norms. */
export function healthCharts(view: RunView): string {
  const saturated = view.validations.at(-1)?.sets[0]?.saturated ?? []
  const parts = [...new Set(view.norms.flatMap(({ parts }) => parts.map(({ part }) => part)))]
  const norm = (what: 'weights' | 'gradient'): Line[] =>
    parts.map((name, i) => ({
      label: name,
      colour: colour(i),
      points: view.norms.flatMap(({ step, parts }) =>
        parts.filter(({ part }) => part === name).map((one) => [step, one[what]] as const),
      ),
    }))
  const text = { dots: view.norms.length < 30 }
  return grid([
    chart(
      saturated.map((_, k) => ({
        label: `h${k + 1}`,
        colour: colour(k),
        points: overSets(
          view,
          (set) => 100 * (set.saturated?.[k] ?? Number.NaN),
          (values) => Math.max(...values),
        ),
      })),
      {
        title: 'Saturation of h, %',
        note: 'Values beyond ±0.99, of the worst set. Near 100 the decoder passes no gradient.',
      },
      text,
    ),
    chart(
      norm('gradient'),
      { title: 'Gradient by part', note: 'Norm at each validation, before clipping.' },
      { ...text, yScale: 'log' },
    ),
    chart(norm('weights'), { title: 'Weights by part', note: 'Norm at each validation.' }, { ...text, yScale: 'log' }),
  ])
}

function overSets(
  { validations }: RunView,
  figure: (set: Sets[number]) => number,
  join: (values: readonly number[]) => number,
): (readonly [number, number])[] {
  return validations.map(({ step, sets }) => [step, join(sets.map(figure))] as const)
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

function chart(
  lines: readonly Line[],
  { title, note }: ChartText,
  { from, ...options }: { readonly from?: 'lowest'; readonly yScale?: 'log'; readonly dots?: boolean } = {},
): string {
  if (lines.every(({ points }) => points.length === 0)) return ''
  const start = from === 'lowest' ? { from: Number.POSITIVE_INFINITY } : {}
  const svg = lineChart(lines, { x: 'update', y: '', readable: true, ...start, ...options })
  const caption = note === '' ? '' : `<figcaption>${escapeHtml(note)}</figcaption>`
  return `<figure class="chart"><h3>${escapeHtml(title)}</h3>${svg}${caption}</figure>`
}

const grid = (charts: readonly string[]) => {
  const shown = charts.filter((one) => one !== '')
  return shown.length === 0 ? '' : `<div class="charts">${shown.join('')}</div>`
}

/** The last validation as a table; a set a row. */
export function validationTable({ validations }: RunView): string {
  const last = validations.at(-1)
  if (!last) return ''
  const head = ['set', 'images', ...PIXEL_METRICS].map((name) => `<th>${name}</th>`).join('')
  const rows = last.sets.map(({ set, images, metrics }) => {
    const cells = PIXEL_METRICS.map((name) => `<td>${metrics[name]?.toFixed(name === 'silog' ? 2 : 4) ?? ''}</td>`)
    return `<tr><td>${escapeHtml(set)}</td><td>${images}</td>${cells.join('')}</tr>`
  })
  return `<p>After update ${last.step}. rmse in metres.</p><div class="wide"><table><tr>${head}</tr>${rows.join('')}</table></div>`
}

/** How far the run is. `isAlive`: a process holds the run's folder. `silence`: seconds since the log was written. */
export function heading(
  view: RunView,
  { title, isAlive, silence }: { readonly title: string; readonly isAlive: boolean; readonly silence: number },
): string {
  const { start, done, loss, imagesPerSecond, seconds, savedStep, secondsLeft, best } = view
  const total = start?.total ?? 0
  const last = view.validations.at(-1)
  const facts: (readonly [string, string])[] = [
    ['update', `${done} of ${total}`],
    ...(loss === null ? [] : [['loss', loss.toFixed(3)] as const]),
    ...(last ? [['abs_rel', mean(last.sets.map(({ metrics }) => metrics.abs_rel)).toFixed(3)] as const] : []),
    ...(last ? [['d1', mean(last.sets.map(({ metrics }) => metrics.d1)).toFixed(3)] as const] : []),
    ...(imagesPerSecond === null ? [] : [['images/s', imagesPerSecond.toFixed(1)] as const]),
    ['trained', durationText(seconds)],
    ...(secondsLeft === null || !isAlive ? [] : [['left', durationText(secondsLeft)] as const]),
    ['checkpoint', savedStep === null ? 'none yet' : `update ${savedStep}`],
    ...(best === null ? [] : [['best', `${best.metric} ${best.figure.toFixed(3)}, update ${best.step}`] as const]),
  ]
  const { text, kind } = stateOf(view, { isAlive, silence })
  return (
    `<h1>${escapeHtml(title)}</h1><p class="state ${kind}">${escapeHtml(text)}</p>` +
    `<progress max="${Math.max(1, total)}" value="${done}">${done} of ${total}</progress>` +
    `<dl class="facts">${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>`
  )
}

/** After this long without a line a running log is worth a word. */
const SILENT = 120

function stateOf(
  { ending, start }: RunView,
  { isAlive, silence }: { readonly isAlive: boolean; readonly silence: number },
): { readonly text: string; readonly kind: 'good' | 'bad' | 'still' } {
  if (ending?.event === 'failed') return { text: `failed: ${ending.message}`, kind: 'bad' }
  if (ending?.event === 'end') {
    if (ending.reason === 'done') return { text: 'done', kind: 'good' }
    if (ending.reason === 'patience')
      return { text: `done: no longer better, so it ended after update ${ending.step}`, kind: 'good' }
    const why = ending.reason === 'time' ? 'time was up' : 'it was interrupted'
    return { text: `stopped, because ${why}; go on with --resume`, kind: 'still' }
  }
  if (!start) return { text: 'the log is still empty', kind: 'still' }
  if (!isAlive) return { text: 'ended without a word: its process was killed; go on with --resume', kind: 'bad' }
  const since = silence > SILENT ? `, no news for ${durationText(silence)}` : ''
  return { text: `running${since}`, kind: 'good' }
}

/** Notes of the start and warnings. */
export function notes({ start, warnings }: RunView): string {
  const all = [
    ...(start ? [`${start.parameters.toLocaleString('en')} parameters`] : []),
    ...(start?.notes ?? []),
    ...warnings.map(({ event, step, message }) =>
      event === 'skipped' ? `left out ${message}` : `warning at update ${step}: ${message}`,
    ),
  ]
  return all.length === 0 ? '' : `<ul>${all.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>`
}

/** The recipe as it was checked. */
export function config({ start }: RunView): string {
  const { recipe } = start ?? {}
  return recipe === undefined ? '' : `<pre>${escapeHtml(JSON.stringify(recipe, null, 2))}</pre>`
}
