/**
 * float16 weights and layers: half the download, and on a GPU half the memory traffic. Inputs and outputs stay float32.
 *
 * Layers compute in float16. The way from their output to metres stays float32: near 10 m, float16 has steps of 8 mm,
 * and a window edge that moves by one step can change which bins follow. These stay float32:
 *
 *     everything between the last layer and the depth: softmax over bins, centres, windows, expected depth, upsampling
 *         (walking back from the output and stopping at every Conv, ConvTranspose, Gemm and LayerNormalization);
 *     group normalisation, whose sum of squares over a group may pass 65504.
 *
 * A CPU provider without float16 kernels puts casts around each layer: the same result, but not faster.
 */
import { DATA_TYPE, type ModelProto, type NodeProto, type TensorProto } from '../graph/index.ts'
import { float32ToHalf } from '../safetensors/float16.ts'
import { floatsOf, initializersByName, node, producers, tensor, valueTypes, withoutUnused } from './rewrite.ts'

const LAYERS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'LayerNormalization'])
/** Nodes of this scope keep float32. */
const GROUP_NORM = 'neck.memory.norm/'
const isFloat = (type: number | undefined) => type === DATA_TYPE.float32

/** `model` is in portable operators and float32, its weights embedded. */
export function toHalf(model: ModelProto): ModelProto {
  const types = valueTypes(model)
  const single = nodesOfDepth(model)
  const known = initializersByName(model)
  const halves: TensorProto[] = []
  const nodes: NodeProto[] = []
  /** For each float value: its type now, and its copy in the other type. */
  const isHalf = new Map<string, boolean>(model.inputs.map(({ name }) => [name, false]))
  const copies = new Map<string, string>()

  const as = (name: string, half: boolean): string => {
    if (name === '' || !isFloat(types.get(name))) return name
    const constant = known.get(name)
    if (constant ? !half : isHalf.get(name) === half) return name
    const copy = copies.get(name) ?? `${name}/${half ? 'half' : 'single'}`
    if (copies.has(name)) return copy
    copies.set(name, copy)
    if (constant) halves.push(tensor(copy, constant.dims, DATA_TYPE.float16, float32ToHalf(floatsOf(constant))))
    else nodes.push(node('Cast', [name], copy, { ints: { to: half ? DATA_TYPE.float16 : DATA_TYPE.float32 } }))
    return copy
  }

  for (const old of model.nodes) {
    const half = !single.has(old)
    nodes.push({ ...old, inputs: old.inputs.map((name) => as(name, half)) })
    for (const output of old.outputs) isHalf.set(output, half)
  }
  return withoutUnused({ ...model, nodes, initializers: [...model.initializers, ...halves] })
}

function nodesOfDepth({ nodes, outputs }: ModelProto): ReadonlySet<NodeProto> {
  const makers = producers(nodes)
  const found = new Set(nodes.filter(({ name, type }) => name.startsWith(GROUP_NORM) && !LAYERS.has(type)))
  const stack = outputs.flatMap(({ name }) => makers.get(name) ?? [])
  for (let next = stack.pop(); next; next = stack.pop()) {
    if (found.has(next) || LAYERS.has(next.type)) continue
    found.add(next)
    for (const input of next.inputs) {
      const maker = makers.get(input)
      if (maker) stack.push(maker)
    }
  }
  return found
}
