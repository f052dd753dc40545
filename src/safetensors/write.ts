/** Writes safetensors. The same input gives the same bytes, laid out as in the reference implementation. */
import { DarError } from '../support/errors.ts'
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
import { MAX_AXES, MAX_NAME_LENGTH } from './header-limits.ts'

/** The reference implementation's order of dtypes in the data, which aligns every tensor to its own element size. */
const DATA_ORDER: readonly SafetensorsDtype[] = [
  ...(['U64', 'I64', 'F64'] as const),
  ...(['F32', 'U32', 'I32'] as const),
  ...(['BF16', 'F16', 'U16', 'I16'] as const),
  ...(['I8', 'U8', 'BOOL'] as const),
]

/** What the writer takes: any array of the dtype's kind, whose length is the product of the shape. */
export interface TensorToStore {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  readonly data: TensorData
}

/** The part of a file before its data, and the place of each tensor after it. */
export interface SafetensorsPlan {
  /** Length, JSON and padding: everything before the data. */
  readonly head: Uint8Array
  /** In the order of their data; `begin` counts from the end of `head`. */
  readonly tensors: readonly (readonly [name: string, entry: TensorEntry])[]
  readonly dataBytes: number
}

/**
 * The layout of a file that is the same for the same input, whatever the order of its keys: data in the reference
 * implementation's order (largest elements first, then by name) and a header padded to 8 bytes, so every tensor is aligned.
 * Throws a DarError naming the tensor for a name, dtype or shape that the format does not know.
 */
export function planSafetensors(
  tensors: Readonly<Record<string, Pick<TensorToStore, 'dtype' | 'shape'>>>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsPlan {
  const sorted = Object.entries(tensors).sort(([a, { dtype: x }], [b, { dtype: y }]) => {
    return DATA_ORDER.indexOf(x) - DATA_ORDER.indexOf(y) || (a < b ? -1 : 1)
  })
  const lines: string[] = [] // text rather than an object: object keys that look like numbers would move to the front
  const keys = Object.keys(metadata).sort()
  if (keys.length > 0) {
    const pairs = keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`)
    lines.push(`"__metadata__":{${pairs.join(',')}}`)
  }
  let dataBytes = 0
  const entries: [string, TensorEntry][] = []
  for (const [name, { dtype, shape }] of sorted) {
    if (name === '__metadata__') throw notStorable(name, 'the format reserves this name; choose another')
    if (/\p{Surrogate}/u.test(name)) throw notStorable(name, 'the name is not valid Unicode')
    if (!isDtype(dtype)) throw notStorable(name, `dtype ${JSON.stringify(dtype)} is unknown`)
    const size = isCountArray(shape) ? byteSize(dtype, shape) : null
    if (size === null) throw notStorable(name, `shape [${shape}] is not made of non-negative integers`)
    if (name.length > MAX_NAME_LENGTH || shape.length > MAX_AXES)
      throw notStorable(name, `names have at most ${MAX_NAME_LENGTH} characters and shapes ${MAX_AXES} axes`)
    const end = dataBytes + size
    const entry = `{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${dataBytes},${end}]}`
    lines.push(`${JSON.stringify(name)}:${entry}`)
    entries.push([name, { dtype, shape, begin: dataBytes, end }])
    dataBytes = end
  }
  const json = new TextEncoder().encode(`{${lines.join(',')}}`)
  const padded = Math.ceil(json.byteLength / 8) * 8
  if (padded > MAX_HEADER_BYTES) {
    throw new DarError(
      `the header would have ${padded} bytes, more than the format's ${MAX_HEADER_BYTES}: store less metadata`,
    )
  }
  const head = new Uint8Array(LENGTH_BYTES + padded).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true)
  head.set(json, LENGTH_BYTES)
  return { head, tensors: entries, dataBytes }
}

/** The bytes of one planned tensor, a view of `data`. Throws a DarError naming it when plan and data do not agree. */
export function bytesOf(name: string, { dtype, shape, begin, end }: TensorEntry, data: TensorData): Uint8Array {
  if (!(data instanceof ARRAYS[dtype])) throw notStorable(name, `${dtype} needs its data as ${ARRAYS[dtype].name}`)
  if (data.byteLength !== end - begin)
    throw notStorable(name, `shape [${shape}] does not go with ${data.length} elements`)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** The bytes of a whole file, laid out by `planSafetensors`; errors as there, and when dtype, shape and data do not agree. */
export function serialiseSafetensors(
  tensors: Readonly<Record<string, TensorToStore>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const plan = planSafetensors(tensors, metadata)
  const parts = plan.tensors.map(([name, entry]) => bytesOf(name, entry, tensors[name].data))
  const bytes = new Uint8Array(plan.head.byteLength + plan.dataBytes)
  bytes.set(plan.head)
  let offset = plan.head.byteLength
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.byteLength
  }
  return bytes
}

const notStorable = (name: string, what: string) => new DarError(`cannot store tensor ${quote(name)}: ${what}`)
