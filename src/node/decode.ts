/**
 * Files to pixels: photos to 8-bit RGB, depth PNGs to metres. The work is sharp's (libvips); this file decides what is
 * accepted and says what is wrong with the rest in one line that names the file.
 *
 * Photos: JPEG, PNG and WebP. EXIF orientation is obeyed; an embedded ICC profile is converted to sRGB (phones write
 * Display P3); CMYK, 16-bit, grey and palette images become 8-bit RGB; an alpha channel is dropped, which shows the
 * colours stored under transparent pixels; of an animation the first frame is read.
 *
 * Refused from the header, before any pixel is decoded: other formats (recognised by their first bytes, so that an SVG
 * never reaches an SVG renderer), images of more than `maxPixels`, and those that are too long on one side or too large as
 * stored. The default, 100 megapixels, lets through what ordinary cameras produce and keeps a decoded image under 300 MB. A file that ends early or breaks off is refused; a
 * harmless oddity that libjpeg only warns about (some phones write them) is not.
 *
 * Pixels leave sharp by `toBuffer` and are copied, because Node does not transfer the memory of such a buffer to a worker.
 * sharp's `toUint8Array` (0.35.5) would be transferable but never gives its native copy back: one image leaks at each call.
 *
 * Left out: HEIC/AVIF (sharp's prebuilt binary cannot read an iPhone's HEIC), TIFF, raw, EXR, the other frames of animations.
 */
import sharp, { type Metadata } from 'sharp'
import { lensOfExif } from '../image/exif-focal.ts'
import { type Orientation, upright, xmpOrientation } from '../image/orient.ts'
import { type Format, formatName, sniffFormat } from '../image/sniff.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { readRegularFile } from '../support/read-file.ts'
import { copyInTurns } from './pixels.ts'

/**
 * Reads a photo. `source` is a path or the bytes of a file; `name` is what messages call it (default: the path).
 * Data is `height × width × 3`, 8-bit sRGB, upright, in a buffer of its own that may be transferred to a worker.
 *
 * @throws DarError, one line, when the file is missing, empty, a folder, not a JPEG, PNG or WebP, damaged, or larger
 * than `maxPixels`.
 */
export async function decodeImage(
  source: string | Uint8Array,
  { maxPixels = 100e6, name = nameOf(source) }: { maxPixels?: number; name?: string } = {},
): Promise<RgbImage> {
  const bytes = await readSource(source, name)
  const format = sniffFormat(bytes, name, ['jpeg', 'png', 'webp'])
  if (format === 'jpeg' && !jpegIsClosed(bytes)) throw damaged(name, format, 'it has no end-of-image marker')
  try {
    const input = sharp(bytes, { failOn: 'error', autoOrient: true, limitInputPixels: false })
    const header = await input.metadata()
    checkPixels(header, name, maxPixels)
    const raw = input.toColourspace('srgb').removeAlpha().raw({ depth: 'uchar' })
    const { data, info } = await raw.toBuffer({ resolveWithObject: true })
    const turn = orientationBesideExif(header)
    const stored = {
      width: info.width,
      height: info.height,
      ...(header.exif && lensOfExif(header.exif, header)),
    }
    if (turn !== 1) return upright({ ...stored, data }, turn)
    return { ...stored, data: await copyInTurns(data) }
  } catch (error) {
    throw error instanceof DarError ? error : damaged(name, format, messageOf(error))
  }
}

/** What of a photo its header says, before any pixel is decoded. `depth` names the type of its values, as sharp does. */
export type PhotoHeader = Pick<Metadata, 'width' | 'height' | 'channels' | 'depth'>

/** Reads a photo's header. Throws a DarError as `decodeImage`, but accepts any number of pixels (`checkPixels`). */
export async function decodeHeader(
  source: string | Uint8Array,
  { name = nameOf(source) }: { readonly name?: string } = {},
): Promise<PhotoHeader> {
  const bytes = await readSource(source, name)
  const format = sniffFormat(bytes, name, ['jpeg', 'png', 'webp'])
  try {
    const { width, height, channels, depth } = await sharp(bytes, { limitInputPixels: false }).metadata()
    return { width, height, channels, depth }
  } catch (error) {
    throw damaged(name, format, messageOf(error))
  }
}

/**
 * Reads a 16-bit grey PNG as metres: `value / unitsPerMetre`, 0 = no measurement. Values are taken as stored: no gamma,
 * no colour profile, no orientation. NYU-style files have 1000 units per metre, KITTI's 256.
 *
 * @throws DarError as `decodeImage`, and for a PNG that is not 16-bit grey.
 */
