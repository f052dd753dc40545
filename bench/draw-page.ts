/**
 * The drawn parts of docs/speed.md, from the results in bench/results. The page itself is written by hand; a table stands between two
 * comments, `<!-- drawn: NAME -->` and `<!-- end -->`, and only what lies between them is replaced. NAME is `model forms`, `model parts`,
 * `model growth`, `presets`, or the name of a benchmark, whose rows then stand as `npm run bench` prints them.
 */
import type { Row } from './report.ts'

/** What is in bench/results: the text of each file by its name. */
export type Results = Readonly<Record<string, string>>

interface Kept {
  readonly machine: string
  readonly rows: readonly Row[]
}

interface PresetResult {
  readonly model: string
  readonly networkSize: { readonly width: number; readonly height: number }
  readonly flops: number
  readonly memory: { readonly peak: number; readonly predicted: number; readonly weights: number }
  readonly milliseconds: { readonly open: number; readonly compile: number; readonly run: number }
}

/** The page with its drawn parts made anew. Throws where results have no part, so that none is kept unseen. */
export function drawPage(page: string, results: Results): string {
  const drawn = new Set<string>()
  const text = page.replace(/(<!-- drawn: (.+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, begin, part, end) => {
    drawn.add(part.split(' ')[0])
    return `${begin}\n${draw(part, results)}\n\n${end}`
  })
  const missing = Object.keys(results).filter(
    (file) => !drawn.has(file.startsWith('preset-') ? 'presets' : nameOf(file)),
  )
  if (missing.length > 0)
    throw new Error(
      `docs/speed.md has no part for ${missing.join(', ')}: add <!-- drawn: ${nameOf(missing[0])} --> and <!-- end -->`,
    )
  return text
}

const nameOf = (file: string): string => file.replace(/\.json$/, '')

function draw(part: string, results: Results): string {
  const [name, view] = part.split(' ')
  if (name === 'presets') return presetsTable(results)
  const text = results[`${name}.json`]
  if (text === undefined)
    return `No result is kept: \`npm run bench -- ${name} --json bench/results/${name}.json\` makes one.`
  const { machine, rows } = JSON.parse(text) as Kept
  if (name !== 'model') return rowsTable(name, rows, machine)
  const titles = [...new Set(rows.flatMap((row) => /^(\S+ \d+×\d+), cached$/.exec(row.name)?.[1] ?? []))]
  if (view === 'forms') return titles.map((title) => formsTable(rows, title)).join('\n\n')
  if (view === 'parts') return titles.map((title) => partsTable(rows, title)).join('\n\n')
  if (view === 'growth') return growth(rows, 'dar-nano')
  throw new Error(`docs/speed.md asks for '${part}'; of model there are forms, parts and growth`)
}

const figure = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
const bar = (percent: number): string => '█'.repeat(Math.max(0, Math.round(percent / 2.5))) || '▏'

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

/** The rows of a benchmark, with their bars. A row that belongs to the one above it is indented by two spaces in the results. */
function rowsTable(name: string, rows: readonly Row[], machine: string): string {
  const asked = ({ value, target, most }: Row): string => {
    if (target !== undefined) return `at least ${target}: ${value >= target ? 'met' : '**missed**'}`
    return most === undefined ? '' : `at most ${most}: ${value <= most ? 'met' : '**missed**'}`
  }
  const lines = rows.map((row) => [
    row.name.replace(/^ {2}/, '– '),
    `${figure(row.value)} ${row.unit === 'ratio' ? '' : row.unit}`.trim(),
    asked(row),
  ])
  return `\`npm run bench -- ${name}\` on ${machine}:\n\n${table([name, 'measured', 'asked for'], lines)}`
}

/** Values by name. A missing one is an error, so that no page is written with a gap. */
function lookup(rows: readonly Row[]) {
  return (name: string): number => {
    const row = rows.find((one) => one.name === name)
    if (!row) throw new Error(`bench/results/model.json has no row '${name}'; run the benchmark again`)
    return row.value
  }
}

function formsTable(rows: readonly Row[], title: string): string {
  const value = lookup(rows)
  const line = (form: string) => {
    const times = (what: string) =>
      form === 'cached' ? '1' : `${value(`${title}, ${form} / cached: ${what}`).toFixed(2)}`
    const name = `${title}, ${form}`
    return [form, figure(value(`${name}: work`)), times('work'), figure(value(name)), times('time')]
  }
  return table([title, 'GFLOPs', '× cached', 'ms', '× cached'], ['cached', 'masked', 'unmasked'].map(line))
}

function partsTable(rows: readonly Row[], title: string): string {
  const value = lookup(rows)
  const share = ': share of time'
  const names = rows.flatMap(({ name }) =>
    name.startsWith(`${title}, `) && name.endsWith(share) ? [name.slice(title.length + 2, -share.length)] : [],
  )
  return table(
    [title, 'ms', 'of the time', 'of the work', ''],
    names.map((part) => {
      const time = value(`${title}, ${part}${share}`)
      const work = value(`${title}, ${part}: share of work`)
      return [
        part,
        figure(value(`${title}, ${part}`)),
        `${time.toFixed(0)} %`,
        `${work.toFixed(0)} %`,
        `\`${bar(time)}\``,
      ]
    }),
  )
}

function growth(rows: readonly Row[], preset: string): string {
  const value = lookup(rows)
  const sizes = rows.flatMap(({ name }) => new RegExp(`^${preset} at (\\d+×\\d+)$`).exec(name)?.[1] ?? [])
  const lines = sizes.map((size) => {
    const [width, height] = size.split('×').map(Number)
    const work = value(`${preset} at ${size}: work`)
    const ms = value(`${preset} at ${size}`)
    return [size, figure((width * height) / 1000), figure(work), figure(ms), figure((1000 * work) / ms)]
  })
  const p = (what: string) => value(`${preset}, ${what} ∝ pixels^p: p`).toFixed(2)
  return `${table([preset, 'thousand pixels', 'GFLOPs', 'ms', 'GFLOP/s'], lines)}

Fitted over these sizes, work grows as pixels^${p('work')} and time as pixels^${p('time')}.`
}

function presetsTable(results: Results): string {
  const presets = Object.entries(results)
    .filter(([file]) => file.startsWith('preset-'))
    .map(([, text]) => JSON.parse(text) as PresetResult)
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2)
  return table(
    ['preset', 'network', 'weights, GB', 'peak, GB', '`dar info`, GB', 'difference', 'GFLOPs', 'network, s'],
    presets
      .toSorted((a, b) => a.flops - b.flops)
      .map(({ model, networkSize, memory, flops, milliseconds }) => [
        model,
        `${networkSize.width}×${networkSize.height}`,
        gigabytes(memory.weights),
        gigabytes(memory.peak),
        gigabytes(memory.predicted),
        `${(100 * (memory.predicted / memory.peak - 1)).toFixed(0)} %`.replace('-', '−'),
        figure(flops / 1e9),
        figure(milliseconds.run / 1000),
      ]),
  )
}
