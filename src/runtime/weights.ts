/**
 * Model files: a .safetensors file with the parameters under the names of algorithm section 13 and, in its metadata, the config
 * as JSON. float16 and bfloat16 storage is widened to float32 when read.
 */

import { float32ToHalf } from '../safetensors/float16.ts'
import type { TensorToStore } from '../safetensors/index.ts'
import { readSafetensors, writeSafetensors } from './safetensors-file.ts'

/** A model file, read. */
export interface Weights {
  readonly metadata: Readonly<Record<string, string>>
  readonly values: ReadonlyMap<string, Float32Array>
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** Whether the file had a checksum, which then matched. */
  readonly checked: boolean
}

/** Every tensor of a file, as float32. Throws a DarError for a damaged file, and that names a tensor which is not floating-point. */
export async function readWeights(path: string): Promise<Weights> {
  const file = await readSafetensors(path)
  const values = new Map<string, Float32Array>()
  const shapes = new Map<string, readonly number[]>()
  for (const [name, tensor] of file.tensors) {
    values.set(name, tensor.toFloat32())
    shapes.set(name, tensor.shape)
  }
  return { metadata: file.metadata, values, shapes, checked: file.checked }
}

export { storedConfig } from '../predict/stored-model.ts'

/** One parameter, row-major. */
export interface NamedValues {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array<ArrayBuffer>
}

/** Writes parameters as float16 or float32, whole or not at all. */
export async function writeWeights(
  path: string,
  parameters: readonly NamedValues[],
  metadata: Readonly<Record<string, string>>,
  { dtype = 'F32' }: { readonly dtype?: 'F16' | 'F32' } = {},
): Promise<void> {
  const tensors: Record<string, TensorToStore> = {}
  for (const { name, shape, values } of parameters)
    tensors[name] = { dtype, shape, data: dtype === 'F16' ? float32ToHalf(values) : values }
  await writeSafetensors(path, tensors, metadata)
}
