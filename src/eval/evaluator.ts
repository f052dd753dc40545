/**
 * From a data set and a predictor to figures: every frame is predicted once and judged under each protocol. Metrics are
 * per image, then the mean over images; the rows of the single images are kept, because a mean hides its failures. When the
 * predictor gives the maps of its steps, each step is judged like the final map.
 *
 * Frames are read, judged and forgotten one by one: memory does not grow with the data set. The ground truth is never
 * resized: a mean across a hole or an edge is a depth that nothing has. The prediction comes to it instead, bilinearly at
 * the centres of its pixels. Left out: boundary F1, which needs dense ground truth, and drawing.
 */
import type { Dataset, Frame } from '../data/types.ts'
import type { DepthImage } from '../image/types.ts'
import { assert, DarError } from '../support/errors.ts'
import { align, clampPrediction, median } from './align.ts'
import { PIXEL_METRICS, type PixelMetrics, pixelMetrics } from './metrics.ts'
import { type Protocol, type Rectangle, regionBox } from './protocol.ts'

/** Metres, at any size: it is spread over the image, or over the part that it covers. A plain `DepthImage` is one. */
export interface Prediction extends DepthImage {
  /** The part of the frame's image that the map shows, in pixels of that image; default: all of it. */
  readonly covers?: Rectangle
  /** The maps of the steps, coarse to fine, of the same part of the image. */
  readonly steps?: readonly DepthImage[]
}

/** Must not depend on `frame.depth`. */
export type Predictor = (frame: Frame) => Promise<Prediction>

export interface FrameFigures {
  readonly name: string
  /** Pixels that the metrics are over. */
  readonly pixels: number
  readonly metrics: PixelMetrics
  /** median(truth) / median(prediction): what median-scaling would multiply the prediction by. */
  readonly medianScale: number
  readonly steps: readonly PixelMetrics[]
}

export interface Evaluation {
  readonly protocol: Protocol
  readonly images: number
  /** Frames left out because the region holds no valid pixel. */
  readonly empty: readonly string[]
  /** Means over images. */
  readonly metrics: PixelMetrics
  readonly medianScale: number
  /** Means over images for each step; empty when the predictor has none. */
  readonly steps: readonly PixelMetrics[]
  readonly frames: readonly FrameFigures[]
}

export interface EvaluateOptions {
  readonly protocols: readonly Protocol[]
  /** Under which of the protocols the steps are judged too; default: all. */
  readonly stepProtocols?: readonly Protocol[]
  /** Called after every frame. */
  readonly onProgress?: (done: number, frame: string) => void
}

/**
 * One evaluation for each protocol, in their order.
 * @throws DarError when a frame has no depth map, a prediction does not cover the region, or no frame has a valid pixel.
 */
export async function evaluate(
  dataset: Dataset,
  predict: Predictor,
  { protocols, stepProtocols = protocols, onProgress }: EvaluateOptions,
): Promise<Evaluation[]> {
  const tallies = protocols.map((protocol) => ({ protocol, frames: [] as FrameFigures[], empty: [] as string[] }))
  let done = 0
  for await (const frame of dataset) {
    const figures = judge(frame, await predict(frame), { protocols, stepProtocols })
    tallies.forEach(({ frames, empty }, i) => {
      const one = figures[i]
      if (one) frames.push(one)
      else empty.push(frame.name)
    })
    onProgress?.(++done, frame.name)
  }
  return tallies.map(({ protocol, frames, empty }) => {
    if (frames.length === 0)
      throw new DarError(
        `no frame of ${dataset.name} (${empty.length}) has a valid depth pixel; check its depth scale, the range and the region`,
      )
    return {
      protocol,
      images: frames.length,
      empty,
      metrics: meanMetrics(frames.map(({ metrics }) => metrics)),
      medianScale: frames.reduce((sum, { medianScale }) => sum + medianScale, 0) / frames.length,
      steps: frames[0].steps.map((_, k) => meanMetrics(frames.map(({ steps }) => steps[k]))),
      frames,
    }
  })
}

/** Figures of one frame under each protocol, null where the region holds no valid pixel. Throws as `evaluate`. */
export function judge(
  frame: Frame,
  prediction: Prediction,
  { protocols, stepProtocols = protocols }: Pick<EvaluateOptions, 'protocols' | 'stepProtocols'>,
): (FrameFigures | null)[] {
  const sampled = new Map<string, Sampled>() // protocols that differ in alignment only share their pixels
  return protocols.map((protocol) => {
    const key = [protocol.region, protocol.minimum, protocol.cap].join()
    const samples = sampled.get(key) ?? sample(frame, prediction, protocol)
    sampled.set(key, samples)
    const { g, d, steps, medianScale } = samples
    if (g.length === 0) return null
    const everywhere = new Uint8Array(g.length).fill(1)
    const measure = (values: Float64Array) =>
      pixelMetrics(clampPrediction(align(values, g, everywhere, protocol.alignment), protocol.cap), g)
    const judged = stepProtocols.includes(protocol) ? steps : []
    return {
      name: frame.name,
      pixels: g.length,
      metrics: measure(d),
      medianScale,
      steps: judged.map((step) => measure(step())),
    }
  })
}

