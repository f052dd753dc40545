/**
 * `npx tsx bench/page.ts`: draws docs/speed.md from the results in bench/results: model.json (`npm run bench -- model`) and
 * preset-*.json (`dar bench NAME --json`). Nothing is measured here.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { writeFileAtomically } from '../src/support/files.ts'
import type { Row } from './report.ts'

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url))
const PAGE = fileURLToPath(new URL('../docs/speed.md', import.meta.url))

interface ModelResults {
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

const read = (name: string): unknown => JSON.parse(readFileSync(`${RESULTS}${name}`, 'utf8'))
const figure = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
const bar = (percent: number): string => '█'.repeat(Math.max(0, Math.round(percent / 2.5))) || '▏'

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
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

function growthTable(rows: readonly Row[], preset: string): string {
  const value = lookup(rows)
  const sizes = rows.flatMap(({ name }) => new RegExp(`^${preset} at (\\d+×\\d+)$`).exec(name)?.[1] ?? [])
  const lines = sizes.map((size) => {
    const [width, height] = size.split('×').map(Number)
    const work = value(`${preset} at ${size}: work`)
    const ms = value(`${preset} at ${size}`)
    return [size, figure((width * height) / 1000), figure(work), figure(ms), figure((1000 * work) / ms)]
  })
  return table([preset, 'thousand pixels', 'GFLOPs', 'ms', 'GFLOP/s'], lines)
}

function presetsTable(presets: readonly PresetResult[]): string {
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

function page({ machine, rows }: ModelResults, presets: readonly PresetResult[]): string {
  const value = lookup(rows)
  const titles = [...new Set(rows.flatMap(({ name }) => /^(\S+ \d+×\d+), cached$/.exec(name)?.[1] ?? []))]
  const p = (what: string) => value(`dar-nano, ${what} ∝ pixels^p: p`).toFixed(2)
  return `# Speed and memory of the model

<!-- Drawn by bench/page.ts from bench/results; run that instead of editing this. -->

${machine}, two threads, random weights, the network alone. It is a virtual machine shared with others. Candidates took turns
for a few rounds, and each time is that of its fastest round. So ratios can be trusted more than milliseconds. FLOPs are
counted from the graph, two per multiply-add of matrix products and convolutions.

## The three execution forms

\`cached\` computes each step's tokens once against remembered keys and values; \`masked\` runs the tokens of all steps so far
again under the causal mask and gives the same depth; \`unmasked\` does so without the mask, which is another model.

${titles.map((title) => formsTable(rows, title)).join('\n\n')}

## Parts and steps

The time of a part is that of the network up to the end of the part, minus that up to the end of the part before.

${titles.map((title) => partsTable(rows, title)).join('\n\n')}

## Growth with the image

${growthTable(rows, 'dar-nano')}

Fitted over these sizes, work grows as pixels^${p('work')} and time as pixels^${p('time')}. The exponent is above 1 because the decoder's
tokens attend to every cell of the memory, at an eighth of the image's size.
${
  presets.length === 0
    ? ''
    : `
## Memory, measured and predicted

\`dar bench NAME --json\`: one prediction at random weights in a process of its own. Weights above 67 MB are mapped from their
file, not read; the peak counts them.

${presetsTable(presets)}
`
}`
}

if (!existsSync(`${RESULTS}model.json`))
  throw new Error('there is no bench/results/model.json: npm run bench -- model --json …')
const presets = readdirSync(RESULTS).filter((name) => /^preset-.*\.json$/.test(name))
await writeFileAtomically(
  PAGE,
  page(
    read('model.json') as ModelResults,
    presets.map((name) => read(name) as PresetResult),
  ),
)
console.log(PAGE)
