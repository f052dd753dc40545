/** From what a page hands over to pixels: RGB, 8 bits, upright. */
import { checkRgbImage } from '../image/check.ts'
import { type Channels, copyAsRgb } from '../image/rgb.ts'
import type { RgbImage } from '../image/types.ts'
import type { PixelInput } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import type { BitmapLike } from './browser.ts'
import type { HostParts } from './host-parts.ts'
import type { WebImage } from './protocol.ts'

/** Messages copy what they hold, so the pixels are this side's own. Throws a DarError for what is no photo. */
export async function pixelsOf(photo: WebImage, decode: HostParts['decode']): Promise<RgbImage> {
  if (photo instanceof Uint8Array) return decode(photo)
  if (isKind(photo, 'arrayBuffer')) return decode(new Uint8Array(await photo.arrayBuffer()))
  if (isKind(photo, 'close')) return decode(photo as BitmapLike)
  return rgbOf(photo as RgbImage | PixelInput)
}

function isKind<Key extends string>(value: object, method: Key): value is Extract<WebImage, Record<Key, unknown>> {
  return typeof (value as Record<string, unknown>)?.[method] === 'function'
}

function rgbOf(pixels: RgbImage | PixelInput): RgbImage {
  const { width, height, data } = pixels
  const channels = 'channels' in pixels && pixels.channels ? pixels.channels : data?.length / (width * height)
  if (channels === 3 && data instanceof Uint8Array) {
    const image = pixels as RgbImage
    checkRgbImage(image)
    return image
  }
  if (!([1, 2, 3, 4] as unknown[]).includes(channels) || data.length !== channels * width * height)
    throw new DarError(
      `the photo of ${width}×${height} pixels has ${data?.length ?? 'no'} values; give a Blob, the bytes of a file, an ImageBitmap, an ImageData, or one to four bytes a pixel`,
    )
  const rgb = new Uint8Array(3 * width * height)
  copyAsRgb(data, channels as Channels, rgb, { from: 0, to: width * height })
  return { width, height, data: rgb }
}
