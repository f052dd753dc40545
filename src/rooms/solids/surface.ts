/**
 * What a ray has met: the point, its normal, and where on the surface it lies. Derived from the solid's own frame, in which
 * the normal is the gradient of the shape's equation and texture coordinates are the local ones.
 */
import { BOX, ELLIPSOID, QUAD } from './primitives.ts'
import type { Tracer } from './trace.ts'

/** Where a ray has hit, with everything that shading asks. Overwritten by `locate`. */
export class Surface {
  x = 0
  y = 0
  z = 0
  /** Unit normal towards the viewer. */
  nx = 0
  ny = 0
  nz = 0
  /** Metres on the surface, and the position on the face in [−1, 1]². */
  u = 0
  v = 0
  s = 0
  t = 0
  /** Metres of surface that a pixel covers; set by who shades. */
  footprint = 0
  /** Solid and face in one number. */
  key = 0
}

/** Fills `at` for the hit of the tracer's current ray (at its t, `ray[6]`) on solid `i`. */
export function locate(tracer: Tracer, i: number, at: Surface): void {
  const { ray } = tracer
  const dx = ray[3]
  const dy = ray[4]
  const dz = ray[5]
  const t = ray[6]
  const { shape, toLocal, half, taper } = tracer.primitives
  const m = 12 * i
  const h = 3 * i
  const x = ray[0] + t * dx
  const y = ray[1] + t * dy
  const z = ray[2] + t * dz
  const lx = toLocal[m] * x + toLocal[m + 1] * y + toLocal[m + 2] * z + toLocal[m + 3]
  const ly = toLocal[m + 4] * x + toLocal[m + 5] * y + toLocal[m + 6] * z + toLocal[m + 7]
  const lz = toLocal[m + 8] * x + toLocal[m + 9] * y + toLocal[m + 10] * z + toLocal[m + 11]
  // Gradient of the shape's equation in its own frame.
  let gx = 0
  let gy = 0
  let gz = 0
  let face = 0
  const kind = shape[i]
  if (kind === QUAD) {
    gz = 1
    at.u = lx * half[h]
    at.v = ly * half[h + 1]
    at.s = lx
    at.t = ly
  } else if (kind === BOX) {
    const ax = Math.abs(lx)
    const ay = Math.abs(ly)
    const az = Math.abs(lz)
    if (ax > ay && ax > az) {
      gx = lx
      face = lx > 0 ? 1 : 2
      at.u = ly * half[h + 1]
      at.v = lz * half[h + 2]
      at.s = ly
      at.t = lz
    } else if (ay > az) {
      gy = ly
      face = ly > 0 ? 3 : 4
      at.u = lx * half[h]
      at.v = lz * half[h + 2]
      at.s = lx
      at.t = lz
    } else {
      gz = lz
      face = lz > 0 ? 5 : 6
      at.u = lx * half[h]
      at.v = ly * half[h + 1]
      at.s = lx
      at.t = ly
    }
  } else {
    if (kind === ELLIPSOID) {
      gx = lx
      gy = ly
      gz = lz
    } else if (lz > 1 - 1e-6 || lz < -1 + 1e-6) {
      gz = lz
      face = lz > 0 ? 1 : 2
    } else {
      const s = (taper[i] - 1) / 2
      gx = lx
      gy = ly
      gz = -s * ((1 + taper[i]) / 2 + s * lz)
    }
    if (face === 0) {
      const a = Math.atan2(ly, lx)
      at.u = a * half[h]
      at.v = lz * half[h + 2]
      at.s = a / Math.PI
      at.t = lz
    } else {
      at.u = lx * half[h]
      at.v = ly * half[h + 1]
      at.s = lx
      at.t = ly
    }
  }
  // n = Mᵀ·gradient, turned towards the viewer.
  let nx = toLocal[m] * gx + toLocal[m + 4] * gy + toLocal[m + 8] * gz
  let ny = toLocal[m + 1] * gx + toLocal[m + 5] * gy + toLocal[m + 9] * gz
  let nz = toLocal[m + 2] * gx + toLocal[m + 6] * gy + toLocal[m + 10] * gz
  const sign = nx * dx + ny * dy + nz * dz > 0 ? -1 : 1
  const k = sign / Math.sqrt(nx * nx + ny * ny + nz * nz)
  nx *= k
  ny *= k
  nz *= k
  at.x = x
  at.y = y
  at.z = z
  at.nx = nx
  at.ny = ny
  at.nz = nz
  at.key = 8 * i + face
}
