/**
 * Reading safetensors. The reader refuses everything that the format forbids: duplicate keys, gaps and overlaps between tensors,
 * sizes that do not fit the shape, bytes after the last tensor. Otherwise two readers could read two different models from one file.
 * Unknown fields of a tensor's entry are ignored, as the reference implementation does.
 */
import { assert, DarError } from '../support/errors.ts'
import { shortened } from '../support/text.ts'
import { bfloat16ToFloat32, halfToFloat32 } from './float16.ts'
import {
  ARRAYS,
  byteSize,
  isCountArray,
  isDtype,
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  quote,
  type SafetensorsDtype,
  type TensorData,
  type TensorEntry,
} from './format.ts'
import { headerProblem, MAX_AXES, MAX_NAME_LENGTH } from './header-limits.ts'

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, TensorEntry>
  /** Where the data starts, in bytes from the start of the file. */
  readonly dataOffset: number
}

/** One tensor of a file that is in memory. */
export class StoredTensor {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** The elements as they lie in the file. Read them, do not write to them. */
  readonly bytes: Uint8Array
  private readonly where: string

  constructor(entry: TensorEntry, bytes: Uint8Array, where: string) {
    this.dtype = entry.dtype
    this.shape = entry.shape
    this.bytes = bytes
    this.where = where
  }

  /** The elements as stored: a view of the file's bytes where alignment allows, else a copy. Read it, do not write to it. */
  get data(): TensorData {
    const type = ARRAYS[this.dtype]
    const { buffer, byteOffset, byteLength } = this.bytes
    const length = byteLength / type.BYTES_PER_ELEMENT
    if (byteOffset % type.BYTES_PER_ELEMENT === 0) return new type(buffer as ArrayBuffer, byteOffset, length)
    return new type(this.bytes.slice().buffer, 0, length)
  }

  /** A new float32 array, the caller's to keep. Throws a DarError unless the dtype is F32, F16, BF16 or F64 (rounded). */
  toFloat32(): Float32Array<ArrayBuffer> {
    const data = this.data
    if (this.dtype === 'F16') return halfToFloat32(data as Uint16Array)
    if (this.dtype === 'BF16') return bfloat16ToFloat32(data as Uint16Array)
    if (data instanceof Float32Array || data instanceof Float64Array) return new Float32Array(data)
    throw new DarError(
      `${this.where} holds ${this.dtype}, but floating point is needed: store it as F32, F16, BF16 or F64`,
    )
  }
}

export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
}

/**
 * Reads a whole file from memory. `source` names it in messages. The tensors' data are views of `bytes`, which must not
 * change while they are in use. Throws a DarError, naming the file and the tensor, for anything that the format forbids.
 */
export function parseSafetensors(bytes: Uint8Array, source: string): SafetensorsFile {
  assert(new Uint8Array(Uint16Array.of(1).buffer)[0] === 1, 'safetensors needs a little-endian machine')
  const length = parseHeaderLength(bytes.subarray(0, LENGTH_BYTES), bytes.byteLength, source)
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length), bytes.byteLength, source)
  const data = bytes.subarray(header.dataOffset)
  const tensors = new Map<string, StoredTensor>()
  for (const [name, entry] of header.tensors) {
    tensors.set(
      name,
      new StoredTensor(entry, data.subarray(entry.begin, entry.end), `${source}: tensor ${quote(name)}`),
    )
  }
  return { metadata: header.metadata, tensors }
}

/** The header's length from the first 8 bytes of a file of `fileBytes` bytes; a DarError when it cannot be right. */
export function parseHeaderLength(prefix: Uint8Array, fileBytes: number, source: string): number {
  if (prefix.byteLength < LENGTH_BYTES) {
    throw refused(source, `is ${fileBytes} bytes long, too short for the ${LENGTH_BYTES} bytes of the header's length`)
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true)
  if (length > MAX_HEADER_BYTES) {
    throw refused(source, `claims a header of ${length} bytes, more than the format's limit of ${MAX_HEADER_BYTES}`)
  }
  if (Number(length) > fileBytes - LENGTH_BYTES) {
    throw refused(
      source,
      `claims a header of ${length} bytes, but has only ${fileBytes - LENGTH_BYTES} after the length`,
    )
  }
  return Number(length)
}

