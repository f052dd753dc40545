/**
 * Text chunks put into a PNG that is there already (tEXt; PNG specification, 11.3.4): sharp writes pixels and none of these. They go
 * behind the header, before any pixel.
 */
import { DarError } from '../support/errors.ts'

/** Signature (8), then IHDR: length (4), type (4), data (13), checksum (4). */
const AFTER_HEADER = 33
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47]

/** A new file with a chunk for every keyword. @throws DarError when it is no PNG, or a text is not Latin-1. */
export function withPngText(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array {
  if (png.length < AFTER_HEADER || SIGNATURE.some((byte, i) => png[i] !== byte))
    throw new DarError('the text belongs into a PNG, and this file is none; encode the picture first')
  const chunks = Object.entries(texts).map(([keyword, text]) => chunk(keyword, text))
  const out = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, png.length))
  out.set(png.subarray(0, AFTER_HEADER))
  let at = AFTER_HEADER
  for (const bytes of chunks) {
    out.set(bytes, at)
    at += bytes.length
  }
  out.set(png.subarray(AFTER_HEADER), at)
  return out
}

function chunk(keyword: string, text: string): Uint8Array {
  const data = [...latin1(keyword), 0, ...latin1(text)]
  const bytes = new Uint8Array(12 + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length)
  bytes.set([...latin1('tEXt'), ...data], 4)
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)))
  return bytes
}

function latin1(text: string): number[] {
  const codes = Array.from(text, (letter) => letter.codePointAt(0) ?? 0)
  if (codes.some((code) => code === 0 || code > 255))
    throw new DarError(`the text ${JSON.stringify(text)} has letters that a PNG's text chunk cannot hold; use Latin-1`)
  return codes
}

/** As in annex D of the PNG specification. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
