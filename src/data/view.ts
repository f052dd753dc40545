/** Pixels and depth of a frame, sampled through a view (image/view.ts), and the frame at a smaller size. */
import { resizeImage, resizeNearestDepth } from '../image/resize.ts'
import type { RgbImage } from '../image/types.ts'
import { scaleIntrinsics, type View } from '../image/view.ts'
import type { Frame } from './types.ts'

/**
 * Samples the image into `out`, 3·height·width planar. Each output pixel is the mean of n×n bilinear samples, where n
 * is the number of frame pixels that a step covers, rounded up. Samples are at most a pixel apart and the bilinear
 * kernel is one pixel wide, so no pixel is skipped and reducing does not alias. Beyond the border the edge pixel
 * repeats. `curves`: three times 256 values, one curve per channel, that turn bytes into numbers (v/255 for unchanged
 * colours); linear in between. Without `antialias` n is 1, as in libraries whose bilinear filter always reads four
 * pixels.
 */
export function sampleImage(
  image: RgbImage,
  view: View,
  curves: Float32Array,
  out: Float32Array,
  { antialias = true }: { readonly antialias?: boolean } = {},
): void {
  const { a, b, c, d, e, f, width, height } = view
  const { data, width: w, height: h } = image
  const step = Math.max(Math.hypot(a, d), Math.hypot(b, e))
  const n = antialias ? Math.max(1, Math.ceil(step - 0.2)) : 1
  const [subA, subB, subD, subE] = [a / n, b / n, d / n, e / n]
  const plane = width * height
  const norm = 1 / (n * n)
  // Slightly before the last pixel centre, so that every sample has a right and a lower neighbour to read.
  const [lastX, lastY] = [Math.max(0, w - 1 - 1e-4), Math.max(0, h - 1 - 1e-4)]
  const [right, down] = [w > 1 ? 3 : 0, h > 1 ? 3 * w : 0]
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      let red = 0
      let green = 0
      let blue = 0
      // Position of the first sub-sample, moved by ½ so that integer coordinates are pixel centres.
      const startX = a * u + b * v + c + (subA + subB) / 2 - 0.5
      const startY = d * u + e * v + f + (subD + subE) / 2 - 0.5
      for (let j = 0; j < n; j++) {
        for (let i = 0; i < n; i++) {
          const x = Math.min(Math.max(startX + i * subA + j * subB, 0), lastX)
          const y = Math.min(Math.max(startY + i * subD + j * subE, 0), lastY)
          const x0 = x | 0
          const y0 = y | 0
          const w11 = (x - x0) * (y - y0)
          const w10 = x - x0 - w11
          const w01 = y - y0 - w11
          const w00 = 1 - w11 - w10 - w01
          const p = 3 * (y0 * w + x0)
          const q = p + right
          const r = p + down
          const s = q + down
          red += w00 * data[p] + w10 * data[q] + w01 * data[r] + w11 * data[s]
          green += w00 * data[p + 1] + w10 * data[q + 1] + w01 * data[r + 1] + w11 * data[s + 1]
          blue += w00 * data[p + 2] + w10 * data[q + 2] + w01 * data[r + 2] + w11 * data[s + 2]
        }
      }
      const at = v * width + u
      out[at] = onCurve(curves, 0, red * norm)
      out[plane + at] = onCurve(curves, 256, green * norm)
      out[2 * plane + at] = onCurve(curves, 512, blue * norm)
    }
  }
}

/** The curve that starts at `offset`, at a value in [0, 255], a rounding error more or less. */
function onCurve(curves: Float32Array, offset: number, value: number): number {
  const low = Math.min(value | 0, 254)
  const from = curves[offset + low]
  return from + (value - low) * (curves[offset + low + 1] - from)
}

/**
 * Samples depth into `out`, height·width, times `scale`. Takes the nearest measurement, never a mean: the mean of two
 * surfaces is a surface that does not exist, and the mean of a surface and a hole is wrong. 0 outside the frame and
 * where the map is empty. `depth` may have its own resolution; the view is in pixels of the frame's image.
 */
export function sampleDepth(frame: Frame, view: View, scale: number, out: Float32Array): void {
  const { depth, image } = frame
  out.fill(0)
  if (depth === null) return
  const perX = depth.width / image.width
  const perY = depth.height / image.height
  const { width, height, a, b, c, d, e, f } = view
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      const x = Math.floor((a * (u + 0.5) + b * (v + 0.5) + c) * perX)
      const y = Math.floor((d * (u + 0.5) + e * (v + 0.5) + f) * perY)
      if (x >= 0 && y >= 0 && x < depth.width && y < depth.height)
        out[v * width + u] = depth.data[y * depth.width + x] * scale
    }
  }
}

/** The frame at a smaller size, if it is larger than `width`×`height` on both sides; the shape is kept. */
export function shrinkFrame(frame: Frame, width: number, height: number): Frame {
  const { name, image, depth, intrinsics } = frame
  const factor = Math.max(width / image.width, height / image.height)
  if (factor >= 1) return frame
  const [w, h] = [Math.round(image.width * factor), Math.round(image.height * factor)]
  return {
    name,
    image: resizeImage(image, w, h),
    depth: depth && resizeNearestDepth(depth, w, h),
    intrinsics: intrinsics && scaleIntrinsics(intrinsics, w / image.width, h / image.height),
  }
}
