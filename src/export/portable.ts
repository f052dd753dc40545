/**
 * Rewrites a graph into operators that the browser's WebGPU provider has (test/webgpu-ops.ts). Prediction graphs use
 * three that it lacks: `Identity`, which only renames, and `Max` and `Min`:
 *
 *     max(x, c) = Clip(x, c, ∞)      min(x, c) = Clip(x, −∞, c)      with a constant number c
 *     max(a, b) = Where(a ≥ b, a, b)   min(a, b) = Where(a ≤ b, a, b)   else
 */
import { DATA_TYPE, type ModelProto, type NodeProto } from '../graph/index.ts'
import { initializersByName, node, valueTypes } from './rewrite.ts'

/** The result is exact, and outputs keep their names. */
export function toPortable(model: ModelProto): ModelProto {
  return withoutIdentities(withoutExtremes(model))
}

function withoutExtremes(model: ModelProto): ModelProto {
  const initializers = initializersByName(model)
  const types = valueTypes(model)
  const isNumber = (name: string) => initializers.get(name)?.dims.length === 0
  const rewrite = (old: NodeProto): readonly NodeProto[] => {
    if (old.type !== 'Max' && old.type !== 'Min') return [old]
    const [[a, b], [y]] = [old.inputs, old.outputs]
    if (types.get(a) !== DATA_TYPE.float32) throw new Error(`internal error: ${old.name} is not of float32`)
    const number = [b, a].find(isNumber)
    if (number !== undefined) {
      const x = number === b ? a : b
      return [node('Clip', old.type === 'Max' ? [x, number] : [x, '', number], y)]
    }
    const chosen = `${y}/first`
    return [
      node(old.type === 'Max' ? 'GreaterOrEqual' : 'LessOrEqual', [a, b], chosen),
      node('Where', [chosen, a, b], y),
    ]
  }
  return { ...model, nodes: model.nodes.flatMap(rewrite) }
}

function withoutIdentities(model: ModelProto): ModelProto {
  const outputs = new Set(model.outputs.map(({ name }) => name))
  const made = new Set(model.nodes.flatMap((n) => n.outputs))
  // Forward: every name is replaced by the one that its Identity reads.
  const renamed = new Map<string, string>()
  const original = (name: string): string => {
    const from = renamed.get(name)
    return from === undefined ? name : original(from)
  }
  const rest: NodeProto[] = []
  for (const n of model.nodes) {
    if (n.type === 'Identity' && !outputs.has(n.outputs[0])) renamed.set(n.outputs[0], n.inputs[0])
    else rest.push(n)
  }
  // Backward: an output takes over the name of the value that it copies.
  const taken = new Map<string, string>()
  const nodes = rest.filter((n) => {
    if (n.type !== 'Identity') return true
    const from = original(n.inputs[0])
    if (!made.has(from) || taken.has(from))
      throw new Error(`internal error: output ${n.outputs[0]} only copies ${from}`)
    taken.set(from, n.outputs[0])
    return false
  })
  const final = (name: string) => taken.get(original(name)) ?? original(name)
  return { ...model, nodes: nodes.map((n) => ({ ...n, inputs: n.inputs.map(final), outputs: n.outputs.map(final) })) }
}
