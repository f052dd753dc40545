/**
 * `dar video INPUT`: the depth of a video. The work is in src/video; this file has the flags and the printing. Results are whole or
 * not there. Ctrl-C ends the video after the frames under way and leaves what was made, with exit code 130.
 */
import { constants } from 'node:os'
import { type Command, Option } from 'commander'
import { COLOR_MAPS, type ColorMapName } from '../image/index.ts'
import { loadModel, metresText } from '../node/index.ts'
import type { Focal } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import { printableName as named } from '../support/printable.ts'
import { createProgress, type Progress } from '../support/progress.ts'
import {
  checkOutputs,
  depthVideo,
  openSource,
  parseRate,
  stemOf,
  VIDEO_ENDINGS,
  type VideoOutputs,
  type VideoReport,
} from '../video/index.ts'
import { type DeviceFlags, deviceOption } from './device-flag.ts'
import { above0, wholeAbove0 } from './flag-values.ts'
import { untilSignal } from './until-signal.ts'

interface Flags extends DeviceFlags {
  readonly out?: string
  /** False with `--no-video`. */
  readonly video: boolean
  readonly png?: string
  readonly npy?: string
  readonly model: string
  readonly focal?: string
  readonly near?: string
  readonly far?: string
  readonly map: ColorMapName
  readonly sideBySide?: boolean
  readonly legend?: boolean
  /** False with `--no-smooth`. */
  readonly smooth: boolean
  readonly fps?: string
  readonly format?: string
  readonly limit?: string
  readonly partial?: boolean
  readonly overwrite?: boolean
  readonly json?: boolean
  readonly threads?: string
}

const HELP = `
<input> is a video file, a folder of pictures, a pattern such as frame_%04d.png, - for standard input (whatever ffmpeg
can read from a pipe), an address (rtsp://…), or with -f the name of a device.

  $ dar video walk.mp4                                walk.depth.mp4, in colours
  $ dar video walk.mp4 --side-by-side --legend        photo and depth, with a scale in metres
  $ dar video walk.mp4 --no-video --png depth/        16-bit pictures in millimetres
  $ dar video frames/ --fps 30 -o room.mp4            a folder of pictures
  $ ffmpeg -i walk.mov -f yuv4mpegpipe - | dar video - -o walk.depth.mp4
  $ dar video -f v4l2 /dev/video0 -o desk.mp4         a webcam on Linux, until Ctrl-C

Needs ffmpeg on PATH, except for pictures in and pictures out. All frames have the same colours: the model's range of
metres, or --near and --far. The depth is steadied from frame to frame where the camera stands still (docs/video.md).
The video ends in ${VIDEO_ENDINGS.join(', ')}. Results appear when they are whole; Ctrl-C ends the video there.`

export function registerVideo(program: Command): void {
  program
    .command('video')
    .description('the depth of a video, as a video or as 16-bit pictures')
    .argument('<input>', 'a video, a folder or pattern of pictures, -, or a device')
    .option('-o, --out <file>', 'the video that is written (default: <input>.depth.mp4 in this folder)')
    .option('--no-video', 'write no video')
    .option('--png <dir>', 'also write 16-bit PNGs in millimetres into this folder')
    .option('--npy <file>', 'also write float32 metres, frames × height × width')
    .option('--model <name|file>', 'a shipped model, or a .safetensors file', 'dar-nano')
    .option('--focal <px>', 'focal length in pixels of the upright frame (default: a phone’s main camera)')
    .option('--near <m>', 'nearest distance of the colours, metres (default: the model’s)')
    .option('--far <m>', 'farthest distance of the colours, metres (default: the model’s)')
    .addOption(new Option('--map <name>', 'colours').choices(COLOR_MAPS).default('turbo'))
    .option('--side-by-side', 'show the photo on the left of its depth')
    .option('--legend', 'show a scale in metres')
    .option('--no-smooth', 'take each frame as the network gives it')
    .option('--fps <rate>', 'frames a second: bring a video to it, or show pictures at it (default: the video’s; 25)')
    .option('-f, --format <name>', 'format of the input as ffmpeg calls it, such as v4l2')
    .option('--limit <n>', 'stop after so many frames')
    .option('--partial', 'take what can be read of a video that is damaged or cut off')
    .option('--overwrite', 'replace results that are there')
    .option('--json', 'print one JSON document instead of lines')
    .option('--threads <n>', 'threads of the engine (default: all cores)')
    .addOption(deviceOption())
    .addHelpText('after', HELP)
    .action(videoVerb)
}

