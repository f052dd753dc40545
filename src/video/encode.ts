/** A video file as a result: pictures go to ffmpeg as raw RGB, by a pipe. */
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Writable } from 'node:stream'
import type { RgbImage } from '../image/types.ts'
import { remedyFor } from '../support/cannot-write.ts'
import { assert, DarError } from '../support/errors.ts'
import { complaint, eachFrameOnce, type Ffmpeg, startFfmpeg } from './ffmpeg.ts'
import { perSecond, type Rate, rateText } from './rate.ts'
import { placeFile, preparedBeside, type Sink } from './sink.ts'

interface Container {
  /** ffmpeg's name, since a temporary name does not tell. */
  readonly format: string
  readonly codec: readonly string[]
}

/** What every player shows; the quality hides H.264's blocks in smooth colours. */
const H264 = ['-c:v', 'libx264', '-crf', '18', '-pix_fmt', 'yuv420p']
/** The index at the front, so that a browser plays before it has the whole file. */
const INDEX_FIRST = ['-movflags', '+faststart']

const CONTAINERS: Readonly<Record<string, Container>> = {
  '.mp4': { format: 'mp4', codec: [...H264, ...INDEX_FIRST] },
  '.m4v': { format: 'mp4', codec: [...H264, ...INDEX_FIRST] },
  '.mov': { format: 'mov', codec: [...H264, ...INDEX_FIRST] },
  '.mkv': { format: 'matroska', codec: H264 },
  '.webm': { format: 'webm', codec: ['-c:v', 'libvpx-vp9', '-crf', '30', '-b:v', '0', '-pix_fmt', 'yuv420p'] },
  '.avi': { format: 'avi', codec: ['-c:v', 'mpeg4', '-q:v', '3', '-pix_fmt', 'yuv420p'] },
}

/** Endings of video files that can be written. */
export const VIDEO_ENDINGS = Object.keys(CONTAINERS) as readonly string[]

/** @throws DarError when the name's ending is none of `VIDEO_ENDINGS`. */
export function containerOf(path: string): Container {
  const container = CONTAINERS[extname(path).toLowerCase()]
  if (!container) throw new DarError(`${path} is no name of a video; end it in ${VIDEO_ENDINGS.join(', ')}`)
  return container
}

export interface EncodeOptions {
  readonly rate: Rate
  /** Frames come as time passes: each is repeated until the next one is there, so that the video keeps the speed of the world. */
  readonly isLive?: boolean
  /** The time in milliseconds. */
  readonly now?: () => number
}

/**
 * How often a live frame is written. The one that comes `seconds` after the first belongs at place ⌊seconds·rate⌋; the places up to there that
 * are free, `written` to that one, are its. A frame that comes within the place of the one before is left out.
 */
export function repeatsAt(
  seconds: number,
  { rate, written }: { readonly rate: Rate; readonly written: number },
): number {
  return Math.max(0, Math.floor(seconds * perSecond(rate)) + 1 - written)
}

/**
 * Opens a video file. ffmpeg starts at the first frame, which gives the size.
 * Colours are converted and marked as BT.709, limited range: unmarked ones are shown differently from player to player.
 */
export async function openVideoFile(
  path: string,
  { rate, isLive = false, now = () => performance.now() }: EncodeOptions,
): Promise<Sink> {
  const { format, codec } = containerOf(path)
  const temporary = await preparedBeside(path)
  let ffmpeg: Ffmpeg | null = null
  let size = { width: 0, height: 0 }

  const start = async ({ width, height }: RgbImage) => {
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-framerate', rateText(rate)]
    const tags = ['-color_primaries', 'bt709', '-color_trc', 'bt709', '-colorspace', 'bt709', '-color_range', 'tv']
    const mode = await eachFrameOnce()
    const matrix = ['-vf', 'scale=out_color_matrix=bt709:out_range=tv']
    const args = [...raw, '-i', 'pipe:0', ...mode, ...matrix, ...codec, ...tags, '-f', format, '-y']
    const started = await startFfmpeg([...args, `file:${temporary}`], { stdio: ['pipe', 'ignore', 'pipe'] })
    started.process.stdin?.on('error', () => {}) // a pipe that closes early is told by `ended`
    return started
  }
  const failed = async (running: Ffmpeg) => {
    const ending = await running.ended
    const why = complaint(ending, running.errors())
    const isFull = running.errors().some((line) => line.includes('No space left on device'))
    const lacks = /unknown encoder '(\w+)'/i.exec(why)
    const remedy = lacks
      ? `this ffmpeg has no ${lacks[1]}: install one that has, or write another of ${VIDEO_ENDINGS.join(', ')}`
      : remedyFor(isFull ? { code: 'ENOSPC' } : null)
    return new DarError(`cannot write ${path}: ${why}; ${remedy}`, { kind: ending.signal ? 'gone' : 'output' })
  }

  const send = async (running: Ffmpeg, { data }: RgbImage) => {
    const stdin = running.process.stdin as Writable
    if (stdin.destroyed || !stdin.writable) throw await failed(running)
    if (stdin.write(data)) return
    // The one frame that waits here is all that does.
    const drained = once(stdin, 'drain').then(
      () => true,
      () => false,
    )
    if (!(await Promise.race([drained, running.ended.then(() => false)]))) throw await failed(running)
  }

  let begun = 0
  let written = 0
  return {
    path,
    async write({ picture }) {
      if (!ffmpeg) {
        ffmpeg = await start(picture)
        size = picture
        begun = now()
      }
      assert(picture.width === size.width && picture.height === size.height, 'frames of two sizes in one video')
      const times = isLive ? repeatsAt((now() - begun) / 1000, { rate, written }) : 1
      for (let i = 0; i < times; i++) await send(ffmpeg, picture)
      written += times
    },
    async finish() {
      assert(ffmpeg, 'a video without a frame')
      ffmpeg.process.stdin?.end()
      const ending = await ffmpeg.ended
      if (ending.code !== 0) throw await failed(ffmpeg)
    },
    place: () => placeFile(path, temporary),
    async discard() {
      await ffmpeg?.stop()
      await rm(temporary, { force: true }).catch(() => {})
    },
  }
}
