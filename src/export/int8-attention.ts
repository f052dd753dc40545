/**
 * Attention scores, S = Q·Kᵀ, in integers. Both sides are quantised at run time: the queries as uint8 with the range of
 * the tensor, the keys as int8, symmetric, −63 … 63 (int8-weights.ts says why not more).
 *
 *     Q ≈ s_q·(U − z)      K ≈ s_k·I,  s_k = max |K| / 63      S = s_q·s_k·(U − z)·Iᵀ
 *
 * The second product of attention, P·V, stays float32. Among a thousand keys, most probabilities are below the step of
 * 1/255, and quantising each row with its own range costs more time than the integers save.
 */
import { DATA_TYPE, type ModelProto, type NodeProto, type Shape } from '../graph/index.ts'
import { LARGEST } from './int8-weights.ts'
import { node, producers, tensor } from './rewrite.ts'

/** With fewer multiply-adds, quantising costs more than the integers save. */
const LEAST = 2e6

export function scoresToInt8(model: ModelProto, shapes: ReadonlyMap<string, Shape>): ModelProto {
  const makers = producers(model.nodes)
  const scores = new Set<NodeProto>()
  for (const { type, inputs } of model.nodes) {
    const maker = type === 'Softmax' ? scoresBehind(inputs[0], makers) : undefined
    if (maker && productsOf(maker, shapes) >= LEAST) scores.add(maker)
  }
  const rewrite = (old: NodeProto): readonly NodeProto[] => {
    if (!scores.has(old)) return [old]
    const [q, k] = old.inputs
    const [u, scale, zero] = [`${q}/uint8`, `${q}/scale`, `${q}/zero`]
    const [size, largest, step, integers] = [`${k}/size`, `${k}/largest`, `${k}/step`, `${k}/int8`]
    return [
      node('DynamicQuantizeLinear', [q], [u, scale, zero]),
      node('Abs', [k], size),
      node('ReduceMax', [size], largest, { ints: { keepdims: 0 } }),
      node('Mul', [largest, 'int8/inverse'], step),
      node('QuantizeLinear', [k, step, 'int8/origin'], integers),
      node('MatMulIntegerToFloat', [u, integers, scale, step, zero], old.outputs[0], { domain: 'com.microsoft' }),
    ]
  }
  const constants = [
    tensor('int8/inverse', [], DATA_TYPE.float32, Float32Array.of(1 / LARGEST)),
    tensor('int8/origin', [], DATA_TYPE.int8, Int8Array.of(0)),
  ]
  return { ...model, nodes: model.nodes.flatMap(rewrite), initializers: [...model.initializers, ...constants] }
}

/** The product whose rows a softmax turns into probabilities, perhaps with a mask added. */
function scoresBehind(name: string, makers: ReadonlyMap<string, NodeProto>): NodeProto | undefined {
  const maker = makers.get(name)
  if (maker?.type === 'Add') return scoresBehind(maker.inputs[0], makers)
  return maker?.type === 'MatMul' && maker.inputs.every((input) => makers.has(input)) ? maker : undefined
}

function productsOf({ inputs: [q, k] }: NodeProto, shapes: ReadonlyMap<string, Shape>): number {
  const [left, right] = [shapes.get(q), shapes.get(k)]
  if (!left || !right) return 0
  return left.reduce((product, n) => product * n, 1) * (right.at(-1) ?? 0)
}
