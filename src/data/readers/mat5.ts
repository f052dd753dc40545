/**
 * MATLAB's MAT files of level 5, as far as split files need them: numeric arrays, strings and cells of strings. From the
 * published description of the format (MathWorks, "MAT-File Format", chapter 1). MAT files of version 7.3 are HDF5 and
 * belong to hdf5.ts. Left out: structures, objects, sparse and complex arrays, which are skipped.
 */
import { inflateSync } from 'node:zlib'
import { isHdf5 } from '../../node/decode-depth.ts'
import { DarError, messageOf } from '../../support/errors.ts'
import { firstBytes, readRegularFile } from '../../support/read-file.ts'

/** Numbers in MATLAB's order, a string, or the elements of a cell. */
export type MatValue = Float64Array | string | readonly MatValue[]

const MI = {
  int8: 1,
  uint8: 2,
  int16: 3,
  uint16: 4,
  int32: 5,
  uint32: 6,
  single: 7,
  double: 9,
  int64: 12,
  uint64: 13,
  matrix: 14,
  compressed: 15,
  utf8: 16,
  utf16: 17,
} as const
const CELL = 1
const CHAR = 4
const FIRST_NUMERIC = 6
const LAST_NUMERIC = 15

/** The largest file, and the most bytes that all its variables together may unpack to. No split file is larger. */
const MAX_BYTES = 64 * 2 ** 20
/** Numbers, characters and elements of cells of all variables together. */
const MAX_VALUES = 2 ** 22
/** Cells in cells. */
const MAX_DEPTH = 16

/** The remaining part of the limits for the rest of a file. */
interface Budget {
  bytes: number
  values: number
}

function spend(budget: Budget, kind: keyof Budget, amount: number): void {
  budget[kind] -= amount
  if (budget[kind] < 0) throw new Error('it holds more than any split file')
}

/** The variables of a MAT file, by name. Throws a DarError that names the file. */
export async function readMat5(path: string): Promise<Map<string, MatValue>> {
  if (isHdf5(await firstBytes(path, 4096)))
    throw new DarError(`${path} is a MATLAB 7.3 file (HDF5), whose lists of text are not read; save it with -v7`)
  const bytes = await readRegularFile(path, { most: MAX_BYTES })
  try {
    return parseMat5(bytes)
  } catch (error) {
    throw new DarError(
      `${path} is not a MAT file of level 5 that can be read (${messageOf(error)}); copy or download it again`,
    )
  }
}

function parseMat5(bytes: Uint8Array): Map<string, MatValue> {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 128))
  if (!head.startsWith('MATLAB 5.0')) throw new Error('it does not begin with "MATLAB 5.0"')
  if (head.slice(126) !== 'IM') throw new Error('it is not little-endian')
  const variables = new Map<string, MatValue>()
  const budget: Budget = { bytes: MAX_BYTES, values: MAX_VALUES }
  for (const { type, data } of elements(bytes.subarray(128))) {
    const inner = type === MI.compressed ? unpacked(data, budget) : { type, data }
    if (inner?.type !== MI.matrix) continue
    const { name, value } = matrix(inner.data, budget, 0)
    if (value !== null) variables.set(name, value)
  }
  return variables
}

/** The one element that a compressed element holds. */
function unpacked(data: Uint8Array, budget: Budget): Element | undefined {
  const bytes = inflateSync(data, { maxOutputLength: budget.bytes + 1 })
  spend(budget, 'bytes', bytes.length)
  for (const element of elements(bytes)) return element
  return undefined
}

interface Element {
  readonly type: number
  readonly data: Uint8Array
}

/** A tag of 8 bytes (type, size) and data padded to 8, or both in 8 bytes when the upper half of the type is not 0. */
function* elements(bytes: Uint8Array): Generator<Element> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at + 8 <= bytes.length) {
    const first = view.getUint32(at, true)
    const small = first >>> 16
    const type = small > 0 ? first & 0xffff : first
    const size = small > 0 ? small : view.getUint32(at + 4, true)
    const start = small > 0 ? at + 4 : at + 8
    if (small > 4 || start + size > bytes.length) throw new Error('an element reaches past the end')
    yield { type, data: bytes.subarray(start, start + size) }
    // A compressed element is the only one without padding.
    at = small > 0 ? at + 8 : start + (type === MI.compressed ? size : Math.ceil(size / 8) * 8)
  }
  if (at < bytes.length) throw new Error('it ends inside an element')
}

function matrix(bytes: Uint8Array, budget: Budget, depth: number): { name: string; value: MatValue | null } {
  if (depth > MAX_DEPTH) throw new Error('its cells are nested too deep')
  const all: Element[] = []
  for (const element of elements(bytes)) {
    spend(budget, 'values', 1)
    all.push(element)
  }
  const [flags, , nameElement, ...rest] = all
  if (!flags || !nameElement) throw new Error('an array has no name')
  const kind = flags.data[0]
  const name = new TextDecoder().decode(nameElement.data.subarray(0, 64)) // MATLAB's own limit is 63
  if (kind === CELL)
    return {
      name,
      value: rest.map(({ data }) => (data.length > 0 ? (matrix(data, budget, depth + 1).value ?? []) : [])),
    }
  if (kind === CHAR && rest[0]) return { name, value: textOf(rest[0], budget) }
  if (kind >= FIRST_NUMERIC && kind <= LAST_NUMERIC && rest[0]) return { name, value: numbersOf(rest[0], budget) }
  return { name, value: null }
}

function textOf(element: Element, budget: Budget): string {
  spend(budget, 'values', element.data.length)
  if (element.type === MI.utf8 || element.type === MI.int8 || element.type === MI.uint8)
    return new TextDecoder().decode(element.data)
  return Array.from(numbersOf(element, budget), (code) => String.fromCharCode(code)).join('')
}

/** The stored type is the smallest that holds the values, whatever the array's class. */
function numbersOf({ type, data }: Element, budget: Budget): Float64Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const all = (size: number, get: (at: number) => number) => {
    spend(budget, 'values', Math.floor(data.length / size))
    return Float64Array.from({ length: Math.floor(data.length / size) }, (_, i) => get(i * size))
  }
  switch (type) {
    case MI.int8:
      return all(1, (at) => view.getInt8(at))
    case MI.uint8:
      return all(1, (at) => view.getUint8(at))
    case MI.int16:
      return all(2, (at) => view.getInt16(at, true))
    case MI.uint16:
    case MI.utf16:
      return all(2, (at) => view.getUint16(at, true))
    case MI.int32:
      return all(4, (at) => view.getInt32(at, true))
    case MI.uint32:
      return all(4, (at) => view.getUint32(at, true))
    case MI.single:
      return all(4, (at) => view.getFloat32(at, true))
    case MI.double:
      return all(8, (at) => view.getFloat64(at, true))
    case MI.int64:
      return all(8, (at) => Number(view.getBigInt64(at, true)))
    case MI.uint64:
      return all(8, (at) => Number(view.getBigUint64(at, true)))
    default:
      throw new Error(`values of type ${type}`)
  }
}
