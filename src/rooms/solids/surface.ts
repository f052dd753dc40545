/**
 * Where a ray hits: the point, its normal, and the position on the surface. Computed in the solid's own frame, where
 * the normal is the gradient of the shape's equation and texture coordinates are the local ones.
 */
import { BOX, ELLIPSOID, MESH, QUAD } from './primitives.ts'
import type { Tracer } from './ray-tracer.ts'

/** The hit, with everything that shading needs. Overwritten by `locate`. */
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
  /** Metres of surface that a pixel covers; set by the shading code. */
  footprint = 0
  /** Solid and face in one number. */
  key = 0
  /** Index into the scene's materials. */
  material = 0
  /** Coordinates in the image of a mesh, and metres of surface to one unit of them. */
  imageS = 0
  imageT = 0
  imageScale = 1
}

/** Fills `at` for the hit of the tracer's current ray (at its t, `ray[6]`) on solid `i`, and on a mesh on its `triangle`. */
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
  at.material = tracer.primitives.material[i]
  if (kind === MESH) {
    face = locateOnMesh(tracer, i, lx, ly, lz, at)
    gx = at.nx
    gy = at.ny
    gz = at.nz
  } else if (kind === QUAD) {
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

/**
 * The part of `locate` for meshes. Writes texture coordinates and material into `at`, and the gradient in the solid's
 * own frame into its normal, interpolated from the normals of the corners. Returns the face: the direction of the
 * triangle.
 */
function locateOnMesh(tracer: Tracer, i: number, x: number, y: number, z: number, at: Surface): number {
  const { primitives, triangle, meshes } = tracer
  const mesh = meshes[primitives.mesh[i]]
  const { corners, normals, uvs } = mesh
  const [hx, hy, hz] = [primitives.half[3 * i], primitives.half[3 * i + 1], primitives.half[3 * i + 2]]
  const c = 9 * triangle
  // Edges and point in metres.
  const ax = corners[c + 3] * hx
  const ay = corners[c + 4] * hy
  const az = corners[c + 5] * hz
  const bx = corners[c + 6] * hx
  const by = corners[c + 7] * hy
  const bz = corners[c + 8] * hz
  const px = (x - corners[c]) * hx
  const py = (y - corners[c + 1]) * hy
  const pz = (z - corners[c + 2]) * hz
  const nx = ay * bz - az * by
  const ny = az * bx - ax * bz
  const nz = ax * by - ay * bx
  const n2 = nx * nx + ny * ny + nz * nz
  // Barycentric coordinates: u = (p × b)·n / n², v = (a × p)·n / n².
  const u = ((py * bz - pz * by) * nx + (pz * bx - px * bz) * ny + (px * by - py * bx) * nz) / n2
  const v = ((ay * pz - az * py) * nx + (az * px - ax * pz) * ny + (ax * py - ay * px) * nz) / n2
  const w = 1 - u - v
  at.material += mesh.material[triangle]
  if (uvs.length > 0) {
    const k = 6 * triangle
    at.imageS = w * uvs[k] + u * uvs[k + 2] + v * uvs[k + 4]
    at.imageT = w * uvs[k + 1] + u * uvs[k + 3] + v * uvs[k + 5]
    const sa = uvs[k + 2] - uvs[k]
    const ta = uvs[k + 3] - uvs[k + 1]
    const sb = uvs[k + 4] - uvs[k]
    const tb = uvs[k + 5] - uvs[k + 1]
    // Areas of the triangle on the surface and in the image.
    const inImage = Math.abs(sa * tb - ta * sb)
    at.imageScale = inImage > 1e-12 ? Math.sqrt(Math.sqrt(n2) / inImage) : 1
  }
  let mx = w * normals[c] + u * normals[c + 3] + v * normals[c + 6]
  let my = w * normals[c + 1] + u * normals[c + 4] + v * normals[c + 7]
  let mz = w * normals[c + 2] + u * normals[c + 5] + v * normals[c + 8]
  // Files orient faces either way. The flat normal is turned to the viewer's side, the interpolated one to the side of
  // the flat one.
  const { toLocal } = primitives
  const { ray } = tracer
  const r = 12 * i
  const dx = (toLocal[r] * ray[3] + toLocal[r + 1] * ray[4] + toLocal[r + 2] * ray[5]) * hx
  const dy = (toLocal[r + 4] * ray[3] + toLocal[r + 5] * ray[4] + toLocal[r + 6] * ray[5]) * hy
  const dz = (toLocal[r + 8] * ray[3] + toLocal[r + 9] * ray[4] + toLocal[r + 10] * ray[5]) * hz
  const flip = nx * dx + ny * dy + nz * dz > 0 ? -1 : 1
  if (flip * (mx * nx + my * ny + mz * nz) < 0) {
    mx = -mx
    my = -my
    mz = -mz
  } else if (mx === 0 && my === 0 && mz === 0) {
    mx = flip * nx
    my = flip * ny
    mz = flip * nz
  }
  // An interpolated normal that points away from the viewer is turned until it just does not.
  const away = mx * dx + my * dy + mz * dz
  if (away > 0) {
    const k = (1.01 * away) / (dx * dx + dy * dy + dz * dz)
    mx -= k * dx
    my -= k * dy
    mz -= k * dz
  }
  // `locate` multiplies by the rows of the map, which are axis/half.
  at.nx = mx * hx
  at.ny = my * hy
  at.nz = mz * hz
  const wide = Math.abs(nx)
  const deep = Math.abs(ny)
  const high = Math.abs(nz)
  const s = 1 / Math.max(hx, hy, hz)
  if (wide > deep && wide > high) {
    at.u = y * hy
    at.v = z * hz
    at.s = at.u * s
    at.t = at.v * s
    return nx > 0 ? 1 : 2
  }
  if (deep > high) {
    at.u = x * hx
    at.v = z * hz
    at.s = at.u * s
    at.t = at.v * s
    return ny > 0 ? 3 : 4
  }
  at.u = x * hx
  at.v = y * hy
  at.s = at.u * s
  at.t = at.v * s
  return nz > 0 ? 5 : 6
}
