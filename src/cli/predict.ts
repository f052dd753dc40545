/**
 * `dar predict IMAGE…`: depth maps of photos, as files. The work is in src/predict and src/node; this file has the
 * flags and the printing. One photo does not stop the rest: if it cannot be read, or its results cannot be written, one
 * line names it, and the exit code is 1.
 */
import { type Command, Option } from 'commander'
import { COLOR_MAPS, type ColorMapName, colourise } from '../image/index.ts'
import { summarise } from '../inspect/summary.ts'
import { isMetric, mapCount } from '../model/index.ts'
import {
  checkWritable,
  DEFAULT_KINDS,
  encodeOutputs,
  loadModel,
  metresText,
  type OutputStyle,
  planOutputs,
  suffixesOf,
  writeOutputs,
} from '../node/index.ts'
import type { DepthMap, Focal, ManyResult } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import { printableName as named } from '../support/printable.ts'
import { createProgress } from '../support/progress.ts'
import { onOneLine } from '../support/text.ts'
import { type DeviceFlags, deviceOption } from './device-flag.ts'
import { above0, wholeAbove0 } from './flag-values.ts'

interface Flags extends DeviceFlags {
  readonly out: string
  readonly model: string
  readonly focal?: string
  readonly steps?: boolean
  readonly stretch?: boolean
  readonly near?: string
  readonly far?: string
  readonly map?: ColorMapName
  readonly json?: boolean
  readonly threads?: string
}

/** What `--json` prints about one image. */
interface Entry {
  readonly image: string
  readonly width?: number
  readonly height?: number
  /** Paths by what they hold: `color.png`, `depth.png`, `depth.npy`, … */
  readonly files?: Readonly<Record<string, string>>
  readonly metres?: { readonly min: number; readonly median: number; readonly max: number }
  /** Of a relative model instead: inverse depth without a unit. */
  readonly relative?: Entry['metres']
  readonly focal?: DepthMap['focal']
  readonly networkSize?: DepthMap['networkSize']
  readonly milliseconds?: DepthMap['milliseconds']
  /** Reasons why its metres are less certain than usual. */
  readonly warnings?: DepthMap['warnings']
  readonly error?: string
}

const HELP = `
Writes for photo.jpg, into the folder of --out (files of these names are replaced):
  photo.color.png        colours with a legend, 0.3 to 10 m in every picture
  photo.depth.png        16-bit grey, millimetres along the viewing axis, at the photo's size
  photo.depth.npy        float32 metres, height × width
and with --steps:
  photo.step1.color.png, photo.step1.depth.png, …   the map after each coarse-to-fine step
  photo.sigma.color.png, photo.sigma.npy            standard deviation in metres
  photo.steps.png                                   all of these on one sheet

Right metres need the focal length: from EXIF (the 35 mm equivalent, or the focal length and the sensor's resolution), or --focal.
A photo without either is taken for one of a phone's main camera. The line of each photo says which it was.
A relative model (Depth Anything's) has no metres: photo.color.png and photo.depth.npy hold its inverse depth as it is.
The exit code is 1 when an image could not be read; the others are done all the same.`

export function registerPredict(program: Command): void {
  program
    .command('predict')
    .description('depth maps of photos (JPEG, PNG, WebP)')
    .argument('<image...>', 'photos')
    .option('-o, --out <dir>', 'folder for the results', 'depth')
    .option('--model <name|file>', 'a shipped model, or a .safetensors file', 'dar-nano')
    .option('--focal <px>', 'focal length in pixels of the upright photo (default: from EXIF)')
    .option('--steps', 'also write the coarse-to-fine maps and the uncertainty')
    .addOption(new Option('--stretch', 'spread the colours over each map').conflicts(['near', 'far']))
    .option('--near <m>', 'nearest distance of the colours, metres (default: 0.3)')
    .option('--far <m>', 'farthest distance of the colours, metres (default: 10)')
    .addOption(new Option('--map <name>', 'colours').choices(COLOR_MAPS).default('turbo'))
    .option('--json', 'print one JSON document instead of lines')
    .option('--threads <n>', 'threads of the engine (default: all cores)')
    .addOption(deviceOption())
    .addHelpText('after', HELP)
    .action(async (images: readonly string[], flags: Flags) => {
      const failures = await predictFiles(images, flags)
      if (failures > 0) process.exitCode = 1
    })
}

