/**
 * Where a video changes from one shot to another. Portable: no Node.
 *
 * Two frames of one shot hold nearly the same colours, even when the camera turns; two shots rarely do. So a cut is a frame whose
 * histogram of colours is far from the one before (Zhang, Kankanhalli & Smoliar, "Automatic partitioning of full-motion video",
 * 1993). Motion is not looked at: a fast pan must not be a cut.
 *
 * Left out: fades. They change a little from frame to frame, and smoothing follows them pixel by pixel.
 */
import { checkRgbImage } from '../image/check.ts'
import type { RgbImage } from '../image/types.ts'

/** Levels of each colour channel: 8 × 8 × 8 colours in all. */
const LEVELS = 8
/** Points that are looked at across and down a photo. */
const [ACROSS, DOWN] = [160, 120]

/** Shares of the photo's points by colour, which sum to 1. */
export type ColourHistogram = Float32Array

/**
 * How often each colour occurs: at a grid of points, not in every pixel, so that the size of the photo does not matter.
 * @throws DarError when the photo's pixels do not fit its size.
 */
export function colourHistogram(image: RgbImage): ColourHistogram {
  checkRgbImage(image)
  const shares = new Float32Array(LEVELS ** 3)
  const level = (value: number) => (value * LEVELS) >> 8
  for (let j = 0; j < DOWN; j++) {
    const y = Math.floor(((j + 0.5) * image.height) / DOWN)
    for (let i = 0; i < ACROSS; i++) {
      const at = 3 * (y * image.width + Math.floor(((i + 0.5) * image.width) / ACROSS))
      const [red, green, blue] = [image.data[at], image.data[at + 1], image.data[at + 2]]
      shares[(level(red) * LEVELS + level(green)) * LEVELS + level(blue)] += 1 / (ACROSS * DOWN)
    }
  }
  return shares
}

/**
 * The share of points that have another colour, 0 to 1:
 *
 *     distance = ½ Σ_c |a_c − b_c|
 */
export function histogramDistance(a: ColourHistogram, b: ColourHistogram): number {
  let sum = 0
  for (let c = 0; c < a.length; c++) sum += Math.abs(a[c] - b[c])
  return sum / 2
}

/**
 * From this distance on a frame begins a new shot. On the real photos that it was chosen on, pairs of different places lie above 0.45
 * in 99 of 100 cases. Frames of one shot at 30 a second lie below 0.1; those of a camera swept about at a few frames a second
 * reach 0.6. Taking such a sweep for a cut costs nothing: nothing could be carried over it.
 */
export const CUT_DISTANCE = 0.45

/** Whether a photo with histogram `now` begins a new shot after one with `before`. */
export function isCut(before: ColourHistogram, now: ColourHistogram): boolean {
  return histogramDistance(before, now) >= CUT_DISTANCE
}
