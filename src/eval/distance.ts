/**
 * Error against distance: bins of the ground truth's depth, over the pixels of all images, in constant memory. Bins are
 * equally wide in the logarithm, since depth errors grow with the distance.
 */
export interface DistanceBin {
  /** Metres: from ≤ truth < to. */
  readonly from: number
  readonly to: number
  readonly pixels: number
  /** NaN in an empty bin. */
  readonly abs_rel: number
  readonly rmse: number
  /** Mean of prediction − truth in metres: what is systematic. */
  readonly bias: number
}

/** Nearest distance of the first bin: what a protocol counts below that (1 mm and up) goes into it. */
const NEAREST = 0.25

export class DistanceProfile {
  private readonly from: number
  private readonly perLog: number
  private readonly pixels: Float64Array
  private readonly relative: Float64Array
  private readonly squares: Float64Array
  private readonly differences: Float64Array

  /** Metres. */
  constructor({ minimum, cap, bins = 16 }: { readonly minimum: number; readonly cap: number; readonly bins?: number }) {
    this.from = Math.min(Math.max(minimum, NEAREST), cap / 2)
    this.perLog = bins / Math.log(cap / this.from)
    this.pixels = new Float64Array(bins)
    this.relative = new Float64Array(bins)
    this.squares = new Float64Array(bins)
    this.differences = new Float64Array(bins)
  }

  /** `logG`: ln g. */
  add(d: Float64Array, g: Float64Array, logG: Float64Array): void {
    const start = Math.log(this.from)
    const last = this.pixels.length - 1
    for (let i = 0; i < d.length; i++) {
      const bin = Math.min(last, Math.max(0, Math.floor((logG[i] - start) * this.perLog)))
      const difference = d[i] - g[i]
      this.pixels[bin]++
      this.relative[bin] += Math.abs(difference) / g[i]
      this.squares[bin] += difference * difference
      this.differences[bin] += difference
    }
  }

  bins(): DistanceBin[] {
    const edge = (k: number) => this.from * Math.exp(k / this.perLog)
    return Array.from(this.pixels, (pixels, k) => ({
      from: edge(k),
      to: edge(k + 1),
      pixels,
      abs_rel: this.relative[k] / pixels,
      rmse: Math.sqrt(this.squares[k] / pixels),
      bias: this.differences[k] / pixels,
    }))
  }
}
