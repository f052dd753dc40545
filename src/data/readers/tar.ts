/**
 * Random access to the members of a tar file: one pass over its headers (512 bytes a member, the contents are skipped),
 * then each member is read by its place. POSIX ustar with GNU's long names and pax's path and size, which is what tar,
 * Python's tarfile and webdataset write. Left out: compressed tars, whose members have no offsets; sparse files.
 */
import { DarError } from '../../support/errors.ts'
import { withRegularFile } from '../../support/read-file.ts'
import { shortened } from '../../support/text.ts'

export interface TarMember {
  readonly name: string
  /** Of its contents in the tar, and their length in bytes. */
  readonly offset: number
  readonly size: number
}

export interface TarIndex {
  readonly path: string
  /** Files only, in the order of the tar. */
  readonly members: readonly TarMember[]
  /** Why the list ends early, for a tar that breaks off or is damaged; members before that are whole. */
  readonly problem: string | null
}

const BLOCK = 512
/** A pax header or long name beyond this is damage. */
const MAX_META = 2 ** 20
/** Of a name: what systems allow a path. */
const MAX_NAME = 4096
/** The largest member that is read: no photo, depth map or HDF5 frame is larger. */
const MAX_MEMBER = 2 ** 30

/** Throws a DarError when the file cannot be opened or does not begin like a tar. */
export async function indexTar(path: string): Promise<TarIndex> {
  return withRegularFile(path, async (file, size) => {
    const members: TarMember[] = []
    const block = new Uint8Array(BLOCK)
    let at = 0
    let longName: string | null = null
    let pax = new Map<string, string>()
    const ended = (problem: string | null): TarIndex => {
      if (members.length === 0 && problem !== null)
        throw new DarError(`${path} is no tar file (${problem}); compressed ones must be unpacked first`)
      return {
        path,
        members,
        problem: problem && `${path} breaks off: ${problem}; the ${members.length} files before that are read`,
      }
    }
    while (at + BLOCK <= size) {
      await file.read(block, 0, BLOCK, at)
      if (block.every((byte) => byte === 0)) return ended(null)
      const header = parseHeader(block)
      if (header === null) return ended(`the header at byte ${at} is damaged`)
      const length = wholeNumber(pax.get('size')) ?? header.size
      const offset = at + BLOCK
      if (!Number.isSafeInteger(length) || length < 0 || offset + length > size)
        return ended(`${shortened(longName ?? header.name)} reaches past the end of the file`)
      at = offset + Math.ceil(length / BLOCK) * BLOCK
      if (header.type === 'L' || header.type === 'x') {
        if (length > MAX_META) return ended(`the header at byte ${offset} is damaged`)
        const meta = new Uint8Array(length)
        await file.read(meta, 0, length, offset)
        if (header.type === 'L') longName = text(meta)
        else pax = parsePax(meta)
        continue
      }
      const name = pax.get('path') ?? longName ?? header.name
      if (name.length > MAX_NAME) return ended(`the name before byte ${offset} has ${name.length} characters`)
      if (header.type === '0') members.push({ name, offset, size: length })
      longName = null
      pax = new Map()
    }
    return ended(at === 0 ? `it has ${size} bytes` : at > size ? 'its last file is cut off' : null)
  })
}

/** The contents of a member. Throws a DarError when the tar has become shorter, or the member is too large for a frame. */
export async function readMember(path: string, { name, offset, size }: TarMember): Promise<Uint8Array> {
  if (size > MAX_MEMBER)
    throw new DarError(`${path}: ${shortened(name)} has ${size} bytes, too many for a part of a frame; leave it out`)
  return withRegularFile(path, async (file) => {
    const bytes = new Uint8Array(size)
    const { bytesRead } = await file.read(bytes, 0, size, offset)
    if (bytesRead < size) throw new DarError(`${path} ends inside ${name}; copy or download it again`)
    return bytes
  })
}

/** Null when the checksum is wrong. `type` '0' is a file. */
function parseHeader(block: Uint8Array): { name: string; size: number; type: string } | null {
  // The sum is over the header with its own eight bytes as blanks.
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
  if (octal(block.subarray(148, 156)) !== sum) return null
  const prefix = text(block.subarray(257, 262)) === 'ustar' ? text(block.subarray(345, 500)) : ''
  const own = text(block.subarray(0, 100))
  const type = block[156] === 0 ? '0' : String.fromCharCode(block[156])
  // GNU's tar uses the prefix field for times; its magic ends in a blank where POSIX has a zero.
  const posix = block[262] === 0
  return { name: posix && prefix !== '' ? `${prefix}/${own}` : own, size: numeric(block.subarray(124, 136)), type }
}

/** Octal digits; or, for sizes from 8 GB, binary with the highest bit set. */
function numeric(field: Uint8Array): number {
  if ((field[0] & 0x80) === 0) return octal(field)
  return field.subarray(4).reduce((value, byte) => value * 256 + byte, 0)
}

const octal = (field: Uint8Array) => Number.parseInt(text(field).trim() || '0', 8)

/** Up to the first zero. */
function text(field: Uint8Array): string {
  const end = field.indexOf(0)
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end))
}

/** Digits only; what else `Number` takes (fractions, exponents, signs) is no length. Null for no number. */
function wholeNumber(text: string | undefined): number | null {
  if (text === undefined) return null
  return /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
}

/** Records `length key=value\n`. What breaks the form ends the list. */
function parsePax(bytes: Uint8Array): Map<string, string> {
  const values = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(32, at)
    if (blank < 0 || blank - at > 16) break
    const length = wholeNumber(text(bytes.subarray(at, blank))) ?? 0
    if (!(at + length > blank + 1 && at + length <= bytes.length)) break
    const record = new TextDecoder().decode(bytes.subarray(blank + 1, at + length - 1))
    const equals = record.indexOf('=')
    values.set(record.slice(0, equals), record.slice(equals + 1))
    at += length
  }
  return values
}