/** Reads and checks the JSON header of a file of `fileBytes` bytes in all. */
export function parseHeader(json: Uint8Array, fileBytes: number, source: string): SafetensorsHeader {
  if (json[0] !== 0x7b) throw refused(source, "has a header that does not start with '{'")
  let text: string
  let header: Record<string, unknown>
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json)
  } catch {
    throw refused(source, 'has a header that is not valid UTF-8')
  }
  const problem = headerProblem(text)
  if (problem !== null) throw refused(source, problem)
  try {
    header = JSON.parse(text) as Record<string, unknown> // an object, as it starts with '{'
  } catch (error) {
    throw refused(source, `has a header that is not valid JSON (${shortened((error as Error).message)})`)
  }
  refuseDuplicateKeys(text, source)

  const dataOffset = LENGTH_BYTES + json.byteLength
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__')
  const tensors = entries.map(([name, entry]) => [name, parseEntry(name, entry, source)] as const)
  tensors.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  refuseGapsAndOverlaps(tensors, fileBytes - dataOffset, source)
  return { metadata: parseMetadata(header, source), tensors: new Map(tensors), dataOffset }
}

/**
 * JSON.parse silently keeps the last of two equal keys, so this function looks for them. `text` is valid JSON already, so
 * only strings, braces, brackets, commas and colons matter.
 */
function refuseDuplicateKeys(text: string, source: string): void {
  const open: (Set<string> | null)[] = [] // the keys of every open object, null for an array
  let keyExpected = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') {
      const start = i
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++
      const keys = open[open.length - 1]
      if (!keyExpected || !keys) continue
      const key = JSON.parse(text.slice(start, i + 1)) as string // "a" and "\u0061" are the same key
      if (keys.has(key)) throw refused(source, `has the key ${quote(key)} twice in its header`)
      if (/\p{Surrogate}/u.test(key)) throw refused(source, `has the key ${quote(key)}, which is not valid Unicode`)
      keys.add(key)
      keyExpected = false
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : null)
      keyExpected = character === '{'
    } else if (character === '}' || character === ']') {
      open.pop()
      keyExpected = false
    } else if (character === ',') keyExpected = open[open.length - 1] !== null
  }
}

/** A value of the header as text for a message. Its nesting is limited by header-limits.ts. */
const shown = (value: unknown) => shortened(JSON.stringify(value) ?? 'undefined')

function parseEntry(name: string, entry: unknown, source: string): TensorEntry {
  const wrong = (what: string) => refused(source, `is wrong at tensor ${quote(name)}: ${what}`)
  if (name.length > MAX_NAME_LENGTH) throw wrong(`its name has ${name.length} characters, more than ${MAX_NAME_LENGTH}`)
  if (!isObject(entry)) throw wrong('its entry is not an object')
  const { dtype, shape, data_offsets: offsets } = entry
  if (!isDtype(dtype)) {
    throw wrong(`dtype ${shown(dtype)} is unknown; known are ${Object.keys(ARRAYS).join(', ')}`)
  }
  if (!isCountArray(shape)) throw wrong(`shape ${shown(shape)} is not an array of non-negative integers`)
  if (shape.length > MAX_AXES) throw wrong(`shape has ${shape.length} axes, more than ${MAX_AXES}`)
  if (!isCountArray(offsets) || offsets.length !== 2) {
    throw wrong(`data_offsets ${shown(offsets)} is not a pair of non-negative integers`)
  }
  const [begin, end] = offsets
  if (end < begin) throw wrong(`its data ends at byte ${end}, before its start at ${begin}`)
  const size = byteSize(dtype, shape)
  if (size === null) throw wrong(`shape [${shape}] of ${dtype} has more bytes than can be counted`)
  if (size !== end - begin) {
    throw wrong(
      `shape [${shape}] of ${dtype} takes ${size} bytes, but data_offsets [${begin}, ${end}] span ${end - begin}`,
    )
  }
  return { dtype, shape, begin, end }
}

function refuseGapsAndOverlaps(
  tensors: readonly (readonly [string, TensorEntry])[],
  dataBytes: number,
  source: string,
): void {
  let reached = 0
  for (const [name, { begin, end }] of tensors) {
    if (end > dataBytes) {
      const what = `ends at byte ${end} of the data, but the file has only ${dataBytes}`
      throw refused(source, `is truncated or wrong: tensor ${quote(name)} ${what}`)
    }
    if (begin !== reached) {
      const what = begin < reached ? 'overlaps the tensor before it' : 'leaves a gap before it'
      throw refused(
        source,
        `is wrong at tensor ${quote(name)}: it ${what} (starts at byte ${begin}, expected ${reached})`,
      )
    }
    reached = end
  }
  if (reached !== dataBytes) {
    throw refused(source, `has ${dataBytes - reached} bytes after its last tensor, which belong to none`)
  }
}

function parseMetadata(header: Record<string, unknown>, source: string): Record<string, string> {
  if (!Object.hasOwn(header, '__metadata__')) return {}
  const metadata = header.__metadata__
  if (!isObject(metadata)) throw refused(source, 'has a __metadata__ that is not an object')
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw refused(source, `has __metadata__ ${quote(key)} that is not a string`)
  }
  return metadata as Record<string, string>
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const refused = (source: string, what: string) =>
  new DarError(`${source} ${what}; it is not a valid safetensors file: download or export it again`, { kind: 'model' })
