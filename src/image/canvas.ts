/**
 * Drawing for legends and contact sheets: a filled picture, rectangles, pasting. Plain byte loops on `RgbImage`, so it
 * runs in the browser and needs no drawing library. Everything is clipped to the picture. Left out: blending, lines at
 * an angle, curves.
 */
import type { RgbImage } from './types.ts'

/** Red, green, blue, 0 to 255. */
export type Rgb = readonly [number, number, number]

export const WHITE: Rgb = [255, 255, 255]
export const INK: Rgb = [34, 34, 34]

/** A picture of one colour. */
export function blankImage(width: number, height: number, colour: Rgb = WHITE): RgbImage {
  const image: RgbImage = { width, height, data: new Uint8Array(3 * width * height) }
  fillRectangle(image, 0, 0, width, height, colour)
  return image
}

/** Fills columns x .. x+width−1 and rows y .. y+height−1, in place. */
export function fillRectangle(image: RgbImage, x: number, y: number, width: number, height: number, colour: Rgb): void {
  const left = Math.max(x, 0)
  const top = Math.max(y, 0)
  const right = Math.min(x + width, image.width)
  const bottom = Math.min(y + height, image.height)
  if (left >= right || top >= bottom) return
  const first = 3 * (top * image.width + left)
  const bytes = 3 * (right - left)
  for (let at = first; at < first + bytes; at += 3) image.data.set(colour, at)
  for (let row = top + 1; row < bottom; row++)
    image.data.copyWithin(3 * (row * image.width + left), first, first + bytes)
}

/** Copies `source` into `target`, in place, its top left corner at (x, y). */
export function paste(target: RgbImage, source: RgbImage, x: number, y: number): void {
  const left = Math.max(x, 0)
  const right = Math.min(x + source.width, target.width)
  if (left >= right) return
  for (let row = Math.max(y, 0); row < Math.min(y + source.height, target.height); row++) {
    const from = 3 * ((row - y) * source.width + left - x)
    target.data.set(source.data.subarray(from, from + 3 * (right - left)), 3 * (row * target.width + left))
  }
}
