/**
 * A laser scan as a depth map: points are projected onto the image, and of those that fall into one pixel the nearest
 * wins, since it hides the others. Points behind the camera are dropped. Nothing is interpolated: a scan of 64 lines fills
 * about 4 % of an image.
 */
import type { DepthImage } from '../../image/types.ts'
import { DarError } from '../../support/errors.ts'
import { readRegularFile } from '../../support/read-file.ts'

/** The largest file that is read. A scan has 2 MB; this is 30 times as much. */
const MAX_BYTES = 64 * 2 ** 20

/** The points of a KITTI scan, x, y, z, reflectance each, as 32-bit little-endian floats. Throws a DarError that names the file. */
export async function readVelodyne(path: string): Promise<Float32Array> {
  const bytes = await readRegularFile(path, { most: MAX_BYTES })
  if (bytes.length === 0 || bytes.length % 16 !== 0)
    throw new DarError(`${path} has ${bytes.length} bytes, which is no whole number of points of 16; copy it again`)
  const points = new Float32Array(bytes.length / 4)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let i = 0; i < points.length; i++) points[i] = view.getFloat32(4 * i, true)
  return points
}

/**
 * `points`: x, y, z, reflectance each, metres. `projection`: 3×4, row by row, so that (u·d, v·d, d) = projection · (x, y, z, 1)
 * with pixel centres at integers. The pixel is the nearest, ⌊u + ½⌋.
 */
export function projectScan(
  points: Float32Array,
  projection: ArrayLike<number>,
  width: number,
  height: number,
): DepthImage {
  const [a, b, c, d, e, f, g, h, i, j, k, l] = Array.from(projection)
  const data = new Float32Array(width * height)
  for (let at = 0; at + 3 < points.length; at += 4) {
    const [x, y, z] = [points[at], points[at + 1], points[at + 2]]
    const depth = i * x + j * y + k * z + l
    if (!(depth > 0 && depth < Number.POSITIVE_INFINITY)) continue
    const u = Math.floor((a * x + b * y + c * z + d) / depth + 0.5)
    const v = Math.floor((e * x + f * y + g * z + h) / depth + 0.5)
    if (!(u >= 0 && v >= 0 && u < width && v < height)) continue
    const pixel = v * width + u
    if (data[pixel] === 0 || depth < data[pixel]) data[pixel] = depth
  }
  return { width, height, data }
}
