/**
 * The regions of published figures (algorithm section 10). Figures of different regions cannot be compared, so the
 * region is always printed beside a figure.
 *
 * - Eigen (NYU Depth v2, 480×640): rows 45..470, columns 41..600.
 * - Garg (KITTI): rows 0.40810811·h .. 0.99189189·h, columns 0.03594771·w .. 0.96405229·w, truncated to integers.
 * - KB (KITTI benchmark): 352×1216, bottom, centred horizontally (left offset rounded down); cuts the image itself.
 *
 * Only the boxes. Resizing, and the choice of a region for a data set, are in the protocols.
 */
import { DarError } from '../support/errors.ts'

/** Half-open: rows `top` ≤ y < `bottom`, columns `left` ≤ x < `right`. */
export interface Box {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

/** The whole image. */
export function wholeBox(width: number, height: number): Box {
  return { top: 0, bottom: height, left: 0, right: width }
}

/** Throws a DarError for any size but 640×480: the box is in pixels, not in fractions. */
export function eigenBox(width: number, height: number): Box {
  if (width !== 640 || height !== 480)
    throw new DarError(`the Eigen crop is defined for 640x480, not ${width}x${height}; evaluate at 640x480 or whole`)
  return { top: 45, bottom: 471, left: 41, right: 601 }
}

/** The Garg crop of KITTI: fractions of the size, truncated. */
export function gargBox(width: number, height: number): Box {
  return {
    top: Math.trunc(0.40810811 * height),
    bottom: Math.trunc(0.99189189 * height),
    left: Math.trunc(0.03594771 * width),
    right: Math.trunc(0.96405229 * width),
  }
}

/** Throws a DarError for an image smaller than 1216×352. */
export function kbBox(width: number, height: number): Box {
  if (width < 1216 || height < 352)
    throw new DarError(`the KB crop is 1216x352 and does not fit into ${width}x${height}; evaluate the whole image`)
  const top = height - 352
  const left = Math.floor((width - 1216) / 2)
  return { top, bottom: top + 352, left, right: left + 1216 }
}
