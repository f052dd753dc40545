/**
 * Golden tensors of whole models in two thirds of their bytes, so that the repository carries all of them.
 *
 * What is fed to the model (parameters, inputs) and the losses stay exact. What the model's answer is compared with,
 * `trace/…` and `grad/…`, becomes 16-bit integers of the tensor's largest entry m:
 *
 *     q = round(32767·x / m)      x ≈ q·m / 32767,  off by at most m / 65534 = 1.5e-5 m
 *
 * which is a thirtieth of the tightest tolerance that these are compared under (5e-4 m). Bytes of equal rank lie together
 * (planes), which Brotli compresses better. A packed file is a Brotli stream of a safetensors file in which a U8 tensor of 4
 * planes is exact float32, one of 2 planes is such integers, and the metadata's `largest` holds m by name.
 */
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import {
  parseSafetensors,
  type SafetensorsFile,
  serialiseSafetensors,
  type TensorToStore,
} from '../../src/safetensors/index.ts'

const RANGE = 32767
/** Fewer values are kept exactly: they save nothing. */
const FEWEST = 64

const isCompared = (name: string) => name.startsWith('trace/') || name.startsWith('grad/')

export function pack({ tensors, metadata }: SafetensorsFile): Uint8Array {
  const largest: Record<string, number> = {}
  const packed: Record<string, TensorToStore> = {}
  for (const [name, { dtype, shape, data }] of tensors) {
    if (!(data instanceof Float32Array)) {
      packed[name] = { dtype, shape, data }
      continue
    }
    const most = data.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
    const rounded = isCompared(name) && data.length >= FEWEST && most > 0
    if (rounded) largest[name] = most
    const values = rounded ? Int16Array.from(data, (x) => Math.round((RANGE * x) / most)) : data
    packed[name] = { dtype: 'U8', shape: [values.BYTES_PER_ELEMENT, ...shape], data: planesOf(values) }
  }
  return brotliCompressSync(serialiseSafetensors(packed, { ...metadata, largest: JSON.stringify(largest) }), {
    params: { [constants.BROTLI_PARAM_LGWIN]: 24 },
  })
}

/** The bytes of the safetensors file that was packed, `trace/…` and `grad/…` rounded. */
export function unpack(bytes: Uint8Array, source: string): Uint8Array {
  const { tensors, metadata } = parseSafetensors(brotliDecompressSync(bytes), source)
  const { largest: text, ...rest } = metadata
  const largest: Record<string, number> = JSON.parse(text)
  const whole: Record<string, TensorToStore> = {}
  for (const [name, { dtype, shape, data }] of tensors) {
    if (dtype !== 'U8') whole[name] = { dtype, shape, data }
    else whole[name] = { dtype: 'F32', shape: shape.slice(1), data: floatsOf(data as Uint8Array, largest[name]) }
  }
  return serialiseSafetensors(whole, rest)
}

function planesOf(values: Float32Array | Int16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const size = values.BYTES_PER_ELEMENT
  return Uint8Array.from(bytes, (_, i) => bytes[(i % values.length) * size + Math.floor(i / values.length)])
}

function floatsOf(planes: Uint8Array, largest: number | undefined): Float32Array<ArrayBuffer> {
  const size = largest === undefined ? 4 : 2
  const count = planes.length / size
  const bytes = Uint8Array.from(planes, (_, i) => planes[(i % size) * count + Math.floor(i / size)])
  if (largest === undefined) return new Float32Array(bytes.buffer)
  return Float32Array.from(new Int16Array(bytes.buffer), (q) => (q * largest) / RANGE)
}
