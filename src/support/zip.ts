/**
 * What the directory of a zip says, before a library walks through it: fflate believes the number of entries, up to 4·10⁹, and the
 * size of each (APPNOTE.TXT 4.3.12, 4.3.14 and 4.3.16). Left out: everything else of the format, which is the library's.
 */

const END = 0x06054b50
const END_64 = 0x06064b50
const END_BYTES = 22
const LEAST_ENTRY = 46
const MAX_COMMENT = 65_536

/** Throws an Error, for the caller to name the file, when there is no directory or it cannot have as many entries as it says. */
export function checkZipDirectory(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const u32 = (at: number) => (at >= 0 && at + 4 <= bytes.length ? view.getUint32(at, true) : 0)
  let end = bytes.length - END_BYTES
  while (end >= 0 && u32(end) !== END) {
    if (bytes.length - end > MAX_COMMENT + END_BYTES) break
    end--
  }
  if (end < 0 || u32(end) !== END) throw new Error('it has no directory of a zip')
  let count = view.getUint16(end + 8, true)
  let start = u32(end + 16)
  const wide = u32(end - 12)
  if ((start === 0xffffffff || count === 0xffff) && u32(wide) === END_64) {
    count = u32(wide + 32)
    start = u32(wide + 48)
  }
  if (start + LEAST_ENTRY * count > bytes.length)
    throw new Error(`it has no room for the ${count} entries that it claims`)
}
