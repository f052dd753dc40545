/**
 * `dar data inspect PATH`: what a data set contains and what looks wrong with it. `dar data make rooms`: procedural
 * rooms as a folder. The work is in src/data; this file has the flags and the texts.
 */

import { type Command, Option } from 'commander'
import {
  type Inspection,
  inspectDataset,
  LAYOUT_TITLES,
  LAYOUTS,
  type Layout,
  makeRooms,
  type OpenedDataset,
  type OpenOptions,
  openDataset,
  type SheetScale,
} from '../data/index.ts'
import { encodePngRgb } from '../node/index.ts'
import { parseSize } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import { writeFileAtomically } from '../support/files.ts'
import { printable } from '../support/printable.ts'
import { createProgress } from '../support/progress.ts'
import { above0, atLeast0, whole31Bits, wholeAbove0 } from './flag-values.ts'

interface InspectFlags {
  readonly layout?: Layout
  readonly list?: string
  readonly split?: OpenOptions['side']
  /** The former name of --split. */
  readonly side?: OpenOptions['side']
  readonly truth?: OpenOptions['truth']
  readonly depthScale?: string
  readonly minimum?: string
  readonly maximum?: string
  readonly crop?: 'kb'
  readonly limit?: string
  readonly sheet?: string
  readonly sheetFrames: string
  readonly near?: string
  readonly far?: string
  readonly json?: boolean
}

interface MakeFlags {
  readonly count: string
  readonly out: string
  readonly seed: string
  readonly size: string
  /** Two former flags for one side each. */
  readonly width?: string
  readonly height?: string
  readonly furniture?: string
  readonly json?: boolean
}

const SIDES = ['train', 'test', 'all'] as const

const INSPECT_HELP = `
PATH is a folder, a .tar shard, a .mat or an .h5 file. Layouts that are recognised:
${LAYOUTS.map((layout) => `  ${layout.padEnd(14)} ${LAYOUT_TITLES[layout]}`).join('\n')}

Files that cannot be read are named and counted, and the exit code is then 1.`

const MAKE_HELP = `
Writes DIR/rgb, DIR/depth (16-bit PNG, millimetres), intrinsics.json and meta.json: the layout 'folder', for training and
inspecting. Interrupted, the same command goes on where it stopped; with a larger --count it adds rooms.

--furniture DIR takes furniture with true shapes from Sweet Home 3D's catalogues, files *.sh3f; Debian's package
sweethome3d-furniture puts five into /usr/share/sweethome3d/furniture. Copy them to a folder that you may write to: what
is read from them is kept there, in DIR/.dar-shapes. Nothing of them is shipped with this program; mind their licences.`

export function registerData(program: Command): void {
  const data = program.command('data').description('look at data sets, and make one')
  data
    .command('inspect')
    .description('what a data set holds, and what looks wrong with it')
    .argument('<path>', 'the data set, as it was downloaded')
    .addOption(new Option('--layout <name>', 'default: what the path looks like').choices(LAYOUTS))
    .option('--list <file>', "a split file: lines of 'image depth focal', or the layout's own")
    .addOption(new Option('--split <side>', 'one side of the official split').choices(SIDES))
    .addOption(new Option('--side <side>', 'the former name of --split').choices(SIDES).hideHelp().conflicts('split'))
    .addOption(new Option('--truth <kind>', 'which depth').choices(['measured', 'filled', 'annotated', 'velodyne']))
    .option('--depth-scale <n>', 'depth units per metre (default: that of the layout)')
    .option('--minimum <m>', 'nearer measurements count as none (folders of your own)')
    .option('--maximum <m>', 'farther measurements count as none (folders of your own)')
    .addOption(new Option('--crop <name>', "KITTI's benchmark crop").choices(['kb']))
    .option('--limit <n>', 'look at no more than n frames, evenly spread')
    .option('--sheet <file.png>', 'draw a contact sheet: photos beside depth on one scale')
    .option('--sheet-frames <n>', 'frames on the sheet', '12')
    .option('--near <m>', "nearest distance of the sheet's colours (default: 0.3, or 1 for streets)")
    .option('--far <m>', 'farthest distance (default: 10, or 80 for streets)')
    .option('--json', 'print one JSON document instead of lines')
    .addHelpText('after', INSPECT_HELP)
    .action(inspect)
  data
    .command('make')
    .description('make a data set')
    .addHelpText('after', MAKE_HELP)
    .argument('<kind>', "what: 'rooms', procedural rooms with exact depth")
    .requiredOption('--count <n>', 'how many')
    .requiredOption('-o, --out <dir>', 'folder for them')
    .option('--seed <n>', 'another seed, other rooms', '0')
    .option('--size <WxH>', 'pixels of the pictures', '320x240')
    .addOption(new Option('--width <px>', 'a side of --size, its former name').hideHelp())
    .addOption(new Option('--height <px>', 'a side of --size, its former name').hideHelp())
    .option('--furniture <dir>', 'furnish the rooms from Sweet Home 3D catalogues (.sh3f) in this folder')
    .option('--json', 'print one JSON document instead of a line')
    .action(make)
}

