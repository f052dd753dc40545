/**
 * The text chunks of a PNG (tEXt and zTXt; PNG specification, 11.3.4). The image itself is the decoder's. Left out: iTXt, and
 * checksums, which the decoder checks.
 */
import { inflateSync } from 'node:zlib'

const SIGNATURE_BYTES = 8
/** No real note is longer. A chunk that unpacks to more is ignored. */
const MAX_TEXT = 2 ** 20

/** Keyword → text. Empty for a file that is no PNG. */
export function pngText(bytes: Uint8Array): Map<string, string> {
  const texts = new Map<string, string>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = SIGNATURE_BYTES; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at)
    const type = latin1(bytes.subarray(at + 4, at + 8))
    const data = bytes.subarray(at + 8, at + 8 + length)
    const end = data.indexOf(0)
    if (end > 0 && type === 'tEXt') texts.set(latin1(data.subarray(0, end)), latin1(data.subarray(end + 1)))
    if (end > 0 && type === 'zTXt' && data[end + 1] === 0) {
      const text = unpacked(data.subarray(end + 2))
      if (text !== null) texts.set(latin1(data.subarray(0, end)), text)
    }
    at += 12 + length
  }
  return texts
}

const latin1 = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes)

function unpacked(bytes: Uint8Array): string | null {
  try {
    return latin1(inflateSync(bytes, { maxOutputLength: MAX_TEXT }))
  } catch {
    return null
  }
}
