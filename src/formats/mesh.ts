/**
 * A depth map as a surface: a vertex at every pixel (of a stride) that has a depth, two triangles for every four neighbours, the photo
 * as texture. It is cut where depth jumps, or a chair would be joined to the wall behind it by a skirt that nobody saw.
 *
 * The criterion. Two vertices s pixels apart see each other under the angle s / f. A surface that is tilted by θ against the plane of
 * the picture changes its depth along that angle by
 *
 *     d ln z / dα = tan θ
 *
 * so a triangle stays when all its three edges have
 *
 *     |ln(z₁ / z₂)| ≤ (s / f) · tan(steepest),   f = √(fx·fy)
 *
 * Unlike a fixed ratio between neighbours this asks the same of a photo at any size and stride, and of a map that was made small and
 * enlarged, in which a jump is spread over many pixels. 85° keeps a floor that is seen from 1.5 m above it up to 17 m away.
 *
 * Axes are glTF's: x right, y up, z towards the viewer. Left out: normals (the photo has its light in it), holes that are filled,
 * triangles that are merged where the surface is flat.
 */
import type { DepthImage, Intrinsics } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { checkCloudInput, strideFor } from './point-cloud.ts'

/** How fine the surface is and where it is cut. */
export interface MeshOptions {
  /** A vertex every so many pixels. Default: the smallest stride with at most half a million vertices, 1 up to 0.5 megapixels. */
  readonly stride?: number
  /** Surfaces that are tilted more against the picture, in degrees, are taken for jumps and cut. Default: 85. */
  readonly steepest?: number
  /** Vertices that are farther away, in metres, are left out. */
  readonly maxDepth?: number
}

/** Triangles in glTF's axes (x right, y up, z towards the viewer), their front towards the camera. */
export interface DepthMesh {
  /** x, y, z of each vertex in metres. */
  readonly positions: Float32Array
  /** Where each vertex lies on the photo: 0 to 1 from its left, 0 to 1 from its top. */
  readonly uvs: Float32Array
  /** Three vertices a triangle, anticlockwise as the camera sees them. */
  readonly indices: Uint32Array
}

/** Vertices of a mesh whose stride was not chosen: about a million triangles, 22 MB, which a phone still shows. */
const MOST_VERTICES = 500_000

/**
 * The surface of a depth map, for a pinhole camera in pixels of the map.
 * @throws DarError for input that `toPointCloud` refuses, or when nothing is left of the surface.
 */
export function depthMesh(
  depth: DepthImage,
  intrinsics: Intrinsics,
  { stride = strideFor(depth, MOST_VERTICES), steepest = 85, maxDepth = Number.POSITIVE_INFINITY }: MeshOptions = {},
): DepthMesh {
  checkCloudInput(depth, intrinsics, { stride, maxDepth })
  if (!(steepest > 0 && steepest < 90)) throw new DarError(`steepest is ${steepest}; give degrees between 0 and 90`)
  const { width, height, data } = depth
  const { fx, fy, cx, cy } = intrinsics
  const columns = Math.ceil(width / stride)
  const rows = Math.ceil(height / stride)

  // ln z of every vertex of the grid; NaN where there is none, and every comparison with it fails.
  const logs = new Float64Array(columns * rows)
  for (let row = 0, i = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, i++) {
      const z = data[row * stride * width + column * stride]
      logs[i] = z > 0 && z <= maxDepth && z < Number.POSITIVE_INFINITY ? Math.log(z) : Number.NaN
    }

  const straight = (stride / Math.sqrt(fx * fy)) * Math.tan((steepest * Math.PI) / 180)
  const slanted = Math.SQRT2 * straight
  const isJoined = (a: number, b: number, most: number) => Math.abs(logs[a] - logs[b]) <= most

  let corners = new Uint32Array(6 * Math.max(0, columns - 1) * Math.max(0, rows - 1))
  let used = 0
  const triangle = (a: number, b: number, c: number) => {
    corners[used++] = a
    corners[used++] = b
    corners[used++] = c
  }
  // Corners of a cell: a b above, c d below. The diagonal is the flatter of the two, so that it lies along a jump and not across it.
  for (let row = 0; row + 1 < rows; row++)
    for (let column = 0; column + 1 < columns; column++) {
      const a = row * columns + column
      const [b, c, d] = [a + 1, a + columns, a + columns + 1]
      const [falling, rising] = [Math.abs(logs[a] - logs[d]), Math.abs(logs[b] - logs[c])]
      if (falling <= rising || Number.isNaN(rising)) {
        if (falling > slanted || Number.isNaN(falling)) continue
        if (isJoined(a, c, straight) && isJoined(c, d, straight)) triangle(a, c, d)
        if (isJoined(a, b, straight) && isJoined(b, d, straight)) triangle(a, d, b)
      } else {
        if (rising > slanted) continue
        if (isJoined(a, b, straight) && isJoined(a, c, straight)) triangle(a, c, b)
        if (isJoined(b, d, straight) && isJoined(c, d, straight)) triangle(b, c, d)
      }
    }
  if (used === 0)
    throw new DarError(
      'nothing is left of the surface: its depth jumps everywhere, or there is none; give a larger steepest',
    )
  corners = corners.subarray(0, used)

  // Only vertices that a triangle uses.
  const place = new Int32Array(columns * rows).fill(-1)
  const kept: number[] = []
  const indices = new Uint32Array(used)
  for (let i = 0; i < used; i++) {
    const corner = corners[i]
    if (place[corner] < 0) {
      place[corner] = kept.length
      kept.push(corner)
    }
    indices[i] = place[corner]
  }
  const positions = new Float32Array(3 * kept.length)
  const uvs = new Float32Array(2 * kept.length)
  for (const [i, corner] of kept.entries()) {
    const u = (corner % columns) * stride
    const v = Math.floor(corner / columns) * stride
    const z = data[v * width + u]
    positions[3 * i] = ((u - cx) / fx) * z
    positions[3 * i + 1] = -((v - cy) / fy) * z
    positions[3 * i + 2] = -z
    uvs[2 * i] = (u + 0.5) / width
    uvs[2 * i + 1] = (v + 0.5) / height
  }
  return { positions, uvs, indices }
}
