/**
 * Finds the EXIF block in the bytes of a photo's file: JPEG's APP1 segment, PNG's chunk eXIf, WebP's chunk EXIF. Node gets it from
 * sharp; a page's canvas does not tell it. A damaged file has no block, and never an error.
 */
import type { Format } from './sniff.ts'

/** The block as `readExifNumbers` takes it, a view of `bytes`; null where there is none. */
export function findExifBlock(bytes: Uint8Array, format: Format): Uint8Array | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (format === 'jpeg') return inJpeg(bytes, view)
  if (format === 'png') return inChunks(bytes, view, { from: 8, name: 'eXIf', nameFirst: false, little: false })
  if (format === 'webp') return inChunks(bytes, view, { from: 12, name: 'EXIF', nameFirst: true, little: true })
  return null
}

const latin = (bytes: Uint8Array, at: number, length: number) => String.fromCharCode(...bytes.subarray(at, at + length))

/** Segments FF, marker, length (2 bytes, of itself too), up to the first scan. */
function inJpeg(bytes: Uint8Array, view: DataView): Uint8Array | null {
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1]
    if (marker === 0xff) at += 1
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2
    else {
      const length = view.getUint16(at + 2)
      if (marker === 0xda) return null
      if (marker === 0xe1 && latin(bytes, at + 4, 6) === 'Exif\0\0') return bytes.subarray(at + 4, at + 2 + length)
      at += 2 + length
    }
  }
  return null
}

/** PNG: length, name, data, sum of 4 bytes. RIFF: name, length, data, at even places. */
function inChunks(
  bytes: Uint8Array,
  view: DataView,
  {
    from,
    name,
    nameFirst,
    little,
  }: { readonly from: number; readonly name: string; readonly nameFirst: boolean; readonly little: boolean },
): Uint8Array | null {
  for (let at = from; at + 8 <= bytes.length; ) {
    const length = view.getUint32(nameFirst ? at + 4 : at, little)
    const end = at + 8 + length
    if (latin(bytes, nameFirst ? at : at + 4, 4) === name)
      return end <= bytes.length ? bytes.subarray(at + 8, end) : null
    at = nameFirst ? end + (length % 2) : end + 4
  }
  return null
}
