/**
 * A video in, its depth out, frame by frame:
 *
 *     source → network → smoothing → depth at the photo's size → picture → files
 *
 * Nothing is held but the frames under way: the source is asked for a frame only when there is room for it, so a slow encoder slows
 * the decoder, and an hour of video takes the memory of a second of it.
 */
import { resolve } from 'node:path'
import { type ColorMapName, colourise, DEFAULT_SCALE } from '../image/colormap.ts'
import { resizeBilinear } from '../image/resize.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import { isMetric } from '../model/index.ts'
import type { DepthModel } from '../predict/depth-model.ts'
import type { Focal, NetworkMaps } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { type ColourHistogram, colourHistogram, isCut } from './cut.ts'
import { containerOf, openVideoFile } from './encode.ts'
import { inOrder } from './in-order.ts'
import { lumaGrid } from './luma.ts'
import { depthPicture } from './picture.ts'
import { type Rate, shownRate } from './rate.ts'
import { openNpyFile, openPngFolder, refuseReplacing, type Sink } from './sink.ts'
import { type SmoothState, smoothFrame } from './smooth.ts'
import type { FrameSource, SourceOptions } from './source.ts'

/** Frames that the network works on or that wait for it: one is prepared while one is computed. */
export const FRAMES_UNDER_WAY = 2

/** What is written. At least one. */
export interface VideoOutputs {
  /** A video in colours; its ending says which kind. */
  readonly video?: string
  /** A folder of 16-bit PNGs in millimetres. */
  readonly png?: string
  /** One array of float32 metres. */
  readonly npy?: string
}

export interface DepthVideoOptions extends Pick<SourceOptions, 'signal'> {
  readonly outputs: VideoOutputs
  /** Metres at the ends of the colours; default: the model's range. */
  readonly near?: number
  readonly far?: number
  readonly map?: ColorMapName
  readonly sideBySide?: boolean
  readonly legend?: boolean
  /** Steady the depth from frame to frame. Default true. */
  readonly smooth?: boolean
  /** Focal length in pixels of the upright frame; default: EXIF of a sequence's pictures, else the canonical lens. */
  readonly focal?: number
  /** Stop after so many frames. */
  readonly limit?: number
  /** Called after every frame. `total` is null where nothing says how many there are. */
  readonly onFrame?: (done: number, total: number | null) => void
}

export interface VideoReport {
  /** The model's name. */
  readonly model: string
  readonly frames: number
  readonly width: number
  readonly height: number
  readonly fps: number
  /** Paths of what was written. */
  readonly files: VideoOutputs
  /** The same for every frame. */
  readonly colours: { readonly map: ColorMapName; readonly near: number; readonly far: number }
  readonly focal: Focal
  /** Null when it was left out. `cuts`: frames, from 0, that begin a new shot. `moving`: share of frames in which the camera moved. */
  readonly smoothing: { readonly cuts: readonly number[]; readonly moving: number } | null
  readonly notes: readonly string[]
  /** Reasons why its metres are less certain than usual. */
  readonly warnings: readonly string[]
  /** Whether it was stopped by the signal. */
  readonly isInterrupted: boolean
}

/** Refuses at once, before the input is read, what cannot be written. @throws DarError that names the path. */
export async function checkOutputs(
  input: string,
  { video, png, npy }: VideoOutputs,
  { overwrite = false }: { readonly overwrite?: boolean } = {},
): Promise<void> {
  const paths = [video, png, npy].filter((path) => path !== undefined)
  if (paths.length === 0) throw new DarError('there is nothing to write; give --out, --png or --npy')
  if (video !== undefined) containerOf(video)
  for (const [i, path] of paths.entries()) {
    if (resolve(path) === resolve(input))
      throw new DarError(`the result would replace the input ${input}; choose another name`)
    if (paths.slice(0, i).some((other) => resolve(other) === resolve(path)))
      throw new DarError(`two results would be written to ${path}; give them different names`)
    await refuseReplacing(path, { overwrite })
  }
}

/**
 * Writes the depth of a video. Results that are there are replaced; `checkOutputs` refuses that beforehand. Each result appears whole or
 * not at all. An aborted `signal` ends the video after the frames that are under way, and what was made is written.
 * @throws DarError when the input cannot be read to its end, a result cannot be written, or ffmpeg is missing or fails.
 */
