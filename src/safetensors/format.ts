/**
 * The safetensors container (github.com/huggingface/safetensors, README "Format"): 8 bytes of little-endian header length,
 * a JSON header that gives each tensor's dtype, shape and byte range, then the raw little-endian data.
 *
 * What the reader (read.ts) and the writer (write.ts) share. The room works on bytes only, so that it runs in a
 * browser; files are in runtime/safetensors-file.ts. Left out: the 8-bit and 4-bit floats of newer versions, and
 * big-endian machines.
 */

/** Largest header in bytes, as in the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000

/** Bytes before the header: its length as an unsigned 64-bit integer. */
export const LENGTH_BYTES = 8

/** The array that holds each dtype; F16 and BF16 are raw bits (see float16.ts), BOOL is 0 or 1. */
export const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const

export type SafetensorsDtype = keyof typeof ARRAYS
export type TensorData<D extends SafetensorsDtype = SafetensorsDtype> = InstanceType<(typeof ARRAYS)[D]>

export const isDtype = (name: unknown): name is SafetensorsDtype =>
  typeof name === 'string' && Object.hasOwn(ARRAYS, name)

export interface TensorEntry {
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** First byte of the data, counted from the header's `dataOffset`. */
  readonly begin: number
  /** One past the last byte, counted likewise. */
  readonly end: number
}

/** Shape × dtype in bytes; null when it is no exact integer in a double. */
export function byteSize(dtype: SafetensorsDtype, shape: readonly number[]): number | null {
  let size: number = ARRAYS[dtype].BYTES_PER_ELEMENT
  for (const side of shape) {
    size *= side
    if (!Number.isSafeInteger(size)) return null
  }
  return size
}

export const isCountArray = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0 && !Object.is(item, -0))

/** A name from a file, safe to print: control characters escaped, and not a screenful. */
export const quote = (name: string) => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name)
