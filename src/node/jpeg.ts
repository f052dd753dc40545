/** JPEG out, for pictures that are looked at and not measured. These return bytes. */
import sharp from 'sharp'
import { checkRgbImage } from '../image/check.ts'
import type { RgbImage } from '../image/types.ts'

/** An 8-bit RGB JPEG. `quality`: 1 to 100. @throws DarError when the data does not have width × height × 3 values. */
export async function encodeJpegRgb(
  image: RgbImage,
  { quality = 90 }: { readonly quality?: number } = {},
): Promise<Uint8Array> {
  checkRgbImage(image)
  const raw = { width: image.width, height: image.height, channels: 3 } as const
  // Depth colours change hue from pixel to pixel, which the usual halving of colour would smear.
  const encoded = sharp(image.data, { raw, limitInputPixels: false }).jpeg({ quality, chromaSubsampling: '4:4:4' })
  return new Uint8Array(await encoded.toBuffer())
}
