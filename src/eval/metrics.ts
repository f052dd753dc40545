/**
 * Depth metrics of one image and their mean over images (algorithm section 10), in the order in which this field prints them.
 *
 * With d the prediction, g the ground truth, e = ln d − ln g, over the valid pixels (finite, 1 mm < g < cap, inside the
 * region):
 *
 *     abs_rel  mean(|d−g| / g)                 rmse      √mean((d−g)²)        log10  mean|log10 d − log10 g|
 *     sq_rel   mean((d−g)² / g)                rmse_log  √mean(e²)            silog  100·√(mean(e²) − mean(e)²)
 *     d1 d2 d3 share of pixels with max(d/g, g/d) < 1.25, 1.25², 1.25³ (strict)
 *
 * and boundary_f1, in boundary.ts. Metrics are computed per image and then averaged over images; pooling over the pixels
 * of all images gives other figures, and is there for protocols that ask for it. All arithmetic is float64. Bringing
 * prediction and ground truth to one size is the evaluator's business.
 */
import type { DepthImage } from '../image/types.ts'
import { assert, DarError } from '../support/errors.ts'
import { type Alignment, align, clampPrediction, MIN_EVAL_DEPTH } from './align.ts'
import { boundaryF1 } from './boundary.ts'
import { type Box, boxMask } from './crop.ts'
import { logRatio } from './log-ratio.ts'

