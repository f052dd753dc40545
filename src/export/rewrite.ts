/**
 * Small tools for passes over the ONNX form of a graph: which node makes a value, what type a value has, unused names.
 */
import { type AttributeValue, DATA_TYPE, type ModelProto, type NodeProto, type TensorProto } from '../graph/index.ts'

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

export interface NodeOptions {
  /** Operator set, where it is not ONNX's own. */
  readonly domain?: string
  /** Attributes: whole numbers and lists of them. */
  readonly ints?: Readonly<Record<string, number | readonly number[]>>
}

/** A node, named after its first output, with integer attributes only. */
export function node(
  type: string,
  inputs: readonly string[],
  output: string | readonly string[],
  { domain, ints = {} }: NodeOptions = {},
): NodeProto {
  const outputs = typeof output === 'string' ? [output] : output
  const attributes = new Map(Object.entries(ints).map(([key, value]) => [key, attribute(value)]))
  return { type, ...(domain && { domain }), name: `${outputs[0]}/${type}`, inputs, outputs, attributes }
}

function attribute(value: number | readonly number[]): AttributeValue {
  return typeof value === 'number' ? { kind: 'int', value } : { kind: 'ints', value }
}

/** The integer attributes of a node. */
export function intAttribute({ attributes }: NodeProto, key: string, absent: number): number {
  const found = attributes.get(key)
  return found?.kind === 'int' ? found.value : absent
}

export function intsAttribute({ attributes }: NodeProto, key: string, absent: readonly number[]): readonly number[] {
  const found = attributes.get(key)
  return found?.kind === 'ints' ? found.value : absent
}

type Data = Float32Array | Int8Array | Int32Array | Uint8Array | Uint16Array | BigInt64Array

export function tensor(name: string, dims: readonly number[], dataType: number, data: Data): TensorProto {
  return { name, dims, dataType, content: { kind: 'raw', bytes: bytesOf(data) } }
}

/** The values of a float32 initializer, whose bytes need not be aligned. */
export function floatsOf({ name, dataType, content }: TensorProto): Float32Array {
  if (content.kind !== 'raw' || dataType !== DATA_TYPE.float32)
    throw new Error(`internal error: ${name} is no embedded float32 tensor`)
  return new Float32Array(content.bytes.slice().buffer)
}

/** A list of indices, as Slice and Pad take them. */
export function indices(name: string, values: readonly number[]): TensorProto {
  return tensor(name, [values.length], DATA_TYPE.int64, BigInt64Array.from(values, BigInt))
}

function bytesOf(data: Data): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** The model without initializers that no node reads. */
export function withoutUnused(model: ModelProto): ModelProto {
  const read = new Set(model.nodes.flatMap(({ inputs }) => inputs))
  return { ...model, initializers: model.initializers.filter(({ name }) => read.has(name)) }
}
