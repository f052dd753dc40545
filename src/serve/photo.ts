/** Whether bytes are a photo that this server takes, judged from its header: its kind and its pixels, before any is decoded. */
import type { RgbImage } from '../image/types.ts'
import { checkPixels } from '../node/decode.ts'
import type { DecodeHeader } from '../node/decoder-process.ts'
import type { Size } from '../predict/types.ts'
import { Problem } from './problem.ts'

const NAME = 'the image'

/** @throws DarError or Problem, for the client. */
export async function checkPhoto(
  image: Uint8Array | RgbImage,
  { maxPixels, decodeHeader }: { readonly maxPixels: number; readonly decodeHeader: DecodeHeader },
): Promise<void> {
  if (!(image instanceof Uint8Array)) return checkCount(image, maxPixels)
  if (image.length === 0) throw new Problem('unusable-image', 'the image is empty (0 bytes)')
  const header = await decodeHeader(image, { name: NAME })
  checkCount(header, maxPixels)
  checkPixels(header, NAME, maxPixels)
}

function checkCount({ width, height }: Size, most: number): void {
  if (width * height > most)
    throw new Problem(
      'too-many-pixels',
      `the image has ${width}×${height} pixels, more than the ${most} that are accepted`,
    )
}