async function inspect(path: string, flags: InspectFlags): Promise<void> {
  const { layout, list, split: side = flags.side, truth, crop, sheet, json = false } = flags
  const limit = wholeAbove0('--limit', flags.limit)
  const sheetFrames = sheet === undefined ? 0 : wholeAbove0('--sheet-frames', flags.sheetFrames)
  const scale = scaleOf(flags)
  if (sheet !== undefined && !/\.png$/i.test(sheet))
    throw new DarError(`--sheet ${sheet}: the contact sheet is a PNG; give a name that ends in .png`)
  const depthScale = above0('--depth-scale', flags.depthScale)
  const minimum = atLeast0('--minimum', flags.minimum)
  const maximum = above0('--maximum', flags.maximum)
  const dataset = await openDataset(path, {
    layout,
    list,
    side,
    truth,
    crop,
    depthScale,
    minimum,
    maximum,
    incomplete: 'note',
  })
  const total = Math.min(limit ?? dataset.length, dataset.length)
  const progress = createProgress({ total, label: 'frames', silent: json || total === 1 })
  try {
    const { inspection, sheet: picture } = await inspectDataset(dataset, {
      limit,
      sheetFrames,
      scale,
      onProgress: (done, _, frame) => progress.update(done, frame),
    })
    progress.done()
    if (sheet !== undefined && picture) await writeFileAtomically(sheet, await encodePngRgb(picture))
    if (inspection.broken.length > 0) process.exitCode = 1
    const text = json
      ? JSON.stringify({ path, ...inspection, sheet }, null, 2)
      : printable(describe(path, dataset, inspection))
    process.stdout.write(`${text}\n`)
    if (sheet !== undefined && picture && !json) process.stdout.write(`contact sheet: ${printable(sheet)}\n`)
  } finally {
    progress.done()
  }
}

async function make(kind: string, flags: MakeFlags): Promise<void> {
  if (kind !== 'rooms') throw new DarError(`'${kind}' cannot be made; give 'rooms'`)
  const seed = whole31Bits('--seed', flags.seed)
  const count = wholeAbove0('--count', flags.count)
  const size = parseSize(flags.size, '--size')
  const { width = size.width, height = size.height } = {
    width: wholeAbove0('--width', flags.width),
    height: wholeAbove0('--height', flags.height),
  }
  const { out, json = false } = flags
  let progress: ReturnType<typeof createProgress> | undefined
  try {
    const { written, resumed } = await makeRooms(out, {
      count,
      seed,
      width,
      height,
      furniture: flags.furniture,
      onProgress: (done, from) => {
        progress ??= createProgress({ total: count, label: 'rooms', from, silent: json })
        progress.update(done)
      },
    })
    progress?.done()
    const before = resumed > 0 ? ` (${resumed} were there)` : ''
    process.stdout.write(
      json
        ? `${JSON.stringify({ out, written, resumed })}\n`
        : `${printable(out)}: ${written} rooms written${before}\n`,
    )
  } finally {
    progress?.done()
  }
}

/** How many broken frames are printed one by one; `--json` has all. */
const NAMED = 10

