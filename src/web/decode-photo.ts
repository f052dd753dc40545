/**
 * The pixels of a photo's file, as the browser decodes it: upright by its EXIF, in sRGB, 8 bits a channel. Transparent pixels show on
 * black. The lens comes from EXIF, by the same code as in Node.
 *
 * Left out: what a browser does not decode. A canvas of 100 megapixels is more than some browsers have, so pixels are read in strips.
 */
import { findExifBlock } from '../image/exif-block.ts'
import { lensOfExif } from '../image/exif-focal.ts'
import { formatName, sniffFormat } from '../image/sniff.ts'
import type { RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { type BitmapLike, browser } from './browser.ts'

const MAX_PIXELS = 100e6
/** Of a strip. */
const STRIP_PIXELS = 2 ** 21

/** Throws a DarError that says what the file is instead of a photo. */
export async function decodePhoto(photo: Uint8Array | BitmapLike): Promise<RgbImage> {
  if (!(photo instanceof Uint8Array)) return imageOfBitmap(photo)
  const bytes = photo
  if (bytes.length === 0) throw new DarError('the file is empty (0 bytes); copy or download it again')
  const bitmap = await bitmapOf(bytes)
  const image = imageOfBitmap(bitmap)
  const block = exifOf(bytes)
  return { ...image, ...(block && lensOfExif(block, image)) }
}

/** Frees the bitmap: a message copied it. */
function imageOfBitmap(bitmap: BitmapLike): RgbImage {
  const { width, height } = bitmap
  if (width * height > MAX_PIXELS)
    throw new DarError(`the photo has ${width}×${height} pixels, more than 100 megapixels; scale it down`)
  const data = pixelsOfBitmap(bitmap)
  bitmap.close()
  return { width, height, data }
}

async function bitmapOf(bytes: Uint8Array): Promise<BitmapLike> {
  const blob = new browser.Blob([bytes])
  try {
    return await browser.createImageBitmap(blob, { imageOrientation: 'from-image', premultiplyAlpha: 'none' })
  } catch {
    const format = sniffFormat(bytes, 'the file', ['jpeg', 'png', 'webp'])
    throw new DarError(`the file is a damaged or incomplete ${formatName(format)}; copy or download it again`)
  }
}

function pixelsOfBitmap(bitmap: BitmapLike): Uint8Array {
  const { width, height } = bitmap
  const rows = Math.max(1, Math.min(height, Math.floor(STRIP_PIXELS / width)))
  const context = new browser.OffscreenCanvas(width, rows).getContext('2d', {
    willReadFrequently: true,
    colorSpace: 'srgb',
  })
  if (!context) throw new DarError('this browser gives no canvas to read pixels with; use a newer one')
  const data = new Uint8Array(3 * width * height)
  for (let top = 0, at = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top)
    context.globalCompositeOperation = 'copy'
    context.drawImage(bitmap, 0, -top)
    const rgba = context.getImageData(0, 0, width, count).data
    for (let from = 0; from < rgba.length; from += 4) {
      data[at++] = rgba[from]
      data[at++] = rgba[from + 1]
      data[at++] = rgba[from + 2]
    }
  }
  return data
}

function exifOf(bytes: Uint8Array): Uint8Array | null {
  try {
    return findExifBlock(bytes, sniffFormat(bytes, 'the file', ['jpeg', 'png', 'webp']))
  } catch {
    return null // another format, which this browser knows
  }
}
