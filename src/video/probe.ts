/**
 * What is in a video file, by `ffprobe`. The file is read through once, without decoding it: a header tells neither whether frames come
 * at even times nor whether the file is whole.
 */
import { z } from 'zod'
import { DarError } from '../support/errors.ts'
import { output } from './ffmpeg.ts'
import { perSecond, type Rate, readRate, USUAL_RATE } from './rate.ts'

export interface VideoFacts {
  /** The mean over the video. */
  readonly rate: Rate
  /** Whether frames come at uneven times. */
  readonly isUneven: boolean
  /** Frames that are there. */
  readonly frames: number
  /** From the first frame to the end of the last. */
  readonly seconds: number
  /** Why it is not all of a video, for a message; null when it is. */
  readonly damage: string | null
}

const text = z.string().optional()
const answer = z.object({
  packets: z.array(z.object({ pts_time: text, flags: text })).optional(),
  streams: z.array(z.object({ avg_frame_rate: text, nb_frames: text })).optional(),
  format: z.object({ format_name: text }).optional(),
})

/** Formats of single pictures. */
const PICTURES = /(^|,)(image2|[a-z0-9]+_pipe|webp)(,|$)/
/** What ffmpeg says of a file that ends too soon. */
const BREAKS_OFF = /ended prematurely|partial file|truncat/i
/** A distance between two frames is odd when it differs from the middle one by this share of it … */
const ODD = 0.25
/** … and a video is uneven when this share of its distances is odd. */
const UNEVEN = 0.02
/** Rates that differ by less are one rate. */
const SAME_RATE = 0.01
/** A file may state this share more frames than it has: the last ones of a recording are often lost. */
const LOST = 0.02

/**
 * Looks at the first video stream; the cover of a song is none.
 * @throws DarError when the file is no video, has no video in it, or is a photo, or ffprobe is missing.
 */
export async function probeVideo(path: string): Promise<VideoFacts> {
  const entries = 'format=format_name:stream=avg_frame_rate,nb_frames:packet=pts_time,flags'
  const { code, stdout, stderr } = await output('ffprobe', [
    ...['-v', 'error', '-of', 'json', '-select_streams', 'V:0', '-show_entries', entries, `file:${path}`],
  ])
  const parsed = code === 0 ? answer.safeParse(JSON.parse(stdout || '{}')) : null
  if (!parsed?.success) throw unreadable(path, stderr)
  const { packets = [], streams = [], format } = parsed.data
  if (streams.length === 0) throw new DarError(`${path} has no video in it; give a file with a video stream`)
  if (PICTURES.test(format?.format_name ?? ''))
    throw new DarError(`${path} is a photo, not a video; dar predict makes its depth map`)
  const [{ avg_frame_rate, nb_frames }] = streams
  // What a trimmed file keeps but does not show is marked with D.
  const shown = packets.filter(({ flags }) => !flags?.includes('D'))
  const stated = Number(nb_frames ?? 0)
  const isShort = stated > 0 && packets.length < (1 - LOST) * stated - 1
  const told = stderr.split('\n').find((line) => BREAKS_OFF.test(line))
  const why = told ? ` (ffprobe: ${told.replace(/^\[[^\]]*\] /, '')})` : ''
  return {
    ...timingOf(shown, readRate(avg_frame_rate ?? '')),
    frames: shown.length,
    damage: isShort || told ? `after frame ${packets.length}${stated > 0 ? ` of ${stated}` : ''}${why}` : null,
  }
}

/** From the times of the frames, which come in the order in which they are decoded; `stated` where they have none. */
function timingOf(
  packets: readonly { readonly pts_time?: string }[],
  stated: Rate | null,
): Pick<VideoFacts, 'rate' | 'isUneven' | 'seconds'> {
  const times = packets.map(({ pts_time }) => Number(pts_time ?? Number.NaN)).sort((a, b) => a - b)
  const distances = times.slice(1).map((time, i) => time - times[i])
  const middle = [...distances].sort((a, b) => a - b)[distances.length >> 1]
  const rate = stated ?? USUAL_RATE
  if (!(middle > 0)) return { rate, isUneven: false, seconds: packets.length / perSecond(rate) }
  const span = times[times.length - 1] - times[0]
  const mean = distances.length / span
  const measured = Math.abs(perSecond(rate) / mean - 1) < SAME_RATE ? rate : (readRate(mean.toFixed(3)) ?? rate)
  const odd = distances.filter((distance) => Math.abs(distance / middle - 1) > ODD).length
  return { rate: measured, isUneven: odd > UNEVEN * distances.length, seconds: span + 1 / mean }
}

function unreadable(path: string, stderr: string): DarError {
  const lines = stderr.split('\n').filter(Boolean)
  const why = lines.some((line) => line.includes('moov atom not found'))
    ? 'the index of an MP4 is missing, as when a copy breaks off'
    : (lines.at(-1)?.replace(`file:${path}: `, '') ?? 'ffprobe says nothing more')
  return new DarError(
    `${path} is not a video that can be read (${why}); copy it again, or give a video, a folder or pattern of pictures, or -`,
  )
}
