/** EXIF blocks for tests: the tags of the camera's settings, each of a TIFF type, in either byte order. */

/** Tag → [TIFF type, value]. 3 is uint16, 4 uint32, 5 a rational, 12 a double. */
export type ExifTags = Readonly<Record<number, readonly [type: 3 | 4 | 5 | 12, value: number]>>

const SETTINGS_TAG = 0x8769

/** `Exif\0\0`, a TIFF header, a first folder that only points to the second, and that with `tags`. */
export function exifBlock(tags: ExifTags, { little = true }: { readonly little?: boolean } = {}): Buffer {
  const entries = Object.entries(tags)
  const values = 8 + 18 + 2 + 12 * entries.length + 4
  const block = Buffer.alloc(6 + values + 8 * entries.length)
  block.write('Exif', 'latin1')
  const view = new DataView(block.buffer, block.byteOffset + 6)
  view.setUint16(0, little ? 0x4949 : 0x4d4d)
  view.setUint16(2, 42, little)
  view.setUint32(4, 8, little)
  const entry = (at: number, tag: number, type: number) => {
    view.setUint16(at, tag, little)
    view.setUint16(at + 2, type, little)
    view.setUint32(at + 4, 1, little)
    return at + 8
  }
  view.setUint16(8, 1, little)
  view.setUint32(entry(10, SETTINGS_TAG, 4), 26, little)
  view.setUint16(26, entries.length, little)
  for (const [i, [tag, [type, value]]] of entries.entries()) {
    const at = entry(28 + 12 * i, Number(tag), type)
    const place = values + 8 * i
    if (type === 3) view.setUint16(at, value, little)
    else if (type === 4) view.setUint32(at, value, little)
    else view.setUint32(at, place, little)
    if (type === 12) view.setFloat64(place, value, little)
    if (type === 5) {
      view.setUint32(place, Math.round(value * 1000), little)
      view.setUint32(place + 4, 1000, little)
    }
  }
  return block
}

/** A JPEG with an EXIF block in place of its own. */
export function withExifBlock(jpeg: Uint8Array, block: Uint8Array): Buffer {
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, 0])
  head.writeUInt16BE(2 + block.length, 4)
  return Buffer.concat([head, block, jpeg.subarray(2)])
}
