/**
 * The size at which the network sees an image. A model file that names the sizes it was trained at (`predictSizes`, as
 * dar-nano's does) gets the one of the nearest shape. Otherwise, or when a size is asked for, it is a pixel budget.
 * Sides must be multiples of what the encoder needs, and the image's aspect ratio should change little:
 *
 *     minimise  |ln(w/h) − ln(W/H)| + ¼·|ln(w·h / budget)|      over multiples w, h with w·h ≤ 1.15·budget
 *
 * Aspect ratio counts four times as much as area: the network was not trained on squeezed images, while a few pixels
 * more or less do not matter. With 256×192: 4:3 gives 256×192, 3:4 192×256, 16:9 288×160, 1:1 224×224. No side is
 * shorter than 64 pixels, so images beyond about 13:1 are squeezed. Left out: tiles for panoramas.
 */
import { DarError } from '../support/errors.ts'
import { shortened } from '../support/text.ts'
import type { Size } from './types.ts'

/** Below this the encoder's coarsest map would be a row of one pixel. */
const MIN_SIDE = 64
const AREA_WEIGHT = 0.25
const AREA_SLACK = 1.15

/** The network size for an image of `image`, given the budget width·height; sides are multiples of `multiple`. */
export function networkSize(image: Size, budget: Size, multiple: number): Size {
  const least = Math.ceil(MIN_SIDE / multiple)
  const area = budget.width * budget.height
  const aspect = image.width / image.height
  // In units of `multiple`; the smallest square is always allowed.
  const most = Math.max(least * least, Math.floor((AREA_SLACK * area) / multiple ** 2))
  let best = { width: least * multiple, height: least * multiple }
  let lowest = Number.POSITIVE_INFINITY
  for (let rows = least; rows * least <= most; rows++) {
    // In a row the cost falls as far as the image's own shape and rises after it: one of the two columns beside it is the best.
    const widest = Math.floor(most / rows)
    const shape = Math.min(Math.max(Math.floor(rows * aspect), least), widest)
    for (let columns = shape; columns <= Math.min(shape + 1, widest); columns++) {
      const squeeze = Math.abs(Math.log(columns / rows / aspect))
      const cost = squeeze + AREA_WEIGHT * Math.abs(Math.log((rows * columns * multiple ** 2) / area))
      if (cost >= lowest) continue
      lowest = cost
      best = { width: columns * multiple, height: rows * multiple }
    }
  }
  return best
}

/**
 * Of the sizes that a model was trained at, the one whose shape is nearest to the image's. Metric scale does not carry
 * over to a size that the model has not seen, so the image is stretched instead, as in training.
 */
export function nearestShape(image: Size, sizes: readonly Size[]): Size {
  const stretch = ({ width, height }: Size) => Math.abs(Math.log(((width / height) * image.height) / image.width))
  return sizes.reduce((best, size) => (stretch(size) < stretch(best) ? size : best))
}

/** Reads `256x192` (width, then height). `source` names the file in the error. */
export function parseSize(text: string, source: string): Size {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? []
  return checkSize({ width: Number(width), height: Number(height) }, `${source}: the size '${shortened(text, 40)}'`)
}

/** Pixels that a network is given at most: beyond them one run takes tens of gigabytes. */
const MAX_AREA = 2 ** 22

/** Throws a DarError, `what` first, unless both sides are whole numbers from 1 to 8192, and the area is not above `MAX_AREA`. */
export function checkSize(size: Size, what = `the size ${size?.width}x${size?.height}`): Size {
  const isSide = (n: number) => Number.isInteger(n) && n >= 1 && n <= 8192
  if (!isSide(size?.width) || !isSide(size?.height))
    throw new DarError(`${what} is no pixel budget; give a width and a height in pixels, for example 256x192`)
  if (size.width * size.height > MAX_AREA)
    throw new DarError(`${what} has more than ${MAX_AREA} pixels, the most that a network is given; give a smaller one`)
  return size
}
