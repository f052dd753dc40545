/** For tests: files of kinds that no library here writes. */

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
