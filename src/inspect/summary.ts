/** A depth map in three numbers, for a line of text or JSON. */
import { median } from '../support/median.ts'

/** The median uses about this many pixels at most, evenly spaced. Sorting a photo of 12 megapixels takes a second. */
const MEDIAN_SAMPLES = 1 << 18

export interface DepthSummary {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** Metres. `depth` must not be empty. */
export function summarise(depth: Float32Array): DepthSummary {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < depth.length; i++) {
    if (depth[i] < min) min = depth[i]
    if (depth[i] > max) max = depth[i]
  }
  const stride = Math.max(1, Math.floor(depth.length / MEDIAN_SAMPLES))
  const samples = new Float32Array(Math.floor((depth.length - 1) / stride) + 1)
  for (let i = 0; i < samples.length; i++) samples[i] = depth[i * stride]
  return { min, median: median(samples), max }
}
