/**
 * `dar predict PHOTO…`: depth maps of photos, as files. The work is in src/predict and src/node; the flags are in predict-flags.ts, the
 * printing in predict-report.ts. One photo does not stop the rest: if it cannot be read, or its results cannot be written, one
 * line names it, and the exit code is 1.
 */
import { constants } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { isMetric, mapCount } from '../model/index.ts'
import { DecoderProcess } from '../node/decoder-process.ts'
import { type Found, withExisting } from '../node/existing.ts'
import { checkWritable, planOutputs, suffixesOf } from '../node/index.ts'
import { listInputs } from '../node/input-list.ts'
import { loadModelReading } from '../node/load-model.ts'
import { predictFiles } from '../node/predict-files.ts'
import type { DarError } from '../support/errors.ts'
import { openAligner } from './predict-align.ts'
import { addPredictFlags, kindsFor, type PredictFlags, readPredictFlags } from './predict-flags.ts'
import { createReport, type Report } from './predict-report.ts'
import { EXIT_CODES, EXIT_MISTAKE } from './run.ts'
import { untilSignal } from './until-signal.ts'

const HELP = `
A photo is a file, a folder (with all below it, whose structure is kept), a quoted pattern ('pics/**/*.jpg'), @list.txt or - (a list of
paths on standard input, one a line or separated by NUL).

What --maps names, for photo.jpg, in the folder of --out:
  color   photo.color.png   colours with a legend, 0.3 to 10 m in every picture
  depth   photo.depth.png   16-bit grey, millimetres along the viewing axis, at the photo's size
  npy     photo.depth.npy   float32 metres, height × width
  log     photo.log.png     16-bit grey on a logarithmic scale, near and far in its text chunks, as MoGe writes it
  npz     photo.depth.npz   depth, sigma and intrinsics
  exr     photo.depth.exr   float32 metres, one channel
  ply     photo.ply         points with colours, at most 2 million; x right, y down, z forward
  glb     photo.glb         a surface with the photo on it, cut where depth jumps; y up
  json    photo.json        size, range, camera, timings
  sigma   photo.sigma.color.png, photo.sigma.npy      standard deviation in metres
  steps   photo.step1.color.png, photo.step1.depth.png, … and photo.steps.png, all on one sheet

Files that are there already are kept, and a photo that has all of its files is skipped; --overwrite makes them anew, --resume those of
photos that have only some. Photos of one name are told apart: x/photo.color.png and y/photo.color.png, a.jpg.color.png and a.png.color.png.

Right metres need the focal length: from EXIF (the 35 mm equivalent, or the focal length and the sensor's resolution), or from a flag.
A photo without either is taken for one of a phone's main camera. The line of each photo says which it was.
A relative model (Depth Anything's) has no metres: photo.color.png and photo.depth.npy hold its inverse depth as it is.
The exit code is 1 when a photo could not be read; the others are done all the same. Ctrl-C finishes the photo at hand.`

export function registerPredict(program: Command): void {
  const verb = program
    .command('predict')
    .description('depth maps of photos (JPEG, PNG, WebP)')
    .argument('<photo...>', 'files, folders, quoted patterns, @list, or - for a list on standard input')
  addPredictFlags(verb)
    .addHelpText('after', HELP)
    .action(async (photos: readonly string[], flags: PredictFlags) => {
      const code = await predict(photos, flags)
      if (code !== 0) process.exitCode = code
    })
}

/** Returns the exit code. */
async function predict(given: readonly string[], flags: PredictFlags): Promise<number> {
  const { out, overwrite = false, resume = false, json = false } = flags
  const { threads, options, style, ...wanted } = readPredictFlags(flags)
  const { files, problems, results } = await listInputs(given, { out })
  if (files.length === 0) {
    const report = createReport({ json, model: flags.model, total: 0, unit: 'metre' })
    for (const { message } of problems) report.problem(null, message)
    return EXIT_MISTAKE
  }
  // One photo needs no process of its own for decoding: nothing else is lost with it.
  await using decoder = files.length > 1 ? new DecoderProcess() : null
  decoder?.start()
  const decodeFile = decoder?.decode
  await using model = await loadModelReading({ decode: decodeFile }, flags.model, { threads, provider: flags.device })
  const align = await openAligner(flags, { photos: files.length, metric: isMetric(model.config) })
  const unit = align || isMetric(model.config) ? 'metre' : 'relative'
  const kinds = kindsFor(model.config, wanted, { metric: unit === 'metre' })
  const suffixes = suffixesOf(kinds, { steps: mapCount(model.config) })
  const plan = planOutputs(files, out, suffixes)
  await checkWritable(out)
  const found = await withExisting(plan, out, suffixes)
  const isDone = ({ existing }: Found) => !overwrite && existing.length === suffixes.length
  const todo = found.filter((photo) => !isDone(photo))

  const report = createReport({ json, model: model.name, total: todo.length, unit })
  for (const { message } of problems) report.problem(null, message)
  if (results > 0) report.note(`${results} files are results of earlier runs, and are left out`)
  report.skipped(found.filter(isDone).map((photo) => ({ image: photo.input, files: pathsOf(photo, out, suffixes) })))

  const signals = untilSignal({ tells: true, notice: 'stopping after the photo at hand' })
  let [failures, count] = [problems.length, 0]
  let fatal: DarError | null = null
  try {
    const work = predictFiles(model, todo, {
      out,
      style: { ...style, kinds, unit },
      suffixes,
      options,
      write: overwrite || resume ? 'all' : 'missing',
      signal: signals.signal,
      ...(decodeFile && { decodeFile }),
      ...(align && { finish: align }),
    })
    for await (const result of work) {
      count++
      report.add(result)
      if (!result.error) continue
      failures++
      if (result.fatal) fatal = result.error
    }
  } finally {
    signals.ignore()
    report.done()
  }
  return ending(report, { left: todo.length - count, fatal, caught: signals.caught(), failures })
}

function pathsOf({ stem }: Found, out: string, suffixes: readonly string[]): Record<string, string> {
  return Object.fromEntries(suffixes.map((suffix) => [suffix, join(out, `${stem}.${suffix}`)]))
}

interface Ending {
  /** Photos that were not begun. */
  readonly left: number
  /** What ended the batch. */
  readonly fatal: DarError | null
  readonly caught: NodeJS.Signals | null
  readonly failures: number
}

/** Says what is left to do, and returns the exit code. */
function ending(report: Report, { left, fatal, caught, failures }: Ending): number {
  if (left > 0) report.note(`stopped: ${left} photos are left; the same command with --resume goes on`)
  if (fatal) return fatal.kind === 'gone' ? EXIT_CODES.gone : EXIT_CODES.output
  if (caught) return 128 + constants.signals[caught]
  return failures > 0 ? EXIT_MISTAKE : 0
}
