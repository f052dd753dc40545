/** The floor in a depth map: how high above it the camera is, and how far it looks down. */
import type { DepthImage, Intrinsics } from '../../src/image/types.ts'
import { Random } from '../../src/support/random.ts'

export interface Floor {
  /** Metres of the camera above the plane. */
  readonly height: number
  /** Degrees that the optical axis points upwards; negative: down. */
  readonly pitch: number
  /** Share of the known pixels that lie on the plane. */
  readonly share: number
}

/** Points of a map that are used, at most. */
const POINTS = 1500
const TRIES = 400
/** A point lies on a plane if it is nearer to it than this share of its depth. */
const TOLERANCE = 0.02
/** The floor's upward normal is at most this far from the upper edge of the picture (cosine): no picture lies on its side. */
const LEAST_UP = 0.5
/** Fewer points on it, and it is no floor. */
const LEAST_SHARE = 0.08
/** More points below it, and it is a table. */
const MOST_BELOW = 0.03

/**
 * The largest plane that has nothing below it, by random triples of points; null if there is none. Where a picture shows a
 * table and no floor, that is the table.
 */
export function findFloor({ data, width }: DepthImage, { fx, fy, cx, cy }: Intrinsics, far: number): Floor | null {
  const random = new Random(1, 0)
  const known = [...data.keys()].filter((i) => data[i] > 0 && data[i] <= far)
  if (known.length < 100) return null
  const points = Array.from({ length: Math.min(POINTS, known.length) }, () => {
    const i = known[random.integer(0, known.length)]
    const d = data[i]
    return [(((i % width) - cx) / fx) * d, ((Math.floor(i / width) - cy) / fy) * d, d]
  })
  let best: Floor | null = null
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const [a, b, c] = [random.pick(points), random.pick(points), random.pick(points)]
    const n = normalOf(a, b, c)
    if (n === null) continue
    // In the camera's frame y points down; the normal of a floor points up.
    const up = n[1] < 0 ? n : n.map((v) => -v)
    if (-up[1] < LEAST_UP) continue
    const offset = up[0] * a[0] + up[1] * a[1] + up[2] * a[2]
    if (offset > -0.1) continue
    let [on, below] = [0, 0]
    for (const [x, y, z] of points) {
      const above = up[0] * x + up[1] * y + up[2] * z - offset
      if (Math.abs(above) < TOLERANCE * z) on++
      else if (above < -2 * TOLERANCE * z) below++
    }
    const share = on / points.length
    if (share < LEAST_SHARE || below / points.length > MOST_BELOW || share <= (best?.share ?? 0)) continue
    best = { height: -offset, pitch: (180 / Math.PI) * Math.asin(up[2]), share }
  }
  return best
}

function normalOf(a: readonly number[], b: readonly number[], c: readonly number[]): number[] | null {
  const [p, q, r] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]]
  const [s, t, u] = [c[0] - a[0], c[1] - a[1], c[2] - a[2]]
  const n = [q * u - r * t, r * s - p * u, p * t - q * s]
  const length = Math.hypot(...n)
  return length < 1e-3 ? null : n.map((v) => v / length)
}
