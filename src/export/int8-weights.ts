/**
 * Integers of a weight, symmetric, one scale per output channel:
 *
 *     W_oi ≈ s_o·Q_oi,  s_o = max_i |W_oi| / 63,  Q in −63 … 63
 *
 * Seven bits, not eight: a CPU without VNNI adds products of uint8 and int8 in pairs to 16 bits, saturated, and
 * 2·255·127 does not fit where 2·255·63 = 32,130 does. So the result is the same on every CPU, and exact.
 */
import { DATA_TYPE, type TensorProto } from '../graph/index.ts'
import { tensor } from './rewrite.ts'

/** The largest integer of a weight. */
export const LARGEST = 63

export interface WeightNames {
  readonly integers: string
  readonly scales: string
}

export interface Rows {
  readonly outputs: number
  readonly inputs: number
  /** W_oi at [o·inputs + i]. */
  readonly values: Float32Array
}

/** [out, in] float32 → [in, out] int8 and [out] scales, float32. */
export function quantiseWeight({ outputs, inputs, values }: Rows, names: WeightNames): TensorProto[] {
  const scales = new Float32Array(outputs)
  const integers = new Int8Array(values.length)
  for (let o = 0; o < outputs; o++) {
    const row = values.subarray(o * inputs, (o + 1) * inputs)
    const largest = row.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
    scales[o] = largest > 0 ? largest / LARGEST : 1
    for (let i = 0; i < inputs; i++) integers[i * outputs + o] = Math.round(row[i] / scales[o])
  }
  return [
    tensor(names.integers, [inputs, outputs], DATA_TYPE.int8, integers),
    tensor(names.scales, [outputs], DATA_TYPE.float32, scales),
  ]
}
