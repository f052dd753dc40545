/**
 * Depth in 16 bits on a logarithmic scale, as MoGe stores it (Wang et al., CVPR 2025; `write_depth` of its repository): the same
 * relative precision near and far, whatever the range. With t = ln(d / near) / ln(far / near),
 *
 *     v = 1 + round(65533 · t)          0: no measurement          65535: infinitely far
 *
 * `near` and `far` are the map's own, in metres, and go into the PNG's text chunks. The error is at most half a step, ln(far / near) / 131066:
 * 0.004 % of the depth for 0.1 to 20 m. Millimetres (`encodeDepthPng`) are finer only beyond 12 m.
 */
import { checkDepthImage } from '../image/check.ts'
import type { DepthImage } from '../image/types.ts'

const STEPS = 65533
const INFINITE = 65535
/** As MoGe's: the far end is at most so many times, and at least 1.1 times, as far as the near one. */
const RATIO = { least: 1.1, most: 1e5 }
const NEAREST = 1e-5

/** Stored values and the range that they count from. */
export interface LogDepth {
  readonly width: number
  readonly height: number
  readonly values: Uint16Array
  /** Metres. */
  readonly near: number
  readonly far: number
}

/** The formula above. Values that are no depth (NaN, 0, negative) become 0. @throws DarError for what is no map. */
export function logDepth(depth: DepthImage): LogDepth {
  checkDepthImage(depth)
  const { width, height, data } = depth
  let [least, most] = [Number.POSITIVE_INFINITY, 0]
  for (const metres of data)
    if (metres > 0 && metres < Number.POSITIVE_INFINITY) {
      if (metres < least) least = metres
      if (metres > most) most = metres
    }
  const near = least < Number.POSITIVE_INFINITY ? Math.max(least, NEAREST) : 1
  const far = Math.max(near * RATIO.least, Math.min(most, near * RATIO.most))
  const span = Math.log(far / near)
  const values = new Uint16Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const metres = data[i]
    if (metres === Number.POSITIVE_INFINITY) values[i] = INFINITE
    else if (metres > 0) {
      const t = Math.log(Math.min(far, Math.max(near, metres)) / near) / span
      values[i] = 1 + Math.round(STEPS * Math.min(1, Math.max(0, t)))
    }
  }
  return { width, height, values, near, far }
}
