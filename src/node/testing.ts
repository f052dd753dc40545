/** For tests: files of kinds that no library here writes. */
import { deflateSync } from 'node:zlib'

const WHOLE = 1
const FLOAT = 3

/** A TIFF of one channel, not compressed, in one strip (TIFF 6.0, section 2). */
export function tiffOf(
  values: Uint8Array | Uint16Array | Uint32Array | Float32Array,
  { width, height, bits, format }: { width: number; height: number; bits: number; format: 'uint' | 'float' },
): Uint8Array {
  const [short, long] = [3, 4]
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  const dataStart = 8 + 2 + 12 * 10 + 4
  const fields: readonly (readonly [tag: number, type: number, value: number])[] = [
    [256, long, width],
    [257, long, height],
    [258, short, bits],
    [259, short, 1], // no compression
    [262, short, 1], // 0 is black
    [273, long, dataStart],
    [277, short, 1], // channels
    [278, long, height],
    [279, long, data.length],
    [339, short, format === 'float' ? FLOAT : WHOLE],
  ]
  const directory = Buffer.alloc(2 + 12 * fields.length + 4)
  directory.writeUInt16LE(fields.length)
  for (const [i, [tag, type, value]] of fields.entries()) {
    const at = 2 + 12 * i
    directory.writeUInt16LE(tag, at)
    directory.writeUInt16LE(type, at + 2)
    directory.writeUInt32LE(1, at + 4)
    directory.writeUInt32LE(value, at + 8)
  }
  return Buffer.concat([Buffer.from('II*\0\x08\0\0\0', 'latin1'), directory, data])
}

/** A PNG whose header claims any size; its one IDAT holds next to nothing. */
export function pngOfSize(width: number, height: number, [bits, colours] = [8, 2]): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const bytes = Buffer.alloc(12 + data.length)
    bytes.writeUInt32BE(data.length, 0)
    bytes.write(type, 4, 'latin1')
    bytes.set(data, 8)
    let crc = ~0
    for (const byte of bytes.subarray(4, 8 + data.length)) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
    }
    bytes.writeUInt32BE(~crc >>> 0, 8 + data.length)
    return bytes
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([bits, colours, 0, 0, 0], 8)
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(new Uint8Array(64))),
    chunk('IEND', new Uint8Array(0)),
  ])
}
