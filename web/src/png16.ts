/**
 * A depth map as a 16-bit grey PNG in millimetres, 0 = none, as `dar predict` writes it: the same values, in other bytes, since a page
 * has the browser's own compression instead of sharp's.
 */
import type { DepthImage } from '../../src/image/types.ts'

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

/** The bytes of the file. Depths beyond 65.5 m become 65.535 m. */
export async function encodeMillimetresPng({ width, height, data }: DepthImage): Promise<Uint8Array<ArrayBuffer>> {
  // Each row begins with the number of its filter: 2, the difference from the row above, byte by byte.
  const rows = new Uint8Array(height * (1 + 2 * width))
  let above = new Uint8Array(2 * width)
  for (let y = 0, at = 0; y < height; y++) {
    const row = new Uint8Array(2 * width)
    for (let x = 0; x < width; x++) {
      const metres = data[y * width + x]
      const millimetres = Number.isFinite(metres) && metres > 0 ? Math.min(65535, Math.round(metres * 1000)) : 0
      row[2 * x] = millimetres >> 8
      row[2 * x + 1] = millimetres & 0xff
    }
    rows[at++] = 2
    for (let i = 0; i < row.length; i++) rows[at++] = row[i] - above[i]
    above = row
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 16 // bits; grey, and the only methods there are
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream('deflate'))
  const body = new Uint8Array(await new Response(packed).arrayBuffer())
  return joined([SIGNATURE, chunk('IHDR', header), chunk('IDAT', body), chunk('IEND', new Uint8Array())])
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length)
  bytes.set(new TextEncoder().encode(type), 4)
  bytes.set(data, 8)
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)))
  return bytes
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  return c
})

/** PNG's sum of a chunk (ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff
  for (const byte of bytes) c = (c >>> 8) ^ TABLE[(c ^ byte) & 0xff]
  return (c ^ 0xffffffff) >>> 0
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