function describe(path: string, dataset: OpenedDataset, found: Inspection): string {
  const lines = [`${path}: ${LAYOUT_TITLES[dataset.layout]}`]
  const row = (label: string, text: string) => lines.push(`  ${label.padEnd(12)} ${text}`)
  const looked = found.inspected < found.frames ? `, ${found.inspected} of them looked at` : ''
  row('frames', `${found.frames}${looked}`)
  row('photos', sizesText(found.imageSizes))
  if (Object.keys(found.depthSizes).length > 0) row('depth', sizesText(found.depthSizes))
  if (found.withoutDepth > 0) row('', `${found.withoutDepth} frames have no depth map`)
  if (found.otherSize.length > 0)
    row('', `${found.otherSize.length} maps have another size than their photo, first ${found.otherSize[0]}`)
  row('camera', cameraText(found))
  if (found.metres && found.valid) {
    const { min, p1, median, p99, max } = found.metres
    row(
      'metres',
      `${metres(min)} to ${metres(max)}, 98 % from ${metres(p1)} to ${metres(p99)}; median of medians ${median.toFixed(3)}`,
    )
    const { mean, min: least, max: most } = found.valid
    row('valid', `${share(mean)} of the pixels (${share(least)} to ${share(most)} in a frame)`)
    lines.push(...histogramLines(found))
  }
  if (found.empty.length > 0) lines.push(`  ${found.empty.length} maps hold no measurement: ${someOf(found.empty)}`)
  for (const note of found.notes) lines.push(`  note: ${note}`)
  if (found.broken.length > 0) lines.push(`  ${found.broken.length} frames cannot be read:`)
  for (const { error } of found.broken.slice(0, NAMED)) lines.push(`    ${error}`)
  if (found.broken.length > NAMED) lines.push(`    … and ${found.broken.length - NAMED} more (--json names all)`)
  for (const suspicion of found.suspicions) lines.push(`  suspicious: ${suspicion}`)
  if (found.broken.length + found.suspicions.length === 0)
    lines.push(found.notes.length === 0 ? '  nothing suspicious' : '  nothing else suspicious')
  return lines.join('\n')
}

function histogramLines({ histogram }: Inspection): string[] {
  const first = histogram.findIndex((bar) => bar.share > 0)
  const last = histogram.findLastIndex((bar) => bar.share > 0)
  const tallest = Math.max(...histogram.map((bar) => bar.share))
  return histogram.slice(first, last + 1).map(({ from, to, share: part }) => {
    const range = to === Number.POSITIVE_INFINITY ? `over ${from}` : `${from} – ${to}`
    return `  ${range.padStart(12)} m ${'█'.repeat(Math.round((30 * part) / tallest)).padEnd(30)} ${share(part)}`
  })
}

function cameraText({ cameras: { known, first }, inspected, broken }: Inspection): string {
  const readable = inspected - broken.length
  if (first === null) return 'not known: metric scale learnt here belongs to this lens'
  const { fx, fy, cx, cy } = first
  const of = known < readable ? `${known} of ${readable} frames, ` : ''
  return `${of}fx ${fx.toFixed(2)}, fy ${fy.toFixed(2)}, cx ${cx.toFixed(2)}, cy ${cy.toFixed(2)} (the first)`
}

function sizesText(sizes: Readonly<Record<string, number>>): string {
  const list = Object.entries(sizes).sort(([, a], [, b]) => b - a)
  if (list.length === 0) return 'none could be read'
  if (list.length === 1) return list[0][0]
  const shown = list.slice(0, 4).map(([size, frames]) => `${size} (${frames})`)
  return `${shown.join(', ')}${list.length > 4 ? `, … ${list.length} sizes` : ''}`
}

const metres = (value: number) => (value < 100 ? value.toFixed(2) : value.toFixed(0))
const share = (value: number) => `${(100 * value).toFixed(1)} %`
const someOf = (names: readonly string[]) => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`

function scaleOf(flags: InspectFlags): SheetScale | undefined {
  const [near, far] = [above0('--near', flags.near), above0('--far', flags.far)]
  if (near === undefined && far === undefined) return undefined
  const scale = { near: near ?? 0.3, far: far ?? 10 }
  if (scale.near >= scale.far)
    throw new DarError(`--near ${scale.near} is not less than --far ${scale.far}; give a range`)
  return scale
}
