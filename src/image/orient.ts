/**
 * The eight orientations of EXIF's and XMP's `Orientation` (TIFF 6.0, section 8): where row 0 and column 0 of the stored pixels belong.
 * A decoder obeys EXIF's by itself; this is for the tag that stands elsewhere.
 */
import { assert } from '../support/errors.ts'
import type { RgbImage } from './types.ts'

/** 1 to 8; 1 is upright as stored. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

/** The image upright. 5 to 8 exchange width and height. */
export function upright(image: RgbImage, orientation: Orientation): RgbImage {
  if (orientation === 1) return image
  const { width, height, data } = image
  assert(data.length === 3 * width * height, 'an image of another size')
  const turned = orientation >= 5
  const [outWidth, outHeight] = turned ? [height, width] : [width, height]
  // A step right and a step down of the result, in stored pixels, and where they begin.
  const fromRight = [2, 3, 7, 8].includes(orientation) // the stored image's last column comes first along its own axis
  const fromBottom = [3, 4, 6, 7].includes(orientation)
  const column = fromRight ? -1 : 1
  const row = fromBottom ? -width : width
  const start = (fromRight ? width - 1 : 0) + (fromBottom ? (height - 1) * width : 0)
  const [right, down] = turned ? [row, column] : [column, row]
  const out = new Uint8Array(data.length)
  for (let y = 0, at = 0; y < outHeight; y++)
    for (let x = 0, from = start + y * down; x < outWidth; x++, from += right) {
      out[at++] = data[3 * from]
      out[at++] = data[3 * from + 1]
      out[at++] = data[3 * from + 2]
    }
  return { ...image, width: outWidth, height: outHeight, data: out }
}

/** `tiff:Orientation` of an XMP packet, as attribute or element; null where it has none that is from 1 to 8. */
export function xmpOrientation(xmp: string): Orientation | null {
  const [, digit] = /tiff:Orientation(?:\s*=\s*["']|>)\s*([1-8])\s*["'<]/.exec(xmp) ?? []
  return digit === undefined ? null : (Number(digit) as Orientation)
}
