/** For tests of the format: bytes of a file, however wrong, and a value of every dtype. */
import type { SafetensorsDtype, TensorData } from './format.ts'

/** A file of the given header text and data, however wrong; `length` lies about the header's length when given. */
export function fileOf(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.byteLength), true)
  bytes.set(json, 8)
  for (let i = 0; i < dataBytes; i++) bytes[8 + json.byteLength + i] = i
  return bytes
}

/** Two elements of every dtype, the ends of its range among them. */
export const samples: Record<SafetensorsDtype, TensorData> = {
  F64: Float64Array.of(Math.PI, -0),
  F32: Float32Array.of(1.5, Number.NaN),
  F16: Uint16Array.of(0x3c00, 0xc100),
  BF16: Uint16Array.of(0x3f80, 0xc020),
  I64: BigInt64Array.of(-(2n ** 63n), 1n),
  I32: Int32Array.of(-(2 ** 31), 1),
  I16: Int16Array.of(-32768, 1),
  I8: Int8Array.of(-128, 127),
  U64: BigUint64Array.of(2n ** 64n - 1n, 0n),
  U32: Uint32Array.of(2 ** 32 - 1, 0),
  U16: Uint16Array.of(65535, 0),
  U8: Uint8Array.of(255, 0),
  BOOL: Uint8Array.of(1, 0),
}
