/**
 * Error by distance: bins over the ground truth's depth, for the pixels of all images, in constant memory. Bins have
 * equal width in the logarithm, since depth errors grow with the distance.
 */
export interface DistanceBin {
  /** Metres: from ≤ truth < to. */
  readonly from: number
  readonly to: number
  readonly pixels: number
  /** NaN in an empty bin. */
  readonly abs_rel: number
  readonly rmse: number
  /** Mean of prediction − truth in metres: the bias. */
  readonly bias: number
}

/** Lower end of the first bin, which also takes everything nearer that a protocol counts (1 mm and up). */
const NEAREST = 0.25

export class DistanceProfile {
  private readonly edges: Float64Array
  private readonly pixels: Float64Array
  private readonly relative: Float64Array
  private readonly squares: Float64Array
  private readonly differences: Float64Array

  /** Metres. */
  constructor({ minimum, cap, bins = 16 }: { readonly minimum: number; readonly cap: number; readonly bins?: number }) {
    const from = Math.min(Math.max(minimum, NEAREST), cap / 2)
    const perLog = bins / Math.log(cap / from)
    this.edges = Float64Array.from({ length: bins + 1 }, (_, k) => from * Math.exp(k / perLog))
    this.pixels = new Float64Array(bins)
    this.relative = new Float64Array(bins)
    this.squares = new Float64Array(bins)
    this.differences = new Float64Array(bins)
  }

  /** `d`, `g`: metres, of the same pixels. */
  add(d: Float64Array, g: Float64Array): void {
    // Neighbours mostly fall into the same bin, so its sums are kept in variables until the bin changes.
    for (let begin = 0; begin < d.length; ) {
      const bin = this.binOf(g[begin])
      const from = bin === 0 ? Number.NEGATIVE_INFINITY : this.edges[bin]
      const to = bin === this.pixels.length - 1 ? Number.POSITIVE_INFINITY : this.edges[bin + 1]
      let relative = 0
      let squares = 0
      let differences = 0
      let i = begin
      do {
        const difference = d[i] - g[i]
        relative += Math.abs(difference) / g[i]
        squares += difference * difference
        differences += difference
        i++
      } while (i < d.length && g[i] >= from && g[i] < to)
      this.pixels[bin] += i - begin
      this.relative[bin] += relative
      this.squares[bin] += squares
      this.differences[bin] += differences
      begin = i
    }
  }

  private binOf(truth: number): number {
    let bin = 0
    while (bin < this.pixels.length - 1 && truth >= this.edges[bin + 1]) bin++
    return bin
  }

  bins(): DistanceBin[] {
    return Array.from(this.pixels, (pixels, k) => ({
      from: this.edges[k],
      to: this.edges[k + 1],
      pixels,
      abs_rel: this.relative[k] / pixels,
      rmse: Math.sqrt(this.squares[k] / pixels),
      bias: this.differences[k] / pixels,
    }))
  }
}