/** Returns how many images failed. */
async function predictFiles(images: readonly string[], flags: Flags): Promise<number> {
  const focal = above0('--focal', flags.focal)
  const threads = wholeAbove0('--threads', flags.threads)
  const style: OutputStyle = {
    map: flags.map,
    near: above0('--near', flags.near),
    far: above0('--far', flags.far),
    stretch: flags.stretch,
  }
  checkStyle(style)
  await using model = await loadModel(flags.model, { threads, device: flags.device })
  const unit = isMetric(model.config) ? 'metres' : 'relative'
  const kinds = flags.steps ? ([...DEFAULT_KINDS, 'steps', 'sigma'] as const) : DEFAULT_KINDS
  const suffixes = suffixesOf(kinds, { steps: mapCount(model.config) })
  const plan = planOutputs(
    images.map((path) => ({ path })),
    flags.out,
    suffixes,
  )
  await checkWritable(flags.out)
  const printer = createPrinter(images.length, { json: flags.json ?? false })
  const entries: Entry[] = []
  try {
    for await (const result of model.predictMany(images, { focal, steps: flags.steps })) {
      entries.push(await save(result, flags.out, plan[result.index].stem, { ...style, unit }))
      printer.report(entries[entries.length - 1])
    }
  } finally {
    printer.done()
  }
  const document = { model: model.name, out: flags.out, images: entries }
  if (flags.json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  return entries.filter(({ error }) => error !== undefined).length
}

async function save(
  { image, map, error }: ManyResult<string>,
  folder: string,
  stem: string,
  style: OutputStyle,
): Promise<Entry> {
  if (error) return { image, error: error.message }
  let files: Readonly<Record<string, string>>
  try {
    files = await writeOutputs(await encodeOutputs(map, style), folder, stem)
  } catch (failure) {
    if (failure instanceof DarError) return { image, error: failure.message }
    throw failure
  }
  const { width, height, focal, networkSize, milliseconds, warnings } = map
  const figures =
    style.unit === 'relative' ? { relative: summarise(map.depth) } : { metres: summarise(map.depth), focal }
  return { image, width, height, files, ...figures, networkSize, milliseconds, warnings }
}

interface Printer {
  report(entry: Entry): void
  done(): void
}

/** The lens that the metres assume, and the source of that knowledge. */
function lensText({ source, note, millimetres35 }: Focal): string {
  if (source === 'given') return '--focal'
  if (source === 'exif') return `EXIF, ${note ?? `35 mm equivalent ${millimetres35.toFixed(0)} mm`}`
  return note ? `${note}: give --focal; 26 mm equivalent assumed` : 'not known, 26 mm assumed'
}

/** Results on standard output, mistakes and progress on standard error. */
function createPrinter(total: number, { json }: { readonly json: boolean }): Printer {
  const progress = createProgress({ total, label: 'photos', silent: json || total === 1 })
  // On a terminal the progress line stands where the next line of text goes, so it is cleared first.
  const clear = () => {
    if (process.stderr.isTTY && total > 1) process.stderr.write('\r\x1b[K')
  }
  let done = 0
  return {
    report({ image, files, metres, relative, focal, error, warnings }) {
      if (error !== undefined) {
        clear()
        process.stderr.write(`dar: ${onOneLine(error)}\n`)
      } else if (!json && files && metres && focal) {
        clear()
        const range = `${metresText(metres.min)} to ${metresText(metres.max)}, median ${metresText(metres.median)}`
        process.stdout.write(`${named(image)}: ${range} (lens: ${lensText(focal)}) → ${named(files['color.png'])}\n`)
      }
      if (!json && files && relative) {
        clear()
        const range = `${relative.min.toPrecision(3)} to ${relative.max.toPrecision(3)}`
        process.stdout.write(`${named(image)}: ${range}, inverse depth without a unit → ${named(files['color.png'])}\n`)
      }
      for (const warning of warnings ?? []) {
        clear()
        process.stderr.write(`dar: ${named(image)}: ${warning}\n`)
      }
      progress.update(++done, image)
    },
    done: () => progress.done(),
  }
}

/** Checks the range of colours at once, not at the first depth map. */
function checkStyle({ map, near, far }: OutputStyle): void {
  colourise({ width: 1, height: 1, data: Float32Array.of(1) }, { map, near, far })
}
