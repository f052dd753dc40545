/** The input of a prediction as pixels in memory of their own, whatever it was given as (predict/given.ts). */
import { fileURLToPath } from 'node:url'
import type { Metadata, Sharp } from 'sharp'
import { lensOfExif } from '../image/exif-focal.ts'
import type { RgbImage } from '../image/types.ts'
import { recognise } from '../predict/given.ts'
import type { BlobInput, ImageInput } from '../predict/types.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { decodeImage, MAX_FILE_BYTES } from './decode.ts'
import type { DecodeFile } from './decoder-process.ts'
import { copyAsRgbInTurns, copyInTurns } from './pixels.ts'

/**
 * `decodeFile` reads what is given as a file, or as the bytes of one.
 * @throws DarError when it is no image, cannot be read, or is an address that would have to be fetched.
 */
export async function decodeInput(
  input: ImageInput,
  { decodeFile = decodeImage }: { readonly decodeFile?: DecodeFile } = {},
): Promise<RgbImage> {
  const given = recognise(input)
  switch (given.kind) {
    case 'path':
      return decodeFile(given.path)
    case 'file-url':
      return decodeFile(pathOf(given.url))
    case 'bytes':
      return decodeFile(given.bytes)
    case 'blob':
      return decodeBlob(given.blob, decodeFile)
    case 'sharp':
      return decodeSharp(given.image as Sharp)
    case 'pixels': {
      const { channels, data, colorSpace: _, ...about } = given.pixels
      return { ...about, data: await copyAsRgbInTurns(data, channels) }
    }
  }
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch (error) {
    throw new DarError(`the image ${url} is no URL of a file on this machine (${messageOf(error)}); give its path`)
  }
}

async function decodeBlob(blob: BlobInput, decodeFile: DecodeFile): Promise<RgbImage> {
  const { name } = blob as { readonly name?: unknown }
  const title = typeof name === 'string' && name !== '' ? name : 'the image'
  if (blob.size > MAX_FILE_BYTES)
    throw new DarError(`${title} has ${blob.size} bytes, more than an image of 100 megapixels; scale it down`)
  let bytes: ArrayBuffer
  try {
    bytes = await blob.arrayBuffer()
  } catch (error) {
    throw new DarError(`${title} cannot be read (${messageOf(error)}); check that its file is still there`)
  }
  return decodeFile(new Uint8Array(bytes), { name: title })
}

/** The size at which an image appears whose EXIF turns it upright. */
const uprightSize = ({ width, height, orientation = 1 }: Metadata) =>
  orientation >= 5 ? { width: height, height: width } : { width, height }

async function decodeSharp(image: Sharp): Promise<RgbImage> {
  try {
    const header = await image.clone().metadata()
    const raw = image.clone().autoOrient().toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' })
    const { data, info } = await raw.toBuffer({ resolveWithObject: true })
    const { width, height } = info
    const stored = uprightSize(header)
    // A pixel more or less is the rounding of a resize.
    const keepsShape = Math.abs((width * stored.height) / stored.width - height) <= 1
    const lens = header.exif && keepsShape ? lensOfExif(header.exif, header) : null
    const pixels =
      info.channels === 3 ? await copyInTurns(data) : await copyAsRgbInTurns(data, info.channels as 1 | 2 | 4)
    return { width, height, ...lens, data: pixels }
  } catch (error) {
    throw new DarError(`the image, a sharp object, cannot be read (${messageOf(error).split('\n')[0]})`)
  }
}
