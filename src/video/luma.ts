/**
 * The brightness of a photo on the grid of a depth map: what smoothing looks at to tell what has moved. Each value is the
 * mean of the pixels of its cell, which also averages the noise of the sensor. Portable: no Node.
 */
import { checkRgbImage } from '../image/check.ts'
import type { RgbImage } from '../image/types.ts'

/**
 * `height × width` brightnesses from 0 to 255, row-major:
 *
 *     Y = 0.299·R + 0.587·G + 0.114·B       (ITU-R BT.601)
 *
 * Cell (i, j) covers the columns ⌊i·W/width⌋ to ⌊(i+1)·W/width⌋ − 1 of a photo of W columns, and at least one; rows alike.
 * @throws DarError when the photo's pixels do not fit its size.
 */
export function lumaGrid(
  image: RgbImage,
  { width, height }: { readonly width: number; readonly height: number },
): Float32Array {
  checkRgbImage(image)
  const columns = Int32Array.from({ length: width + 1 }, (_, i) => Math.floor((i * image.width) / width))
  const grid_HW = new Float32Array(height * width)
  const { data } = image
  for (let row = 0; row < height; row++) {
    const top = Math.floor((row * image.height) / height)
    const bottom = Math.max(top + 1, Math.floor(((row + 1) * image.height) / height))
    for (let column = 0; column < width; column++) {
      const left = columns[column]
      const right = Math.max(left + 1, columns[column + 1])
      let red = 0
      let green = 0
      let blue = 0
      for (let y = top; y < bottom; y++) {
        const end = 3 * (y * image.width + right)
        for (let at = 3 * (y * image.width + left); at < end; at += 3) {
          red += data[at]
          green += data[at + 1]
          blue += data[at + 2]
        }
      }
      const pixels = (bottom - top) * (right - left)
      grid_HW[row * width + column] = (0.299 * red + 0.587 * green + 0.114 * blue) / pixels
    }
  }
  return grid_HW
}
