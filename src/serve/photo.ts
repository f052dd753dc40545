/** Whether bytes are a photo that this server takes, judged from its header: its kind and its pixels, before any is decoded. */
import sharp from 'sharp'
import { sniffFormat } from '../image/sniff.ts'
import type { RgbImage } from '../image/types.ts'
import { checkPixels, damaged } from '../node/decode.ts'
import type { Size } from '../predict/types.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { Problem } from './problem.ts'

const NAME = 'the image'

/** @throws DarError or Problem, for the client. */
export async function checkPhoto(
  image: Uint8Array | RgbImage,
  { maxPixels }: { readonly maxPixels: number },
): Promise<void> {
  if (!(image instanceof Uint8Array)) return checkCount(image, maxPixels)
  if (image.length === 0) throw new Problem('unusable-image', 'the image is empty (0 bytes)')
  const format = sniffFormat(image, NAME, ['jpeg', 'png', 'webp'])
  try {
    const header = await sharp(image, { limitInputPixels: false }).metadata()
    checkCount(header, maxPixels)
    checkPixels(header, NAME, maxPixels)
  } catch (error) {
    throw error instanceof DarError || error instanceof Problem ? error : damaged(NAME, format, messageOf(error))
  }
}

function checkCount({ width, height }: Size, most: number): void {
  if (width * height > most)
    throw new Problem(
      'too-many-pixels',
      `the image has ${width}×${height} pixels, more than the ${most} that are accepted`,
    )
}
