/**
 * Statistics of depth maps in constant memory: exact ones of a single map, and the distribution over a whole data set
 * from a fine logarithmic histogram. A set of any length and unit takes a few kilobytes.
 */
import type { DepthImage } from '../../image/types.ts'

export interface MapFigures {
  /** Share of pixels with a measurement. */
  readonly valid: number
  /** Metres over the measurements; NaN when there is none. */
  readonly min: number
  readonly median: number
  readonly max: number
  /** How many measurements there are, and how many different distances. */
  readonly measured: number
  readonly levels: number
  /** The smallest difference between two of them, as a share of `max`; 1 when there are not two. */
  readonly step: number
  /** Share of the measurements that have exactly the largest distance. */
  readonly atMax: number
  /** Share of the measurements that are a whole multiple of 8 mm. */
  readonly inEights: number
}

/** The measurements of a map, ascending. */
export function measurements({ data }: DepthImage): Float32Array {
  return data.filter((d) => d > 0 && d < Number.POSITIVE_INFINITY).sort()
}

/** `sorted`: its `measurements`. Even counts average the two in the middle. */
export function mapFigures(map: DepthImage, sorted: Float32Array = measurements(map)): MapFigures {
  const n = sorted.length
  let levels = n > 0 ? 1 : 0
  let eights = 0
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < n; i++) {
    if (i > 0 && sorted[i] !== sorted[i - 1]) {
      levels++
      least = Math.min(least, sorted[i] - sorted[i - 1])
    }
    if (Math.round(sorted[i] * 1000) % 8 === 0) eights++
  }
  let atMax = 0
  while (atMax < n && sorted[n - 1 - atMax] === sorted[n - 1]) atMax++
  return {
    valid: n / map.data.length,
    min: n > 0 ? sorted[0] : Number.NaN,
    median: n > 0 ? (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2 : Number.NaN,
    max: n > 0 ? sorted[n - 1] : Number.NaN,
    measured: n,
    levels,
    step: levels > 1 ? least / sorted[n - 1] : 1,
    atMax: n > 0 ? atMax / n : 0,
    inEights: n > 0 ? eights / n : 0,
  }
}

const LOWEST = 1e-4
const DECADES = 10
const PER_DECADE = 200

/** A bar of a histogram over distance. */
export interface HistogramBar {
  /** Metres; `to` is Infinity in the last bar. */
  readonly from: number
  readonly to: number
  /** Of all measurements. */
  readonly share: number
}

/** Counts distances on a logarithmic scale: 200 bins a decade from 0.1 mm, so that a quantile is right to 1.2 %. */
export class DepthHistogram {
  private readonly bins = new Float64Array(DECADES * PER_DECADE)
  private total = 0

  add(sorted: Float32Array): void {
    for (const d of sorted) this.bins[binOf(d)]++
    this.total += sorted.length
  }

  /** Metres below which a share `q` lies; NaN without measurements. */
  quantile(q: number): number {
    let left = q * this.total
    for (let i = 0; i < this.bins.length; i++) {
      left -= this.bins[i]
      if (left <= 0 && this.bins[i] > 0) return edge(i + 0.5)
    }
    return Number.NaN
  }

  /** The distribution between given distances, ascending: below the first, between each two, and beyond the last. */
  bars(edges: readonly number[]): HistogramBar[] {
    const borders = [0, ...edges, Number.POSITIVE_INFINITY]
    const counts = new Float64Array(borders.length - 1)
    this.bins.forEach((count, i) => {
      counts[borders.findLastIndex((border) => border <= edge(i + 0.5))] += count
    })
    return Array.from(counts, (count, i) => ({
      from: borders[i],
      to: borders[i + 1],
      share: count / Math.max(1, this.total),
    }))
  }
}

const edge = (bin: number) => LOWEST * 10 ** (bin / PER_DECADE)
const binOf = (d: number) =>
  Math.min(DECADES * PER_DECADE - 1, Math.max(0, Math.floor(PER_DECADE * Math.log10(d / LOWEST))))
