/** Textures: 8-bit sRGB with alpha, for drawing with. Photos are read by decode.ts, which is stricter. */
import sharp from 'sharp'
import { sniffFormat } from '../image/sniff.ts'
import { DarError, messageOf } from '../support/errors.ts'

/** Of a texture. */
const MAX_SIDE = 16_384

/** Alpha is 255 where the file has none. Throws a DarError when the bytes are no JPEG or PNG, or damaged. */
export async function decodeRgba(
  bytes: Uint8Array,
  { name, maxPixels = 100e6 }: { readonly name: string; readonly maxPixels?: number },
): Promise<{ readonly width: number; readonly height: number; readonly data: Uint8Array }> {
  sniffFormat(bytes, name, ['jpeg', 'png'])
  try {
    const input = sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels })
    const { width, height } = await input.metadata()
    if (Math.max(width, height) > MAX_SIDE) throw new Error(`${width}×${height} pixels`)
    const raw = input.toColourspace('srgb').ensureAlpha().raw({ depth: 'uchar' })
    const { data, info } = await raw.toBuffer({ resolveWithObject: true })
    return { width: info.width, height: info.height, data: new Uint8Array(data) }
  } catch (error) {
    throw new DarError(`${name} is a damaged image (${messageOf(error).split('\n')[0]})`)
  }
}
