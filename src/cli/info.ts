/**
 * `dar info PRESET|FILE`: size and cost of a model, before it is downloaded, trained or run. The figures are computed
 * and defined in src/inspect/info.ts; this file prints the table.
 */
import { type Command, Option } from 'commander'
import { type ByPart, type ModelInfo, modelInfo } from '../inspect/index.ts'
import { PRESETS } from '../model/index.ts'
import { checkModelFile, findConfig, PRESET_SIZE } from '../node/index.ts'
import { parseSize } from '../predict/index.ts'
import { OVERLAPS, type Overlap } from '../train/index.ts'
import { wholeAbove0 } from './flag-values.ts'

interface Flags {
  readonly size?: string
  readonly batch: string
  readonly gradientCheckpointing?: boolean
  readonly overlap?: Overlap
  readonly json?: boolean
}

const HELP = `
FLOPs are two per multiply-add of matrix products and convolutions, for one image. Memory is that of the whole process at
its peak, Node and the engine included; training with the loader's cache of 1 GB full, and validation. Of a recipe, whose stages may
have several shapes, dar train RECIPE --plan tells more.

Presets: ${Object.keys(PRESETS).join(', ')}.`

export function registerInfo(program: Command): void {
  program
    .command('info')
    .description('parameters, token maps, FLOPs and memory of a model')
    .argument('<model>', 'a preset, a shipped model, or a .safetensors file')
    .option(
      '--size <WxH>',
      `pixels of the network (default: what the model was trained at, ${PRESET_SIZE.width}x${PRESET_SIZE.height} for a preset)`,
    )
    .option('--batch <n>', 'images at once, for the memory', '1')
    .option('--gradient-checkpointing', 'training as a recipe with gradientCheckpointing does it')
    .addOption(
      new Option('--overlap <what>', 'training as one of several processes with train --overlap').choices(OVERLAPS),
    )
    .option('--json', 'print one JSON document instead of a table')
    .addHelpText('after', HELP)
    .action(async (model: string, flags: Flags) => {
      const batch = wholeAbove0('--batch', flags.batch)
      const known = await findConfig(model)
      const size = flags.size === undefined ? known.size : parseSize(flags.size, '--size')
      const { gradientCheckpointing = false, overlap = null } = flags
      const info = modelInfo(known.config, { size, batch, gradientCheckpointing, overlap })
      const checked = known.path === null ? null : await checkModelFile(known.path)
      const checksum = checked === null ? {} : { checksum: checked ? 'matches' : 'none' }
      const text = flags.json
        ? JSON.stringify({ model: known.name, ...checksum, ...info }, null, 2)
        : `${tableOf(known.name, info)}${checked === null ? '' : `\n\n${checksumText(checked)}`}`
      process.stdout.write(`${text}\n`)
    })
}

const checksumText = (checked: boolean) =>
  checked
    ? 'the file is whole: its content is what its checksum says'
    : 'the file has no checksum (an older version or another program wrote it), so that damage would go unnoticed'

/** The table that a person reads. */
function tableOf(name: string, info: ModelInfo): string {
  const { networkSize, parameters, flops, flopsByStep, tokenMaps, memory, batch, trainingFlops } = info
  const parts = [...new Set([...names(parameters), ...names(flops)])]
  const row = (part: string) => [
    part,
    count(parameters[part] ?? 0),
    share(parameters, part),
    gigas(flops[part] ?? 0),
    share(flops, part),
  ]
  const lines = [
    `${name} at ${networkSize.width}×${networkSize.height}`,
    '',
    ...columns([
      ['part', 'parameters', '', 'GFLOPs', ''],
      ...parts.map(row),
      ['total', count(parameters.total), '', gigas(flops.total), ''],
    ]),
    '',
    ...columns([
      ['step', 'token map', 'tokens', 'GFLOPs', ''],
      ...names(flopsByStep).map((step) => {
        const map = step === 'shared' ? undefined : tokenMaps[Number(step.slice('step'.length)) - 1]
        const size = map ? [`${map.width}×${map.height}`, count(map.tokens)] : ['', '']
        return [step, ...size, gigas(flopsByStep[step]), share(flopsByStep, step)]
      }),
    ]),
    '',
    `a training step takes ${gigas(trainingFlops)} GFLOPs an image`,
    '',
    ...columns([
      [`memory, batch ${batch}`, 'MB', '', ''],
      ['to predict', megas(memory.predict), '', madeOf(memory.prediction)],
      ['to train', megas(memory.train), '', madeOf(memory.training)],
    ]),
  ]
  return lines.map((line) => line.trimEnd()).join('\n')
}

const names = (sums: ByPart): string[] => Object.keys(sums).filter((key) => key !== 'total')
const count = (n: number): string => n.toLocaleString('en-US')
const gigas = (n: number): string => (n / 1e9).toLocaleString('en-US', { maximumSignificantDigits: 4 })
const megas = (n: number): string => count(Math.round(n / 1e6))
const share = (sums: ByPart, part: string): string => `${((100 * (sums[part] ?? 0)) / (sums.total || 1)).toFixed(1)} %`

function madeOf(items: Readonly<Record<string, number>>): string {
  const large = Object.entries(items).filter(([, bytes]) => bytes >= 5e5)
  return large.map(([item, bytes]) => `${item} ${megas(bytes)}`).join(', ')
}

/** Aligns columns: the first to the left, figures to the right, a last column of text to the left. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)))
  const isProse = (i: number) => i === 0 || rows.some((row) => row[i].includes(', '))
  return rows.map((row) =>
    row.map((cell, i) => (isProse(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
  )
}