/** The measurements of a region and what was predicted there; steps are sampled when they are asked for. */
interface Sampled {
  readonly g: Float64Array
  readonly d: Float64Array
  readonly steps: readonly (() => Float64Array)[]
  readonly medianScale: number
}

function sample(frame: Frame, prediction: Prediction, protocol: Protocol): Sampled {
  const truth = frame.depth
  if (!truth) throw new DarError(`${frame.name} has no depth map; evaluate frames with ground truth`)
  const covers = inTruthPixels(prediction.covers, frame, truth)
  checkCovered(frame, covers, truth, protocol)
  const at = validTruth(truth, protocol)
  const g = Float64Array.from(at, (i) => truth.data[i])
  const d = sampleAt(prediction, covers, at, truth.width)
  const steps = (prediction.steps ?? []).map((step) => () => sampleAt(step, covers, at, truth.width))
  return { g, d, steps, medianScale: median(g) / median(d) }
}

/** Mean of every metric. */
export function meanMetrics(all: readonly PixelMetrics[]): PixelMetrics {
  const mean = (name: (typeof PIXEL_METRICS)[number]) => all.reduce((sum, one) => sum + one[name], 0) / all.length
  return Object.fromEntries(PIXEL_METRICS.map((name) => [name, mean(name)])) as PixelMetrics
}

/** Positions of the measurements that count. */
function validTruth({ data, width, height }: DepthImage, { region, minimum, cap }: Protocol): number[] {
  assert(data.length === width * height, `a depth map of ${data.length} values for ${width}x${height}`)
  const box = regionBox(region, width, height)
  const at: number[] = []
  for (let y = box.top; y < box.bottom; y++)
    for (let i = y * width + box.left; i < y * width + box.right; i++)
      if (data[i] > minimum && data[i] < cap) at.push(i)
  return at
}

/** What a prediction covers, in pixels of the ground truth, which may have another size than the image. */
function inTruthPixels(covers: Rectangle | undefined, { image }: Frame, { width, height }: DepthImage): Rectangle {
  if (!covers) return { left: 0, top: 0, width, height }
  const perX = width / image.width
  const perY = height / image.height
  return {
    left: covers.left * perX,
    top: covers.top * perY,
    width: covers.width * perX,
    height: covers.height * perY,
  }
}

/** A prediction's edge may miss the centres of the outermost pixels: boxes in whole pixels do. */
function checkCovered({ name }: Frame, covers: Rectangle, truth: DepthImage, { region }: Protocol): void {
  const box = regionBox(region, truth.width, truth.height)
  const missed = Math.max(
    covers.left - box.left,
    covers.top - box.top,
    box.right - covers.left - covers.width,
    box.bottom - covers.top - covers.height,
  )
  if (missed > 1)
    throw new DarError(
      `the prediction of ${name} does not cover the region ${region} (${missed.toFixed(0)} pixels are missing); choose a smaller region`,
    )
}

/**
 * The map's values at the centres of the ground-truth pixels `at`, bilinearly, the border continued:
 *
 *     u = (x + ½ − left)·w / width − ½,   clamped to [0, w − 1]        and v likewise
 */
function sampleAt(map: DepthImage, covers: Rectangle, at: readonly number[], truthWidth: number): Float64Array {
  const { data, width, height } = map
  assert(data.length === width * height, `a prediction of ${data.length} values for ${width}x${height}`)
  const values = new Float64Array(at.length)
  for (let i = 0; i < at.length; i++) {
    const x = at[i] % truthWidth
    const y = (at[i] - x) / truthWidth
    const u = clampTo(((x + 0.5 - covers.left) * width) / covers.width - 0.5, width - 1)
    const v = clampTo(((y + 0.5 - covers.top) * height) / covers.height - 0.5, height - 1)
    const column = Math.floor(u)
    const row = Math.floor(v) * width
    const right = column + 1 < width ? column + 1 : column
    const below = row + width < data.length ? row + width : row
    values[i] = mix(
      mix(data[row + column], data[row + right], u - column),
      mix(data[below + column], data[below + right], u - column),
      v - Math.floor(v),
    )
  }
  return values
}

const clampTo = (value: number, highest: number) => Math.min(Math.max(value, 0), highest)

/** `a` itself at weight 0, so that an infinity beside it does not turn it into NaN. */
const mix = (a: number, b: number, weight: number) => (weight === 0 ? a : a + weight * (b - a))
