/**
 * Linear layers, Y = X·Wᵀ + b, in integers: one DynamicQuantizeMatMul each.
 *
 *     X ≈ s_x·(U − z),  s_x, z from min X and max X        Y = s_x·s_o·Σ_i (U − z)_i·Q_oi + b
 */
import type { ModelProto, NodeProto, TensorProto } from '../graph/index.ts'
import { quantiseWeight } from './int8-weights.ts'
import { floatsOf, initializersByName, intAttribute, node } from './rewrite.ts'

export function linearsToInt8(model: ModelProto): ModelProto {
  const known = initializersByName(model)
  const made = new Map<string, TensorProto>()
  const rewrite = (old: NodeProto): NodeProto => {
    const [x, w, b] = old.inputs
    const weight = known.get(w)
    if (old.type !== 'Gemm' || !weight || known.has(x) || !transposesOnlyB(old)) return old
    const names = { integers: `${w}/int8`, scales: `${w}/scale` }
    const [outputs, inputs] = weight.dims
    if (!made.has(names.integers))
      for (const t of quantiseWeight({ outputs, inputs, values: floatsOf(weight) }, names)) made.set(t.name, t)
    const operands = [x, names.integers, names.scales]
    return node('DynamicQuantizeMatMul', b ? [...operands, '', b] : operands, old.outputs[0], {
      domain: 'com.microsoft',
    })
  }
  return { ...model, nodes: model.nodes.map(rewrite), initializers: [...model.initializers, ...made.values()] }
}

function transposesOnlyB(gemm: NodeProto): boolean {
  return intAttribute(gemm, 'transB', 0) === 1 && intAttribute(gemm, 'transA', 0) === 0
}
