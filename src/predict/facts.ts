/** What is known of a finished map: which pixels are measurements, and how near and far they lie. */

/** Of a map at the image's size. */
export interface MapFacts {
  /** One byte a pixel, 1 where the depth holds. */
  readonly valid: Uint8Array
  /** Least and greatest value of the map. */
  readonly min: number
  readonly max: number
}

/**
 * A pixel is valid when its depth is a finite number inside the model's range. At an end of the range the depth was cut: it says no
 * more than "at least so far" (or so near). A relative model has no range.
 */
export function factsOf(
  depth: Float32Array,
  range: { readonly least: number; readonly most: number } | null,
): MapFacts {
  const [least, most] = range ? [Math.fround(range.least), Math.fround(range.most)] : [-Infinity, Infinity]
  const valid = new Uint8Array(depth.length)
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < depth.length; i++) {
    min = Math.min(min, depth[i]) // twice as fast as comparisons, and NaN as soon as one value is
    max = Math.max(max, depth[i])
  }
  if (Number.isNaN(min)) [min, max] = extremesOfNumbers(depth)
  // Most maps end inside the range, and need no look at every pixel.
  else if (least < min && max < most) return { valid: valid.fill(1), min, max }
  for (let i = 0; i < depth.length; i++) if (depth[i] > least && depth[i] < most) valid[i] = 1
  return { valid, min, max }
}

/** Least and greatest of the values that are numbers. */
function extremesOfNumbers(depth: Float32Array): readonly [min: number, max: number] {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const value of depth) {
    if (value < min) min = value
    if (value > max) max = value
  }
  return [min, max]
}
