/** For tests of formats: maps and photos whose points are known. */
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'

export const camera: Intrinsics = { fx: 40, fy: 50, cx: 11.5, cy: 7.5 }

/** A wall at 2 m, and before its right half a box at 1 m. */
export function boxBeforeWall({ width = 24, height = 16 } = {}): DepthImage {
  const data = Float32Array.from({ length: width * height }, (_, i) => (i % width < width / 2 ? 2 : 1))
  return { width, height, data }
}

/** A photo whose pixels all differ. */
export function photo({ width = 24, height = 16 } = {}): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37 + (i >> 8)) % 256)
  return { width, height, data }
}