export async function decodeDepthPng(
  source: string | Uint8Array,
  {
    unitsPerMetre = 1000,
    maxPixels = 100e6,
    name = nameOf(source),
  }: { unitsPerMetre?: number; maxPixels?: number; name?: string } = {},
): Promise<DepthImage> {
  if (!(unitsPerMetre > 0 && Number.isFinite(unitsPerMetre)))
    throw new DarError(`unitsPerMetre is ${unitsPerMetre}; give a positive number, for example 1000 for millimetres`)
  const bytes = await readSource(source, name)
  const format = sniffFormat(bytes, name, ['png'])
  try {
    const input = sharp(bytes, { failOn: 'error', limitInputPixels: false, ignoreIcc: true })
    const header = await input.metadata()
    checkPixels(header, name, maxPixels)
    if (header.depth !== 'ushort')
      throw new DarError(
        `${name} is an 8-bit PNG, and 256 levels cannot hold metric depth; save depth as a 16-bit grey PNG (a colour map cannot be read back)`,
      )
    if (header.channels !== 1)
      throw new DarError(
        `${name} is a 16-bit PNG with ${header.channels} channels; save depth with one (grey, no alpha)`,
      )
    const raw = input.toColourspace('grey16').raw({ depth: 'ushort' })
    const { data, info } = await raw.toBuffer({ resolveWithObject: true })
    const values = new Uint16Array(data.buffer, data.byteOffset, data.length / 2)
    const depth = new Float32Array(values.length)
    for (let i = 0; i < depth.length; i++) depth[i] = values[i] / unitsPerMetre // `from` takes 40 times as long
    return { width: info.width, height: info.height, data: depth }
  } catch (error) {
    throw error instanceof DarError ? error : damaged(name, format, messageOf(error))
  }
}

/** The decoder has applied the orientation in EXIF. Without one, XMP's is used: editors write it into PNGs, which originally had no EXIF. */
function orientationBesideExif({ orientation, xmp }: Metadata): Orientation {
  if (orientation !== undefined || !xmp) return 1
  return xmpOrientation(xmp.toString('utf8')) ?? 1
}

/** A data URL contains the whole picture, 100 KB for example, so messages do not show it as a name. */
function nameOf(source: string | Uint8Array): string {
  if (typeof source !== 'string') return 'the image'
  return /^data:/i.test(source) ? `a data URL (${source.slice(0, 24)}…)` : source
}

/** The error for a file that its decoder refuses, in one line. */
export function damaged(name: string, format: Format, reason: string): DarError {
  // libvips repeats itself over several lines, each behind the name of the loader.
  const line = reason
    .replace(/^Input (buffer|file) has corrupt header: /i, '')
    .split('\n')[0]
    .replace(/^(VipsJpeg|vipspng|webp|webp2vips): /, '')
  return new DarError(`${name} is a damaged or incomplete ${formatName(format)} (${line}); copy or download it again`)
}

/** The largest file that is read. Above any image of 100 megapixels. */
export const MAX_FILE_BYTES = 2 ** 30

/** Whole files only: libvips caches what it opens by path and would serve an old image after the file has changed. */
async function readSource(source: string | Uint8Array, name: string): Promise<Uint8Array> {
  if (typeof source === 'string' && /^data:/i.test(source))
    throw new DarError(`${name} is not read; give its bytes: Buffer.from(base64, 'base64')`)
  const bytes = typeof source === 'string' ? await readRegularFile(source, { name, most: MAX_FILE_BYTES }) : source
  if (bytes.length === 0) throw new DarError(`${name} is empty (0 bytes); copy or download it again`)
  return bytes
}

/** Of one value, by the decoder's names of types. */
const BYTES_OF: Readonly<Record<string, number>> = { uchar: 1, char: 1, ushort: 2, short: 2, uint: 4, int: 4, float: 4 }
/**
 * What a decoder may need at once, for an image that it has to hold whole (interlaced, or to be turned): its pixels as stored. 100
 * megapixels of 8-bit RGBA.
 */
const MAX_STORED_BYTES = 4e8
/** Longer than any photo or panorama is wide; what is resized along such a side takes memory and time by its length. */
const MAX_SIDE = 32_768

/** Throws a DarError for an image that is too large, from its header. */
export function checkPixels(header: PhotoHeader, name: string, maxPixels: number): void {
  const { width, height } = header
  if (!(width > 0 && height > 0)) throw new DarError(`${name} has no pixels (${width}×${height}); give another image`)
  if (width * height > maxPixels)
    throw new DarError(
      `${name} has ${width}×${height} pixels, more than the ${maxPixels / 1e6} megapixels accepted; scale it down, or give decodeImage a larger maxPixels`,
    )
  if (Math.max(width, height) > MAX_SIDE)
    throw new DarError(
      `${name} is ${width}×${height}, longer than the ${MAX_SIDE} pixels accepted; crop it or scale it down`,
    )
  const bytes = width * height * header.channels * (BYTES_OF[header.depth] ?? 8)
  if (bytes > MAX_STORED_BYTES * Math.max(1, maxPixels / 100e6))
    throw new DarError(
      `${name} has ${width}×${height} pixels of ${header.channels} channels (${header.depth}), ${(bytes / 1e6).toFixed()} MB unpacked; save it with 8 bits or scale it down`,
    )
}

/**
 * Whether an end-of-image marker (FF D9) follows the first scan. libjpeg accepts a file whose second half is zeros, as
 * an interrupted copy into a preallocated file leaves it, without a warning. Inside a scan FF is always escaped, so the
 * two bytes cannot occur there by chance; the marker of an EXIF thumbnail lies in a segment before the scan.
 */
function jpegIsClosed(bytes: Uint8Array): boolean {
  let at = 2
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]
    // A marker may be preceded by fill bytes FF; TEM and RST carry no length.
    if (marker === 0xff) at += 1
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2
    else {
      at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3])
      if (marker === 0xda) break
    }
  }
  for (let end = bytes.indexOf(0xff, at); end >= 0; end = bytes.indexOf(0xff, end + 1))
    if (bytes[end + 1] === 0xd9) return true
  return false
}
