/**
 * A depth map as points in space. Pixel (u, v), whose centre is at whole numbers, and its depth z give
 *
 *     x = (u − cx) / fx · z        y = (v − cy) / fy · z        z
 *
 * in metres, along the camera's axes as OpenCV has them: x to the right, y down, z into the picture. glTF and three.js have y up and
 * look along −z: (x, −y, −z) there.
 */
import { checkDepthImage, checkRgbImage } from '../image/check.ts'
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'

/** Which pixels become points. */
export interface PointCloudOptions {
  /** The photo, of the map's size: points get its colours. */
  readonly rgb?: RgbImage
  /** Every so many pixels of every so many rows. 1, the default, takes all; a photo of 12 megapixels has 12 million. */
  readonly stride?: number
  /** Pixels that are farther away, in metres, are left out. Default: none is. */
  readonly maxDepth?: number
}

/** Points in camera axes (x right, y down, z forward), row by row as their pixels. */
export interface PointCloud {
  readonly count: number
  /** x, y, z of each point in metres: 3 · count values. */
  readonly positions: Float32Array
  /** Red, green, blue of each point, 0 to 255 (sRGB): 3 · count bytes. null without a photo. */
  readonly colours: Uint8Array | null
}

/**
 * The points of a depth map, for a pinhole camera in pixels of the map. Pixels without a depth (0, negative, NaN, infinite) are none.
 * @throws DarError for a map, a photo, a camera or a stride that makes no sense, or a photo of another size.
 */
export function toPointCloud(
  depth: DepthImage,
  intrinsics: Intrinsics,
  { rgb, stride = 1, maxDepth = Number.POSITIVE_INFINITY }: PointCloudOptions = {},
): PointCloud {
  checkCloudInput(depth, intrinsics, { rgb, stride, maxDepth })
  const { width, height, data } = depth
  const { fx, fy, cx, cy } = intrinsics
  const isPoint = (z: number) => z > 0 && z <= maxDepth && z < Number.POSITIVE_INFINITY
  let count = 0
  for (let v = 0; v < height; v += stride)
    for (let u = 0; u < width; u += stride) if (isPoint(data[v * width + u])) count++
  const positions = new Float32Array(3 * count)
  const colours = rgb ? new Uint8Array(3 * count) : null
  let to = 0
  for (let v = 0; v < height; v += stride)
    for (let u = 0; u < width; u += stride) {
      const pixel = v * width + u
      const z = data[pixel]
      if (!isPoint(z)) continue
      positions[to] = ((u - cx) / fx) * z
      positions[to + 1] = ((v - cy) / fy) * z
      positions[to + 2] = z
      if (rgb && colours) {
        colours[to] = rgb.data[3 * pixel]
        colours[to + 1] = rgb.data[3 * pixel + 1]
        colours[to + 2] = rgb.data[3 * pixel + 2]
      }
      to += 3
    }
  return { count, positions, colours }
}

/** The smallest stride at which a map of this size has at most `most` pixels. */
export function strideFor(
  { width, height }: { readonly width: number; readonly height: number },
  most: number,
): number {
  let stride = Math.max(1, Math.floor(Math.sqrt((width * height) / most)))
  while (Math.ceil(width / stride) * Math.ceil(height / stride) > most) stride++
  return stride
}

/** @throws DarError as `toPointCloud`. */
export function checkCloudInput(
  depth: DepthImage,
  { fx, fy, cx, cy }: Intrinsics,
  { rgb, stride, maxDepth }: { readonly rgb?: RgbImage; readonly stride: number; readonly maxDepth: number },
): void {
  checkDepthImage(depth)
  if (!(fx > 0 && fy > 0 && [fx, fy, cx, cy].every(Number.isFinite)))
    throw new DarError(
      `the camera has fx ${fx}, fy ${fy}, cx ${cx}, cy ${cy}; give all four in pixels of the map, the first two above 0`,
    )
  if (!(Number.isInteger(stride) && stride > 0))
    throw new DarError(`stride is ${stride}; give a whole number of at least 1`)
  if (!(maxDepth > 0)) throw new DarError(`maxDepth is ${maxDepth}; give metres above 0`)
  if (!rgb) return
  checkRgbImage(rgb, 'the photo')
  if (rgb.width !== depth.width || rgb.height !== depth.height)
    throw new DarError(
      `the photo is ${rgb.width}×${rgb.height} and the depth map ${depth.width}×${depth.height}; resize the one to the other`,
    )
}