async function videoVerb(input: string, flags: Flags): Promise<void> {
  const style = {
    focal: above0('--focal', flags.focal),
    near: above0('--near', flags.near),
    far: above0('--far', flags.far),
    ...(({ map, sideBySide, legend, smooth, partial, overwrite, format }) => ({
      ...{ map, sideBySide, legend, smooth, partial, overwrite, format },
    }))(flags),
    limit: wholeAbove0('--limit', flags.limit),
    fps: flags.fps === undefined ? undefined : parseRate(flags.fps),
  }
  const threads = wholeAbove0('--threads', flags.threads)
  if (!flags.video && flags.out !== undefined)
    throw new DarError('--out names a video and --no-video wants none; give one of them')
  const outputs = outputsOf(input, flags)
  await checkOutputs(input, outputs, style)
  const signals = untilSignal({ tells: true, notice: 'stopping after this frame; what was made is written' })
  const { signal } = signals
  let progress: Progress | null = null
  const onFrame = (done: number, total: number | null) => {
    progress ??= createProgress({ total, label: 'frames', silent: flags.json, from: done })
    progress.update(done)
  }
  let report: VideoReport
  // A wrong input is not worth a model.
  const source = await openSource(input, { ...style, signal })
  try {
    await using model = await loadModel(flags.model, { threads, provider: flags.device })
    report = await depthVideo(source, model, { ...style, outputs, signal, onFrame })
  } finally {
    await source.close()
    ;(progress as Progress | null)?.done()
    signals.ignore()
  }
  print(input, report, { json: flags.json ?? false })
  const caught = signals.caught()
  if (caught && report.isInterrupted) process.exitCode = 128 + constants.signals[caught]
}

/** The video lands in the current folder unless it is told where. */
function outputsOf(input: string, { out, video, png, npy, format }: Flags): VideoOutputs {
  const named = out ?? `${stemOf(input, { format })}.depth.mp4`
  return { ...(video && { video: named }), ...(png !== undefined && { png }), ...(npy !== undefined && { npy }) }
}

/** The lens that the metres assume, and the source of that knowledge. */
function lensText({ source, millimetres35 }: Focal): string {
  if (source === 'default') return 'not known, 26 mm assumed'
  return `${source === 'given' ? '--focal' : 'EXIF'}, ${millimetres35.toFixed(0)} mm`
}

/** What was done on standard output, what is odd on standard error. */
function print(input: string, report: VideoReport, { json }: { readonly json: boolean }): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ input, ...report }, null, 2)}\n`)
    return
  }
  const { frames, width, height, fps, files, colours, focal, smoothing, notes, warnings, isInterrupted } = report
  const written = [files.video, files.png, files.npy].filter((path) => path !== undefined)
  const lines = [
    `${named(input)}: ${frames} frames of ${width}×${height} at ${fps} a second (lens: ${lensText(focal)}) → ${written.map(named).join(', ')}`,
    ...(files.video === undefined
      ? []
      : [`colours: ${metresText(colours.near)} to ${metresText(colours.far)} in every frame, ${colours.map}`]),
    smoothing === null ? 'smoothing: none' : `smoothing: ${smoothingText(smoothing)}`,
    ...notes,
    ...(isInterrupted ? [`interrupted after ${frames} frames, which are written`] : []),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  for (const warning of warnings) process.stderr.write(`dar: ${named(input)}: ${warning}\n`)
}

function smoothingText({ cuts, moving }: NonNullable<VideoReport['smoothing']>): string {
  const shots =
    cuts.length === 0
      ? 'one shot'
      : `${cuts.length + 1} shots, the later ones from frame ${cuts.slice(0, 10).join(', ')}${cuts.length > 10 ? ', …' : ''}`
  return `${shots}; the camera moved in ${Math.round(100 * moving)} % of the frames, where it does little`
}