/** The metrics that are means over pixels, in the order in which this field prints them. */
export const PIXEL_METRICS = ['d1', 'd2', 'd3', 'abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'log10', 'silog'] as const
/** All metrics of one image. */
export const METRICS = [...PIXEL_METRICS, 'boundary_f1'] as const

/** One value per name of `PIXEL_METRICS`. */
export type PixelMetrics = Record<(typeof PIXEL_METRICS)[number], number>
/** One value per name of `METRICS`. */
export type Metrics = Record<(typeof METRICS)[number], number>

const [T1, T2, T3] = [1.25, 1.25 ** 2, 1.25 ** 3]

/** The sums behind the nine metrics: of one image, or pooled over the pixels of many, in constant memory. */
export class PixelSums {
  private n = 0
  private absRel = 0
  private sqRel = 0
  private squares = 0
  private logs = 0
  private logSquares = 0
  private absLogs = 0
  private readonly within = [0, 0, 0]

  /** Pixels so far. */
  get pixels(): number {
    return this.n
  }

  /**
   * `d`, `g`: metres, same length, all positive. The thresholds are asked as max(d, g) < t·min(d, g): no division, and exact
   * for float32 depths, since t = 5/4, 25/16, 125/64 has few digits.
   */
  add(d: ArrayLike<number>, g: ArrayLike<number>): this {
    assert(d.length === g.length, `${d.length} predicted depths for ${g.length} measured ones`)
    return this.addPixels(asDoubles(d), asDoubles(g))
  }

  private addPixels(d: Float64Array, g: Float64Array): this {
    let absRel = 0
    let sqRel = 0
    let squares = 0
    let logs = 0
    let logSquares = 0
    let absLogs = 0
    let d1 = 0
    let d2 = 0
    let d3 = 0
    for (let i = 0; i < d.length; i++) {
      const p = d[i]
      const t = g[i]
      const difference = Math.abs(p - t)
      const relative = difference / t
      const e = logRatio(p, t)
      absRel += relative
      sqRel += relative * difference
      squares += difference * difference
      logs += e
      logSquares += e * e
      absLogs += Math.abs(e)
      const larger = Math.max(p, t)
      const smaller = Math.min(p, t)
      if (!(larger < T3 * smaller)) continue
      d3++
      if (!(larger < T2 * smaller)) continue
      d2++
      if (larger < T1 * smaller) d1++
    }
    return this.increase(d.length, [absRel, sqRel, squares, logs, logSquares, absLogs], [d1, d2, d3])
  }

  /** Adds the pixels of another sum; returns this. */
  merge(other: PixelSums): this {
    const { n, absRel, sqRel, squares, logs, logSquares, absLogs, within } = other
    return this.increase(n, [absRel, sqRel, squares, logs, logSquares, absLogs], within)
  }

  /** Of no pixels: all NaN. */
  metrics(): PixelMetrics {
    const { n, within } = this
    return {
      d1: within[0] / n,
      d2: within[1] / n,
      d3: within[2] / n,
      abs_rel: this.absRel / n,
      sq_rel: this.sqRel / n,
      rmse: Math.sqrt(this.squares / n),
      rmse_log: Math.sqrt(this.logSquares / n),
      log10: this.absLogs / n / Math.LN10,
      silog: 100 * Math.sqrt(Math.max(0, this.logSquares / n - (this.logs / n) ** 2)),
    }
  }

  private increase(n: number, sums: readonly number[], within: readonly number[]): this {
    this.n += n
    this.absRel += sums[0]
    this.sqRel += sums[1]
    this.squares += sums[2]
    this.logs += sums[3]
    this.logSquares += sums[4]
    this.absLogs += sums[5]
    for (let k = 0; k < 3; k++) this.within[k] += within[k]
    return this
  }
}

/** Loops over one kind of array are several times faster than loops that have seen two. */
const asDoubles = (values: ArrayLike<number>) => (values instanceof Float64Array ? values : Float64Array.from(values))

/**
 * The nine per-pixel metrics. `d`, `g`: metres, same length, all positive, valid pixels only. Of no pixels: all NaN.
 */
export function pixelMetrics(d: ArrayLike<number>, g: ArrayLike<number>): PixelMetrics {
  return new PixelSums().add(d, g).metrics()
}

/** Nonzero where `truth` is finite, above 1 mm and below `cap` metres, and inside the region. */
export function validPixels(truth: DepthImage, cap: number, region: Box | Uint8Array | null = null): Uint8Array {
  const { data: g, width, height } = truth
  const inside = region === null || region instanceof Uint8Array ? region : boxMask(region, width, height)
  assert(inside === null || inside.length === g.length, `a region of ${inside?.length} pixels for ${width}x${height}`)
  const valid = new Uint8Array(g.length)
  for (let i = 0; i < g.length; i++)
    valid[i] = g[i] > MIN_EVAL_DEPTH && g[i] < cap && (inside === null || inside[i]) ? 1 : 0
  return valid
}

/** How one image is judged. */
export interface MetricOptions {
  /** Metres; ground truth at or beyond it does not count, predictions are clamped to it. NYU 10, KITTI 80. */
  readonly cap?: number
  /** Where to measure: a box, a mask of the image's size (nonzero counts), or null for everywhere. */
  readonly region?: Box | Uint8Array | null
  readonly alignment?: Alignment
}

/**
 * All metrics of one image, or null when it has no valid pixel (`aggregate` counts those).
 *
 * `prediction`, `truth`: metres, of one size; the prediction may hold NaN, infinities and negative numbers, which the
 * clamp turns into its ends. Throws a DarError when the sizes differ.
 */
export function imageMetrics(
  prediction: DepthImage,
  truth: DepthImage,
  { cap = 10, region = null, alignment = 'none' }: MetricOptions = {},
): Metrics | null {
  const { width, height } = truth
  if (prediction.width !== width || prediction.height !== height)
    throw new DarError(
      `prediction is ${prediction.width}x${prediction.height}, ground truth ${width}x${height}; resize the prediction first`,
    )
  const valid = validPixels(truth, cap, region)
  const count = valid.reduce((sum, v) => sum + v, 0)
  if (count === 0) return null
  const clamped = clampPrediction(align(prediction.data, truth.data, valid, alignment), cap)
  const d = new Float64Array(count)
  const g = new Float64Array(count)
  for (let i = 0, n = 0; i < valid.length; i++) {
    if (!valid[i]) continue
    d[n] = clamped[i]
    g[n++] = truth.data[i]
  }
  return { ...pixelMetrics(d, g), boundary_f1: boundaryF1(clamped, truth.data, valid, width) }
}

/** Means over images. */
export interface Aggregate {
  readonly metrics: Metrics
  /** Images that the means are over. */
  readonly images: number
  /** Images left out because they had no valid pixel. */
  readonly empty: number
}

/** Mean of every metric over images; null entries are counted and left out. Throws a DarError when nothing is left. */
export function aggregate(perImage: Iterable<Metrics | null>): Aggregate {
  const metrics = Object.fromEntries(METRICS.map((name) => [name, 0])) as Metrics
  let images = 0
  let empty = 0
  for (const one of perImage) {
    if (one === null) {
      empty++
      continue
    }
    images++
    for (const name of METRICS) metrics[name] += one[name]
  }
  if (images === 0)
    throw new DarError(
      `no image has a valid depth pixel (${empty} without any); check the depth scale, the cap and the region`,
    )
  for (const name of METRICS) metrics[name] /= images
  return { metrics, images, empty }
}
