/**
 * Depth metrics over pixels (algorithm section 10), in the order in which this field prints them.
 *
 * With d the prediction, g the ground truth, e = ln d − ln g, over the pixels that count (judge.ts finds them):
 *
 *     abs_rel  mean(|d−g| / g)                 rmse      √mean((d−g)²)        log10  mean|log10 d − log10 g|
 *     sq_rel   mean((d−g)² / g)                rmse_log  √mean(e²)            silog  100·√(mean(e²) − mean(e)²)
 *     d1 d2 d3 share of pixels with max(d/g, g/d) < 1.25, 1.25², 1.25³ (strict)
 *
 * The sums of one image give its metrics; those of many, merged, give the metrics over the pixels of all. All arithmetic is float64.
 */
import { assert } from '../support/errors.ts'
import { logRatio } from './log-ratio.ts'

/** The metrics that are means over pixels, in the order in which this field prints them. */
export const PIXEL_METRICS = ['d1', 'd2', 'd3', 'abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'log10', 'silog'] as const

/** One value per name of `PIXEL_METRICS`. */
export type PixelMetrics = Record<(typeof PIXEL_METRICS)[number], number>

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
