/**
 * Two checks of zip archives that fflate, which unpacks them, does not make:
 *
 *   - The CRC-32 of each entry is compared with the one in the archive.
 *   - The number of entries in the directory, up to 4·10⁹, is compared with the size of the file before fflate loops over it.
 *
 * The directory's format is in APPNOTE.TXT 4.3.12 to 4.3.16. Its 64-bit records are read, too.
 */
import { crc32 } from 'node:zlib'
import { type UnzipFileFilter, type Unzipped, unzipSync } from 'fflate'

const END = 0x06054b50
const END_64 = 0x06064b50
const END_BYTES = 22
const LOCATOR_64 = 0x07064b50
const LOCATOR_64_BYTES = 20
const ENTRY = 0x02014b50
const ENTRY_BYTES = 46
const MAX_COMMENT = 65_536

/**
 * Throws an Error when the archive has no directory, or has no room for the number of entries that the directory states. The
 * message does not name the file; the caller adds that.
 */
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
  if (start + ENTRY_BYTES * count > bytes.length)
    throw new Error(`it has no room for the ${count} entries that it claims`)
}

/** Unpacks the entries that `filter` takes. Throws an Error that says what is wrong with the archive. */
export function unzipChecked(bytes: Uint8Array, filter: UnzipFileFilter): Unzipped {
  checkZipDirectory(bytes)
  const unpacked = unzipSync(bytes, { filter })
  const crcs = storedCrcs(bytes)
  for (const [name, content] of Object.entries(unpacked))
    if (crcs.get(name) !== crc32(content)) throw new Error(`the CRC of ${name} is wrong`)
  return unpacked
}

/** The CRC-32 of every entry, by its name. Of two entries with one name the last counts, as in fflate. */
function storedCrcs(bytes: Uint8Array): Map<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let end = bytes.length - END_BYTES
  while (end >= 0 && view.getUint32(end, true) !== END) end--
  if (end < 0) throw new Error('it has no directory')
  let count = view.getUint16(end + 10, true)
  let at = view.getUint32(end + 16, true)
  const locator = end - LOCATOR_64_BYTES
  if (locator >= 0 && view.getUint32(locator, true) === LOCATOR_64) {
    const end64 = Number(view.getBigUint64(locator + 8, true))
    if (end64 + 56 > bytes.length) throw new Error('its directory lies outside of it')
    count = Number(view.getBigUint64(end64 + 32, true))
    at = Number(view.getBigUint64(end64 + 48, true))
  }
  const crcs = new Map<string, number>()
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_BYTES > bytes.length || view.getUint32(at, true) !== ENTRY)
      throw new Error('its directory is damaged')
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true))
    const isUtf8 = (view.getUint16(at + 8, true) & 0x800) !== 0
    const text = Buffer.from(bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + name))
    crcs.set(text.toString(isUtf8 ? 'utf8' : 'latin1'), view.getUint32(at + 16, true))
    at += ENTRY_BYTES + name + extra + comment
  }
  return crcs
}
