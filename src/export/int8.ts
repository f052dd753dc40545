/**
 * Dynamic int8 for CPUs and wasm: the linear layers of encoder and decoder, Y = X·Wᵀ + b, become one DynamicQuantizeMatMul each.
 * Weights are int8, symmetric, one scale per output channel; activations become uint8 at run time with the range of the tensor:
 *
 *     W ≈ s_o·Q,  s_o = max_i |W_oi| / 127        X ≈ s_x·(U − z),  s_x, z from min X and max X
 *     Y = s_x·s_o·Σ_i (U − z)_i·Q_oi + b
 *
 * Per channel and signed, because one scale for a whole weight costs accuracy and no time is saved. Convolutions stay float32.
 * The op is ONNX Runtime's own: its CPU and wasm builds have it, the browser's WebGPU provider computes no integer products
 * (there, use float16).
 */
import { DATA_TYPE, type ModelProto, type NodeProto, type TensorProto } from '../graph/index.ts'
import { floatsOf, initializersByName, node, tensor, withoutUnused } from './rewrite.ts'

/** Operators of an int8 export that are not in the WebGPU list. */
export const INT8_OPS: readonly string[] = ['com.microsoft:DynamicQuantizeMatMul']

/** `model` is in portable operators and float32, its weights embedded. */
export function toInt8(model: ModelProto): ModelProto {
  const known = initializersByName(model)
  const made = new Map<string, TensorProto>()
  const rewrite = (old: NodeProto): NodeProto => {
    const [x, w, b] = old.inputs
    const weight = known.get(w)
    if (old.type !== 'Gemm' || !weight || known.has(x) || !transposesB(old)) return old
    const [q, s] = [`${w}/int8`, `${w}/scale`]
    if (!made.has(q)) for (const t of quantised(weight, q, s)) made.set(t.name, t)
    return node('DynamicQuantizeMatMul', b ? [x, q, s, '', b] : [x, q, s], old.outputs[0], { domain: 'com.microsoft' })
  }
  const nodes = model.nodes.map(rewrite)
  return withoutUnused({ ...model, nodes, initializers: [...model.initializers, ...made.values()] })
}

function transposesB({ attributes }: NodeProto): boolean {
  const on = (key: string) => {
    const attribute = attributes.get(key)
    return attribute?.kind === 'int' && attribute.value === 1
  }
  return on('transB') && !on('transA')
}

/** [out, in] float32 → [in, out] int8 and [out] scales. */
function quantised(weight: TensorProto, q: string, s: string): TensorProto[] {
  const [outputs, inputs] = weight.dims
  const values = floatsOf(weight)
  const scales = new Float32Array(outputs)
  const integers = new Int8Array(values.length)
  for (let o = 0; o < outputs; o++) {
    const row = values.subarray(o * inputs, (o + 1) * inputs)
    const largest = row.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
    scales[o] = largest > 0 ? largest / 127 : 1
    for (let i = 0; i < inputs; i++) integers[i * outputs + o] = Math.round(row[i] / scales[o])
  }
  return [tensor(q, [inputs, outputs], DATA_TYPE.int8, integers), tensor(s, [outputs], DATA_TYPE.float32, scales)]
}
