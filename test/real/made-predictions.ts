/**
 * Predictions that anybody can make again, bit for bit, from ground truth: wrong in scale, place and a ramp, with holes
 * predicted as 2 m and a few values that are no depth. For tests that compare evaluators.
 */
import type { DepthImage } from '../../src/image/index.ts'

/** All arithmetic is rounded to float32 at the end of each pixel, from float64: no sums whose order could matter. */
export function madePrediction({ data, width, height }: DepthImage): Float32Array {
  const made = new Float32Array(data.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const g = data[y * width + Math.max(0, x - 3)]
      made[y * width + x] = (g > 0 ? g : 2) * (0.9 + (0.3 * x) / width) + (0.2 * y) / height
    }
  const middle = (height >> 1) * width + (width >> 1)
  made.set([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0, 99], middle)
  return made
}
