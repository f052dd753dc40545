/** Left and right change places: for predictions that are averaged with that of the mirrored photo (`flip`). */
import type { DepthImage } from '../image/types.ts'

/** Every row of planes `width` wide reversed, in new memory. */
export function mirrored(planes: Float32Array, width: number): Float32Array {
  const out = planes.slice()
  for (let at = 0; at < out.length; at += width) out.subarray(at, at + width).reverse()
  return out
}

/** (a + the mirror image of b) / 2, into a's memory. As the protocols of evaluation do it (eval/protocol.ts, `flip`). */
export function averageWithMirror(a: DepthImage, b: DepthImage): void {
  const { width, data } = a
  for (let row = 0; row < data.length; row += width)
    for (let x = 0; x < width; x++) data[row + x] = (data[row + x] + b.data[row + width - 1 - x]) / 2
}
