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
    const value = depth[i]
    if (value > least && value < most) valid[i] = 1
    if (value < min) min = value
    if (value > max) max = value
  }
  return { valid, min, max }
}
