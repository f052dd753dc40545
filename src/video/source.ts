/**
 * Where frames come from: a video file, a folder or pattern of pictures, standard input, a device or an address. All become one
 * stream of RGB pictures with a rate.
 *
 * Time. A file whose frames come at even times gives each of its frames once. One with a variable rate is brought to its mean rate:
 * ffmpeg repeats or leaves out frames so that the video keeps its speed. A device (`-f`) gives each frame that it can be asked for, and
 * each is repeated until the next one is there.
 */
import { stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import type { RgbImage } from '../image/types.ts'
import type { StopSignal } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { complaint, eachFrameOnce, type Ffmpeg, startFfmpeg } from './ffmpeg.ts'
import { ppmFrames } from './ppm.ts'
import { probeVideo } from './probe.ts'
import { perSecond, type Rate, rateText, readRate, shownRate, USUAL_RATE } from './rate.ts'
import { folderSequence, isPattern, patternSequence, type Sequence, sequenceFrames } from './sequence.ts'

export interface SourceOptions {
  /** Rate to bring a video to, or at which pictures are shown. */
  readonly fps?: Rate
  /** ffmpeg's name of the input's format, as its `-f`: `v4l2` for a webcam on Linux. */
  readonly format?: string
  /** Take what can be read of a video that is cut off or damaged. */
  readonly partial?: boolean
  /** Ends the stream; what was read stays good. */
  readonly signal?: StopSignal
}

/** An open input. Close it, also when its frames were read. */
export interface FrameSource {
  /** For messages. */
  readonly name: string
  readonly rate: Rate
  /** Frames in all; null where nothing says. */
  readonly total: number | null
  /** Whether frames come as time passes, and get the times at which they came. */
  readonly isLive: boolean
  /** What was done about time, and what is odd: one sentence each. Grows until the last frame. */
  readonly notes: readonly string[]
  /**
   * Can be asked for once. @throws DarError when a frame cannot be read, the input breaks off (without `partial`), or ffmpeg fails.
   */
  frames(): AsyncGenerator<RgbImage, void, undefined>
  /** Ends what was started. */
  close(): Promise<void>
}

/** Formats that are devices: their frames come as time passes. */
const DEVICES = new Set(
  'v4l2 video4linux2 avfoundation dshow vfwcap gdigrab x11grab kmsgrab fbdev decklink openal android_camera'.split(' '),
)
/** With a name of this form ffmpeg reads from a network. */
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i
/** Share of the frames that may be missing in the end: with another rate their number is an estimate. */
const LOST = 0.02
/** What ffmpeg says of a device or file that it cannot find. */
const NOT_THERE = /no such (file|device)/i
/** What ffmpeg says of a stream that ends too soon. */
const BREAKS_OFF = /ended prematurely|partial file|truncat|corrupt|invalid NAL unit size|end of file/i

/**
 * Opens an input. `input`: a path, a pattern with `%d`, `-` for standard input, an address, or with `format` the name of a device.
 * @throws DarError when it is not there, is no video, or ffmpeg is missing.
 */
export async function openSource(input: string, options: SourceOptions = {}): Promise<FrameSource> {
  const { format, fps } = options
  if (input === '-' || format !== undefined || ADDRESS.test(input)) return openStream(input, options)
  if (isPattern(input) && !(await exists(input))) return openSequence(input, await patternSequence(input), options)
  const kind = await stat(input).catch(() => null)
  if (!kind) throw new DarError(`${input} was not found; check the name`, { kind: 'missing' })
  if (kind.isDirectory()) return openSequence(input, await folderSequence(input), options)
  if (kind.size === 0 && kind.isFile()) throw new DarError(`${input} is empty (0 bytes); copy it again`)
  const facts = await probeVideo(input)
  if (facts.damage !== null && !options.partial) throw cutOff(input, facts.damage)
  const even = fps ?? (facts.isUneven ? facts.rate : null)
  const notes: string[] = []
  if (fps) notes.push(`brought to ${shownRate(fps)} frames a second: frames are repeated or left out to keep time`)
  else if (facts.isUneven)
    notes.push(
      `frames come at uneven times; made even, ${shownRate(facts.rate)} a second: some are repeated or left out to keep time`,
    )
  const total = even ? Math.max(1, Math.round(facts.seconds * perSecond(even))) : facts.frames
  const ffmpeg = await startDecoder(['-i', `file:${input}`], { even, stdin: 'ignore' })
  const rate = even ?? facts.rate
  return streamOf(input, ffmpeg, { rate, total, isLive: false, notes }, options)
}

/** What file names of results begin with: the input's name without its ending or number, `video` where it has none. */
export function stemOf(input: string, { format }: Pick<SourceOptions, 'format'> = {}): string {
  if (input === '-' || format !== undefined) return 'video'
  const name = basename(ADDRESS.test(input) ? input.replace(/[?#].*/, '') : resolve(input))
  return basename(name, extname(name)).replace(/[_.-]?%0?\d*d/, '') || 'video'
}

const exists = async (path: string) => (await stat(path).catch(() => null)) !== null

function openSequence(input: string, sequence: Sequence, { fps, signal }: SourceOptions): FrameSource {
  const rate = fps ?? USUAL_RATE
  const notes = [`${sequence.paths.length} pictures, shown at ${shownRate(rate)} a second`]
  if (sequence.missing > 0)
    notes.push(`${sequence.missing} numbers of ${input} have no picture; the others follow each other`)
  return {
    ...{ name: input, rate, total: sequence.paths.length, isLive: false, notes },
    frames: () => sequenceFrames(sequence, { signal }),
    close: async () => {},
  }
}

/** What cannot be probed without being used up. Its rate is what ffmpeg says when it begins. */
async function openStream(input: string, options: SourceOptions): Promise<FrameSource> {
  const { format, fps } = options
  if (input === '-' && process.stdin.isTTY)
    throw new DarError('standard input is a terminal; pipe a video into it, or name a file')
  const isLive = format !== undefined && DEVICES.has(format)
  const name = input === '-' ? 'standard input' : input
  let told: Rate | null = null
  let onTold: (value: null) => void = () => {}
  const begun = new Promise<null>((resolve) => {
    onTold = resolve
  })
  const onLine = (line: string) => {
    const [, rate] = /Stream #\d+:\d+.*: Video: .*?, ([\d.]+k?) fps/.exec(line) ?? []
    // The last one to be told before the first frame is that of the output.
    told = readRate(rate ?? '') ?? told
    if (line.includes('Video: ppm')) onTold(null)
  }
  const from = [...(format ? ['-f', format] : []), '-i', input === '-' ? 'pipe:0' : input]
  const stdin = input === '-' ? 'inherit' : 'ignore'
  const ffmpeg = await startDecoder(from, { even: isLive ? null : (fps ?? null), stdin, onLine })
  await Promise.race([begun, ffmpeg.ended])
  const rate = fps ?? told ?? USUAL_RATE
  const notes = isLive
    ? [`frames come as time passes; each is repeated until the next, ${shownRate(rate)} a second`]
    : []
  if (!isLive && !fps && !told)
    notes.push(`${name} does not say how fast it is; taken for ${shownRate(rate)} frames a second`)
  return streamOf(name, ffmpeg, { rate, total: null, isLive, notes }, options)
}

interface Decoding {
  /** A constant rate to bring the frames to; null: each frame once. */
  readonly even: Rate | null
  readonly stdin: 'inherit' | 'ignore'
  readonly onLine?: (line: string) => void
}

async function startDecoder(input: readonly string[], { even, stdin, onLine }: Decoding): Promise<Ffmpeg> {
  const filter = even ? ['-vf', `fps=${rateText(even)}`] : []
  const each = await eachFrameOnce()
  const args = [...input, '-map', '0:V:0', ...filter, ...each, '-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24']
  const ffmpeg = await startFfmpeg([...args, 'pipe:1'], { stdio: [stdin, 'pipe', 'pipe'], onLine })
  // Frames may be asked for later. A stream that nobody listens to is emptied into nothing when its process ends.
  ffmpeg.process.stdout?.on('readable', () => {})
  return ffmpeg
}

function streamOf(
  name: string,
  ffmpeg: Ffmpeg,
  facts: Pick<FrameSource, 'rate' | 'total' | 'isLive'> & { readonly notes: string[] },
  { partial = false, signal }: SourceOptions,
): FrameSource {
  const stop = () => void ffmpeg.stop()
  async function* frames(): AsyncGenerator<RgbImage, void, undefined> {
    let count = 0
    let rest = 0
    try {
      signal?.addEventListener('abort', stop)
      if (signal?.aborted) return
      const bytes: AsyncIterable<Uint8Array> = ffmpeg.process.stdout!
      for await (const image of ppmFrames(bytes, (end) => {
        rest = end.rest
      })) {
        count++
        yield image
        if (signal?.aborted) return
      }
      const ending = await ffmpeg.ended
      if (signal?.aborted) return
      const trouble = troubleOf(name, { ending, errors: ffmpeg.errors(), count, rest, total: facts.total })
      if (trouble && (!partial || count === 0 || trouble.kind === 'gone')) throw trouble
      if (trouble) facts.notes.push(trouble.message)
      else if (ffmpeg.errors().length > 0) facts.notes.push(`ffmpeg found ${name} damaged: ${ffmpeg.errors()[0]}`)
    } finally {
      signal?.removeEventListener('abort', stop)
      await ffmpeg.stop()
    }
  }
  return { name, ...facts, frames, close: () => ffmpeg.stop() }
}

interface Outcome {
  readonly ending: Awaited<Ffmpeg['ended']>
  readonly errors: readonly string[]
  /** Frames that were read. */
  readonly count: number
  /** Bytes of one more. */
  readonly rest: number
  readonly total: number | null
}

/** Why the frames of an input are not all of it; null when they are. */
function troubleOf(name: string, { ending, errors, count, rest, total }: Outcome): DarError | null {
  const read = total === null ? `after frame ${count}` : `after frame ${count} of ${total}`
  if (ending.signal)
    return new DarError(`${complaint(ending, errors)} while it read ${name}, ${read}; run it again`, { kind: 'gone' })
  if (count === 0) {
    const why = errors.some((line) => /matches no streams/.test(line))
      ? 'it has no video in it'
      : complaint(ending, errors)
    if (errors.some((line) => NOT_THERE.test(line)))
      return new DarError(`cannot read ${name}: ${why}; check the name`, { kind: 'missing' })
    return new DarError(`cannot read ${name}: ${why}; give a video that ffmpeg plays`)
  }
  const isShort = total !== null && count < (1 - LOST) * total - 1
  if (ending.code === 0 && rest === 0 && !isShort && !errors.some((line) => BREAKS_OFF.test(line))) return null
  return cutOff(name, `${read}${errors.length > 0 ? ` (ffmpeg: ${errors[0]})` : ''}`)
}

const cutOff = (name: string, where: string): DarError =>
  new DarError(`${name} is damaged or cut off ${where}; copy it again, or take what can be read with --partial`)
