/**
 * Predictors that do not look at the picture: one constant depth, and the mean depth at each place of the image. On
 * shallow, staged or repetitive data sets they score well, so figures of a model are compared with theirs.
 *
 *     constant   the median of all valid training pixels
 *     mean map   m(p) = mean over training frames of the valid depth at p; the constant where no frame has one
 *
 * Frames of any size are reduced to one normalised grid by taking the nearest measurement at the centre of each cell.
 * Every frame then has the same weight, and holes do not enter the mean. The caller chooses the training frames; a
 * baseline that has seen the test frames scores too well. Left out: baselines that know the camera.
 */
import type { Dataset } from '../data/types.ts'
import { resizeNearestDepth } from '../image/resize.ts'
import type { DepthImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import type { Predictor } from './prediction.ts'
import { INDOOR_RANGE } from './protocol.ts'

/** Options of the statistics. */
export interface StatisticsOptions {
  /** The grid of the mean map. */
  readonly width?: number
  readonly height?: number
  /** Metres: depths count when they lie strictly between the two. */
  readonly minimum?: number
  readonly cap?: number
}

const BINS_PER_METRE = 1000

/** Depth statistics of training frames, in constant memory; several can be merged into a pooled one. */
export class DepthStatistics {
  private readonly width: number
  private readonly height: number
  private readonly minimum: number
  private readonly cap: number
  private readonly sums: Float64Array
  private readonly counts: Float64Array
  /** Depths in whole millimetres: the resolution of measured depth, and enough for a median. */
  private readonly histogram: Float64Array
  private added = 0

  constructor({
    width = 224,
    height = 168,
    minimum = INDOOR_RANGE.minimum,
    cap = INDOOR_RANGE.cap,
  }: StatisticsOptions = {}) {
    this.width = width
    this.height = height
    this.minimum = minimum
    this.cap = cap
    this.sums = new Float64Array(width * height)
    this.counts = new Float64Array(width * height)
    this.histogram = new Float64Array(Math.ceil(cap * BINS_PER_METRE) + 1)
  }

  /** Frames seen. */
  get frames(): number {
    return this.added
  }

  /** Adds one frame. */
  add(depth: DepthImage): void {
    const { data } = resizeNearestDepth(depth, this.width, this.height)
    for (let i = 0; i < data.length; i++) {
      const d = data[i]
      if (!(d > this.minimum && d < this.cap)) continue
      this.sums[i] += d
      this.counts[i]++
      this.histogram[Math.round(d * BINS_PER_METRE)]++
    }
    this.added++
  }

  /** Adds the frames of `other`, which must have the same grid and range. */
  merge(other: DepthStatistics): void {
    if (
      other.sums.length !== this.sums.length ||
      other.width !== this.width ||
      other.histogram.length !== this.histogram.length
    )
      throw new DarError(
        'depth statistics of different grids or ranges cannot be merged; build them with the same options',
      )
    addTo(this.sums, other.sums)
    addTo(this.counts, other.counts)
    addTo(this.histogram, other.histogram)
    this.added += other.added
  }

  /** Median of all valid depths, in metres, to the millimetre. Throws a DarError when there is none. */
  constant(): number {
    const total = this.histogram.reduce((sum, count) => sum + count, 0)
    if (total === 0) throw new DarError('no training frame has a valid depth; check the depth scale and the range')
    // The lower and the upper middle one. They differ only for an even count.
    return (this.atRank((total - 1) / 2) + this.atRank(total / 2)) / 2 / BINS_PER_METRE
  }

  /** Metres; see the formula above. */
  meanMap(): DepthImage {
    const empty = this.constant()
    const data = Float32Array.from(this.sums, (sum, i) => (this.counts[i] > 0 ? sum / this.counts[i] : empty))
    return { width: this.width, height: this.height, data }
  }

  /** The bin of the depth of rank ⌊rank⌋, counted from 0. */
  private atRank(rank: number): number {
    let below = 0
    return this.histogram.findIndex((count) => {
      below += count
      return below > Math.floor(rank)
    })
  }
}

/** Statistics of all frames of a data set. Throws a DarError for a frame without depth. */
export async function depthStatistics(
  dataset: Dataset,
  { onProgress, ...options }: StatisticsOptions & { readonly onProgress?: (done: number) => void } = {},
): Promise<DepthStatistics> {
  const statistics = new DepthStatistics(options)
  for await (const { name, depth } of dataset) {
    if (!depth) throw new DarError(`${name} has no depth map; build baselines from frames with ground truth`)
    statistics.add(depth)
    onProgress?.(statistics.frames)
  }
  return statistics
}

/** The same depth everywhere, in every picture. */
export function constantPredictor(metres: number): Predictor {
  const map: DepthImage = { width: 1, height: 1, data: Float32Array.of(metres) }
  return async () => map
}

/** The same map for every picture, stretched over it. */
export function mapPredictor(map: DepthImage): Predictor {
  return async () => map
}

function addTo(target: Float64Array, other: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += other[i]
}
