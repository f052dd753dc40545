/**
 * Softmax over another axis than the last, as ONNX Runtime's CPU provider is quick at it: it transposes the tensor there and
 * back and calls its kernel for every row, which for the 9 neighbours of convex upsampling costs five times this.
 *
 *     softmax(x)_i = e_i / Σ_j e_j,   e = exp(x − max x)
 */
import type { ModelProto, NodeProto, Shape } from '../graph/index.ts'
import { indices, intAttribute, node } from './rewrite.ts'

export function toChannelSoftmax(model: ModelProto, shapes: ReadonlyMap<string, Shape>): ModelProto {
  const axes = new Set<number>()
  const rewrite = (old: NodeProto): readonly NodeProto[] => {
    const axis = intAttribute(old, 'axis', -1)
    const [[x], [y]] = [old.inputs, old.outputs]
    if (old.type !== 'Softmax' || axis === -1 || axis === (shapes.get(x)?.length ?? 0) - 1) return [old]
    axes.add(axis)
    const list = `softmax/${axis}`
    return [
      node('ReduceMax', [x, list], `${y}/max`),
      node('Sub', [x, `${y}/max`], `${y}/below`),
      node('Exp', [`${y}/below`], `${y}/exp`),
      node('ReduceSum', [`${y}/exp`, list], `${y}/sum`),
      node('Div', [`${y}/exp`, `${y}/sum`], y),
    ]
  }
  const nodes = model.nodes.flatMap(rewrite)
  const lists = [...axes].map((axis) => indices(`softmax/${axis}`, [axis]))
  return { ...model, nodes, initializers: [...model.initializers, ...lists] }
}