export async function depthVideo(
  source: FrameSource,
  model: DepthModel,
  options: DepthVideoOptions,
): Promise<VideoReport> {
  const { outputs, signal, limit, onFrame, smooth = true } = options
  if (!isMetric(model.config))
    throw new DarError(
      `the model ${model.name} has no metres, and each of its frames would be on a scale of its own; give a metric model`,
    )
  const colours = coloursOf(model, options)
  const sinks: Sink[] = []
  try {
    sinks.push(...(await openSinks(outputs, source)))
    const steady = steadier({ smooth })
    const warnings = new Set<string>()
    let count = 0
    let last: { readonly photo: RgbImage; readonly focal: Focal } | null = null
    const predict = async (photo: RgbImage) => ({
      photo,
      maps: await model.predictMaps(photo, { focal: options.focal }),
    })
    const frames = limited(source.frames(), limit)
    for await (const { photo, maps } of inOrder(frames, predict, { most: FRAMES_UNDER_WAY })) {
      const depth = atSizeOf(photo, steady.next(photo, maps))
      const frame = { depth, picture: depthPicture(photo, depth, { ...options, ...colours }) }
      for (const sink of sinks) await sink.write(frame)
      for (const warning of maps.warnings) warnings.add(warning)
      last = { photo, focal: maps.focal }
      onFrame?.(++count, limit === undefined ? source.total : Math.min(limit, source.total ?? limit))
    }
    if (!last)
      throw new DarError(
        `${source.name} gave no frame${signal?.aborted ? ' before it was interrupted' : ''}; nothing was written`,
      )
    for (const sink of sinks) await sink.finish()
    for (const sink of sinks) await sink.place()
    return {
      model: model.name,
      frames: count,
      width: last.photo.width,
      height: last.photo.height,
      fps: Number(shownRate(source.rate)),
      files: outputs,
      colours,
      focal: last.focal,
      smoothing: steady.report(),
      notes: [...source.notes],
      warnings: [...warnings],
      isInterrupted: signal?.aborted ?? false,
    }
  } catch (error) {
    for (const sink of sinks) await sink.discard()
    throw error
  }
}

/** One range for the whole video. @throws DarError when it is empty. */
function coloursOf(
  { config }: DepthModel,
  { near = config.dMin, far = config.dMax, map = DEFAULT_SCALE.map }: DepthVideoOptions,
): VideoReport['colours'] {
  colourise({ width: 1, height: 1, data: Float32Array.of(1) }, { map, near, far })
  return { map, near, far }
}

async function openSinks(
  { video, png, npy }: VideoOutputs,
  { rate, isLive }: { readonly rate: Rate; readonly isLive: boolean },
) {
  const sinks: Sink[] = []
  try {
    if (video !== undefined) sinks.push(await openVideoFile(video, { rate, isLive }))
    if (png !== undefined) sinks.push(await openPngFolder(png))
    if (npy !== undefined) sinks.push(await openNpyFile(npy))
  } catch (error) {
    for (const sink of sinks) await sink.discard()
    throw error
  }
  return sinks
}

/** The first frames only. */
async function* limited(frames: ReturnType<FrameSource['frames']>, most = Number.POSITIVE_INFINITY) {
  let count = 0
  for await (const frame of frames) {
    yield frame
    if (++count >= most) return
  }
}

function atSizeOf({ width, height }: RgbImage, depth: DepthImage): DepthImage {
  return { width, height, data: resizeBilinear(depth.data, depth.width, depth.height, width, height) }
}

interface Steadier {
  /** The depth to show for a frame, on the network's grid. */
  next(photo: RgbImage, maps: NetworkMaps): DepthImage
  report(): VideoReport['smoothing']
}

/** Smoothing (smooth.ts) that begins anew at every cut (cut.ts). */
export function steadier({ smooth }: { readonly smooth: boolean }): Steadier {
  if (!smooth) return { next: (_, { depth }) => depth, report: () => null }
  let state: SmoothState | null = null
  let before: ColourHistogram | null = null
  let count = 0
  let moving = 0
  const cuts: number[] = []
  return {
    next(photo, { depth, sigma }) {
      const histogram = colourHistogram(photo)
      if (before && isCut(before, histogram)) {
        state = null
        cuts.push(count)
      }
      before = histogram
      const smoothed = smoothFrame(state, { depth, sigma, luma: lumaGrid(photo, depth) })
      state = smoothed.state
      count++
      moving += smoothed.cameraMotion
      return smoothed.depth
    },
    report: () => ({ cuts, moving: count > 0 ? moving / count : 0 }),
  }
}
