/** The tables of docs/log/designs.md, from the lines that scripts/designs.ts wrote. */
import type { Evaluation } from '../../src/eval/index.ts'
import { DESIGN_NAMES } from './table.ts'

/** A design that overfitted eight rooms. `steps` is the silog of each step's map; `flops` are 10^9 for 256×192. */
export interface MemoryLine {
  readonly command: 'memory'
  readonly name: string
  readonly loss: number
  readonly steps: readonly number[]
  readonly d1: number
  readonly boundary_f1: number
  /** Of the processor, in all. */
  readonly seconds: number
  readonly flops: number
}

/** A design that was trained and judged on sets. `steps` is the abs_rel of each step's map on the rooms that are held out. */
export interface CompareLine {
  readonly command: 'compare'
  readonly name: string
  readonly seed: string
  readonly updates: number
  readonly images: number
  /** Of the processor: in all, and of the cheapest update. */
  readonly seconds: number
  readonly perUpdate: number
  readonly flops: number
  readonly steps: readonly number[]
  readonly figures: Readonly<Record<string, Evaluation['metrics']>>
}

/** Milliseconds of one prediction, by the median and at least. */
export interface TimeLine {
  readonly command: 'time'
  readonly name: string
  readonly size: string
  readonly threads: number
  readonly flops: number | null
  readonly median: number
  readonly least: number
}

export type Line = MemoryLine | CompareLine | TimeLine

export const parseLines = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** Sets in the order of the table: the hold-outs of what is trained on, then other places. */
const SETS: readonly string[] = ['rooms', 'furnished', 'hololens', 'kitchen', 'tum', 'rgbdd', 'tabletop', 'office']

/** `.217`: three decimals, and no zero before the point, so that a cell holds two figures. */
const short = (x: number) => x.toFixed(3).replace(/^0(?=\.)/, '')
const head = (cells: readonly string[]) => [cells, cells.map(() => '---')]
const markdown = (rows: readonly (readonly string[])[]) => rows.map((cells) => `| ${cells.join(' | ')} |`)

/** Sets that a line has figures of, those of SETS first. */
function setsOf(lines: readonly CompareLine[]): string[] {
  const names = [...new Set(lines.flatMap(({ figures }) => Object.keys(figures)))]
  return [...SETS.filter((name) => names.includes(name)), ...names.filter((name) => !SETS.includes(name))]
}

/** In the order of scripts/designs/table.ts, a design with weights of the loss after the design, then by seed. */
function inOrder<L extends MemoryLine | CompareLine>(lines: readonly L[]): L[] {
  const place = ({ name }: L) => DESIGN_NAMES.indexOf(name.split('+')[0])
  const seed = (line: L) => ('seed' in line ? Number(line.seed) : 0)
  return [...lines].sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name) || seed(a) - seed(b))
}

export function memoryTable(lines: readonly Line[]): string[] {
  const rows = inOrder(lines.filter((line) => line.command === 'memory'))
  return markdown([
    ...head(['design', 'loss of the last map', 'silog of D_1 … D_K', 'd1', 'boundary_f1', 'GFLOPs']),
    ...rows.map(({ name, loss, steps, d1, boundary_f1, flops }) => [
      `\`${name}\``,
      short(loss),
      steps.map((x) => x.toFixed(2)).join(', '),
      short(d1),
      short(boundary_f1),
      flops.toFixed(2),
    ]),
  ])
}

/** abs_rel and d1 in each set's cell. */
export function compareTable(lines: readonly Line[]): string[] {
  const rows = inOrder(lines.filter((line) => line.command === 'compare'))
  const sets = setsOf(rows)
  return markdown([
    ...head(['design', 'seed', 'pictures', 'GFLOPs', 'rooms, abs_rel of D_1 … D_K', ...sets]),
    ...rows.map(({ name, seed, images, flops, steps, figures }) => [
      `\`${name}\``,
      seed,
      String(images),
      flops.toFixed(2),
      steps.map(short).join(' '),
      ...sets.map((set) => (figures[set] ? `${short(figures[set].abs_rel)} ${short(figures[set].d1)}` : '-')),
    ]),
  ])
}

/** silog in each set's cell: shapes, whatever the scale. */
export function shapeTable(lines: readonly Line[]): string[] {
  const rows = inOrder(lines.filter((line) => line.command === 'compare'))
  const sets = setsOf(rows)
  return markdown([
    ...head(['design', 'seed', ...sets, 'boundary_f1 of furnished']),
    ...rows.map(({ name, seed, figures }) => [
      `\`${name}\``,
      seed,
      ...sets.map((set) => figures[set]?.silog.toFixed(1) ?? '-'),
      figures.furnished?.boundary_f1.toFixed(4) ?? '-',
    ]),
  ])
}

/** A row for each model and size; for each number of threads, the most first, the median and in brackets the least. */
export function timeTable(lines: readonly Line[]): string[] {
  const all = lines.filter((line) => line.command === 'time')
  const threads = [...new Set(all.map((line) => line.threads))].sort((a, b) => b - a)
  const of = ({ name, size }: TimeLine) => `${name} ${size}`
  const rows = [...new Set(all.map(of))].map((model) => all.filter((line) => of(line) === model))
  const cell = (line?: TimeLine) => (line ? `${line.median.toFixed(1)} (${line.least.toFixed(1)})` : '-')
  return markdown([
    ...head(['model', 'network’s size', 'GFLOPs', ...threads.map((n) => `ms, ${n} thread${n === 1 ? '' : 's'}`)]),
    ...rows.map((own) => [
      own[0].name,
      own[0].size,
      own[0].flops?.toFixed(2) ?? '-',
      ...threads.map((n) => cell(own.find((line) => line.threads === n))),
    ]),
  ])
}
