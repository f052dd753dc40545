/**
 * The numbers of an EXIF block, by tag. EXIF is a small TIFF file: folders of entries (tag, type, count, value or its offset).
 * Three folders are read here: the first, the camera's settings, and interoperability.
 *
 * Every numeric type of TIFF is taken, float and double too, which some writers use in place of rationals. Whatever points
 * outside the block is left out, and a folder is read once, so that damaged blocks give fewer numbers and never an error.
 * Left out: texts, the maker's notes, the thumbnail, places.
 */

/** Tag → its first value. */
export type ExifNumbers = ReadonlyMap<number, number>

const EXIF_FOLDER = 0x8769
const INTEROPERABILITY_FOLDER = 0xa005

/** Bytes of a value, and how it is read, by TIFF's number of the type. */
const TYPES: Readonly<Record<number, readonly [number, (view: DataView, at: number, little: boolean) => number]>> = {
  1: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at, little) => view.getUint16(at, little)],
  4: [4, (view, at, little) => view.getUint32(at, little)],
  5: [8, (view, at, little) => view.getUint32(at, little) / view.getUint32(at + 4, little)],
  6: [1, (view, at) => view.getInt8(at)],
  8: [2, (view, at, little) => view.getInt16(at, little)],
  9: [4, (view, at, little) => view.getInt32(at, little)],
  10: [8, (view, at, little) => view.getInt32(at, little) / view.getInt32(at + 4, little)],
  11: [4, (view, at, little) => view.getFloat32(at, little)],
  12: [8, (view, at, little) => view.getFloat64(at, little)],
  13: [4, (view, at, little) => view.getUint32(at, little)],
}

/** Reads a block as sharp gives it, with or without the `Exif\0\0` before it. Empty when it is none. */
export function readExifNumbers(block: Uint8Array): ExifNumbers {
  const numbers = new Map<number, number>()
  const start = String.fromCharCode(...block.subarray(0, 4)) === 'Exif' ? 6 : 0
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  if (view.byteLength < start + 8) return numbers
  const order = view.getUint16(start)
  const little = order === 0x4949
  if ((!little && order !== 0x4d4d) || view.getUint16(start + 2, little) !== 42) return numbers

  const seen = new Set<number>()
  const readFolder = (offset: number | undefined): void => {
    // An offset of a signed or broken type may lie before the block, or be no whole number.
    if (offset === undefined || !Number.isInteger(offset) || offset < 0 || seen.has(offset)) return
    seen.add(offset)
    const at = start + offset
    if (at + 2 > view.byteLength) return
    const count = view.getUint16(at, little)
    for (let i = 0; i < count; i++) {
      const entry = at + 2 + 12 * i
      if (entry + 12 > view.byteLength) return
      const value = readEntry(view, entry, start, little)
      if (value !== undefined) numbers.set(view.getUint16(entry, little), value)
    }
  }
  readFolder(view.getUint32(start + 4, little))
  readFolder(numbers.get(EXIF_FOLDER))
  readFolder(numbers.get(INTEROPERABILITY_FOLDER))
  return numbers
}

function readEntry(view: DataView, entry: number, start: number, little: boolean): number | undefined {
  const type = TYPES[view.getUint16(entry + 2, little)]
  const count = view.getUint32(entry + 4, little)
  if (!type || count === 0) return undefined
  const [size, read] = type
  // A value of up to four bytes stands in the entry itself.
  const at = size * count <= 4 ? entry + 8 : start + view.getUint32(entry + 8, little)
  return at + size <= view.byteLength ? read(view, at, little) : undefined
}
