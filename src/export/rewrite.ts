/**
 * Small tools for passes over the ONNX form of a graph: who makes a value, what type it has, names that are free.
 */
import { DATA_TYPE, type ModelProto, type NodeProto, type TensorProto } from '../graph/index.ts'

const COMPARISONS = new Set(['Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'Equal', 'Not', 'And', 'Or'])

/** Element types (`DATA_TYPE`) of every value of a model, from its inputs and initializers forward. */
export function valueTypes({ nodes, inputs, initializers }: ModelProto): Map<string, number> {
  const types = new Map([...inputs, ...initializers].map(({ name, dataType }) => [name, dataType]))
  for (const node of nodes) for (const output of node.outputs) types.set(output, resultType(node, types))
  return types
}

function resultType({ type, inputs, attributes }: NodeProto, types: ReadonlyMap<string, number>): number {
  if (COMPARISONS.has(type)) return DATA_TYPE.bool
  const to = attributes.get('to')
  if (type === 'Cast' && to?.kind === 'int') return to.value
  const known = types.get(type === 'Where' ? inputs[1] : inputs[0])
  if (known === undefined) throw new Error(`internal error: ${type} reads ${inputs[0]}, which nothing makes`)
  return known
}

export function producers(nodes: readonly NodeProto[]): ReadonlyMap<string, NodeProto> {
  return new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)))
}

export function initializersByName({ initializers }: ModelProto): ReadonlyMap<string, TensorProto> {
  return new Map(initializers.map((tensor) => [tensor.name, tensor]))
}

/** A node without attributes but those given as integers. */
export function node(
  type: string,
  inputs: readonly string[],
  output: string,
  { domain, ints = {} }: { readonly domain?: string; readonly ints?: Readonly<Record<string, number>> } = {},
): NodeProto {
  const attributes = new Map(Object.entries(ints).map(([key, value]) => [key, { kind: 'int', value } as const]))
  return { type, ...(domain && { domain }), name: `${output}/${type}`, inputs, outputs: [output], attributes }
}

export function tensor(
  name: string,
  dims: readonly number[],
  dataType: number,
  data: Float32Array | Int8Array | Uint8Array | Uint16Array,
): TensorProto {
  return { name, dims, dataType, content: { kind: 'raw', bytes: bytesOf(data) } }
}

/** The values of a float32 initializer, whose bytes may lie anywhere in memory. */
export function floatsOf({ name, dataType, content }: TensorProto): Float32Array {
  if (content.kind !== 'raw' || dataType !== DATA_TYPE.float32)
    throw new Error(`internal error: ${name} is no embedded float32 tensor`)
  return new Float32Array(content.bytes.slice().buffer)
}

function bytesOf(data: Float32Array | Int8Array | Uint8Array | Uint16Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** The model without initializers that no node reads any more. */
export function withoutUnused(model: ModelProto): ModelProto {
  const read = new Set(model.nodes.flatMap(({ inputs }) => inputs))
  return { ...model, initializers: model.initializers.filter(({ name }) => read.has(name)) }
}
