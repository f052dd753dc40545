/**
 * Graph → ONNX ModelProto bytes.
 *
 * Parameters are graph inputs when training (they change every step), initializers embedded in the model for small
 * files, or references into a .safetensors file beside it (ONNX external data), which the engine maps into memory.
 */
import { assert } from '../support/errors.ts'
import { halveProducts, type Products } from './half.ts'
import {
  type AttributeValue,
  DATA_TYPE,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfo,
  writeModel,
} from './onnx-proto.ts'
import {
  type Attribute,
  arrayType,
  type DType,
  type Emitter,
  leavesBehind,
  type Node,
  nodesBehind,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorData,
} from './tensor.ts'

/** The newest operator set that the browser's WebGPU provider knows. */
export const OPSET = 21

/** Where the values of a parameter lie in a file, in bytes. */
export interface ExternalTensor {
  readonly offset: number
  readonly length: number
}

/** Where the values of the parameters come from. */
export type WeightSource =
  | { readonly kind: 'inputs' }
  | { readonly kind: 'embedded'; readonly values: ReadonlyMap<string, Float32Array> }
  | {
      readonly kind: 'external'
      /** File name, in the folder of the .onnx file. */
      readonly location: string
      /** Bytes of each parameter in that file, in the graph's float type. */
      readonly tensors: ReadonlyMap<string, ExternalTensor>
    }

/** An input, a parameter or an output of a compiled graph. */
export interface PortInfo {
  readonly name: string
  readonly shape: Shape
  readonly dtype: DType
}

/** An ONNX model and what it is fed and gives. */
export interface Compiled {
  readonly name: string
  readonly model: Uint8Array
  /** Inputs to feed at every run; with weights as inputs, the parameters are among them. */
  readonly inputs: readonly PortInfo[]
  readonly parameters: readonly PortInfo[]
  readonly outputs: readonly PortInfo[]
}

/** A compiled graph as records, before they become bytes: what a pass over the ONNX form works on. */
export interface Lowered extends Omit<Compiled, 'model'> {
  readonly model: ModelProto
}

/** How a graph becomes an ONNX model. Weights are inputs by default. */
export interface CompileOptions {
  readonly name?: string
  readonly weights?: WeightSource
  readonly metadata?: Readonly<Record<string, string>>
  /** Tensors that are fed instead of computed, with the names of their inputs: what another program has computed. */
  readonly given?: ReadonlyMap<Tensor, string>
  /** What matrix products and convolutions compute in; others than `single` want weights as inputs (half.ts). Default `single`. */
  readonly products?: Products
}

/** Compiles what the named outputs need. Throws when a parameter has no value in the weight source. */
export function compile(outputs: Readonly<Record<string, Tensor>>, options: CompileOptions = {}): Compiled {
  const { products = 'single', weights = { kind: 'inputs' } } = options
  assert(products === 'single' || weights.kind === 'inputs', 'products in float16 take weights as inputs')
  const lowered = lower(outputs, options)
  const model = products === 'single' ? lowered.model : halveProducts(lowered.model, { products })
  return { ...lowered, model: writeModel(model) }
}

/** As `compile` with single products, stopping short of the bytes. */
export function lower(
  outputs: Readonly<Record<string, Tensor>>,
  {
    name = 'graph',
    weights = { kind: 'inputs' },
    metadata = {},
    given = new Map(),
  }: Omit<CompileOptions, 'products'> = {},
): Lowered {
  const results = Object.values(outputs)
  if (results.length === 0) throw new Error(`compile ${name}: there are no outputs`)
  const leaves = leavesBehind(results, given)
  const parameters = leaves.filter((leaf) => leaf.source.kind === 'parameter')
  const inputs = leaves.filter((leaf) => leaf.source.kind === 'input').map(portOf)
  for (const [tensor, label] of given) inputs.push({ ...portOf(tensor), name: label })
  const writer = new GraphWriter()
  for (const [tensor, label] of given) writer.bind(tensor, label)
  for (const leaf of leaves) {
    if (leaf.source.kind === 'constant') writer.bind(leaf, writer.constant(leaf.source.data, leaf.shape, leaf.dtype))
    else writer.bind(leaf, leaf.name)
  }
  const nodes = nodesBehind(results, given)
  const used = new Set([...results, ...nodes.flatMap((node) => node.inputs)])
  for (const node of nodes) writer.emit(node, used)
  // An output may be a leaf, or wanted under two names: an Identity gives each its own, and the engine removes it.
  for (const [label, tensor] of Object.entries(outputs)) writer.output(label, tensor)

  const initializers =
    weights.kind === 'inputs' ? [] : parameters.map((parameter) => weightInitializer(name, parameter, weights))
  const parameterPorts = parameters.map(portOf)
  const outputPorts = Object.entries(outputs).map(([label, { shape, dtype }]) => ({ name: label, shape, dtype }))
  const fed = weights.kind === 'inputs' ? [...inputs, ...parameterPorts] : inputs
  refuseSharedNames(name, [
    ...fed.map((port) => port.name),
    ...[...writer.initializers, ...initializers].map((tensor) => tensor.name),
    ...writer.nodes.flatMap((node) => node.outputs.filter((output) => output !== '')),
  ])
  const model: ModelProto = {
    producer: 'dar-depth',
    graphName: name,
    opset: OPSET,
    nodes: writer.nodes,
    initializers: [...writer.initializers, ...initializers],
    inputs: fed.map(valueInfo),
    outputs: outputPorts.map(valueInfo),
    metadata,
  }
  return { name, model, inputs, parameters: parameterPorts, outputs: outputPorts }
}

function portOf({ name, shape, dtype }: Tensor): PortInfo {
  return { name, shape, dtype }
}

/** Every value of an ONNX graph has a name of its own. */
function refuseSharedNames(graph: string, names: readonly string[]): void {
  const known = new Set<string>()
  for (const name of names) {
    if (known.has(name))
      throw new Error(`compile ${graph}: two values are named "${name}"; give the output another name`)
    known.add(name)
  }
}

function valueInfo({ name, shape, dtype }: PortInfo): ValueInfo {
  return { name, shape, dataType: DATA_TYPE[dtype] }
}

function weightInitializer(
  graph: string,
  parameter: Tensor,
  weights: Exclude<WeightSource, { kind: 'inputs' }>,
): TensorProto {
  const base = { name: parameter.name, dims: parameter.shape, dataType: DATA_TYPE[parameter.dtype] }
  if (weights.kind === 'embedded') {
    const values = weights.values.get(parameter.name)
    if (!values) throw new Error(`compile ${graph}: there is no weight for ${parameter}`)
    if (values.length !== parameter.size)
      throw new Error(`compile ${graph}: the weight for ${parameter} has ${values.length} values`)
    const data = parameter.dtype === 'float64' ? Float64Array.from(values) : values
    return { ...base, content: { kind: 'raw', bytes: bytesOf(data) } }
  }
  const place = weights.tensors.get(parameter.name)
  if (!place) throw new Error(`compile ${graph}: ${weights.location} has no weight for ${parameter}`)
  const expected = parameter.size * arrayType(parameter.dtype).BYTES_PER_ELEMENT
  if (place.length !== expected)
    throw new Error(`compile ${graph}: ${parameter} takes ${expected} bytes, ${weights.location} has ${place.length}`)
  return { ...base, content: { kind: 'external', location: weights.location, ...place } }
}

function bytesOf(data: TensorData | Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** Collects ONNX nodes and constants; knows the ONNX name of every tensor. */
class GraphWriter implements Emitter {
  readonly nodes: NodeProto[] = []
  readonly initializers: TensorProto[] = []
  private readonly names = new Map<Tensor, string>()
  private readonly constants = new Map<string, { bytes: Uint8Array; name: string }[]>()
  private scope = ''
  private results: readonly Tensor[] = []
  private temporaries = 0

  bind(tensor: Tensor, name: string): void {
    this.names.set(tensor, name)
  }

  emit(node: Node, used: ReadonlySet<Tensor>): void {
    this.scope = node.name
    this.results = node.results
    for (const result of node.results) this.bind(result, used.has(result) ? result.name : '')
    const inputs = node.inputs.map((input) => this.nameOf(input))
    const outputs = node.results.map((result) => this.nameOf(result))
    while (outputs.at(-1) === '') outputs.pop()
    node.emit(this, inputs, outputs)
  }

  output(label: string, tensor: Tensor): void {
    this.scope = `output/${label}`
    this.node('Identity', [this.nameOf(tensor)], [label])
  }

  private nameOf(tensor: Tensor): string {
    const name = this.names.get(tensor)
    if (name === undefined) throw new Error(`internal error: ${tensor} was not emitted before its use`)
    return name
  }

  node(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[] | number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): readonly string[] {
    const names =
      typeof outputs === 'number'
        ? Array.from({ length: outputs }, () => `${this.scope}/t${this.temporaries++}`)
        : outputs
    this.nodes.push({
      type,
      name: `${this.scope}/${type}_${this.nodes.length}`,
      inputs,
      outputs: names,
      attributes: new Map(Object.entries(attributes).map(([key, value]) => [key, attributeValue(value)])),
    })
    return names
  }

  constant(data: TensorData, shape: Shape, dtype: DType): string {
    const bytes = bytesOf(data)
    const key = `${dtype}[${shape.join(',')}]#${hash(bytes)}`
    const alike = this.constants.get(key) ?? []
    const known = alike.find((entry) => sameBytes(entry.bytes, bytes))
    if (known) return known.name
    const name = `constant_${this.initializers.length}`
    this.constants.set(key, [...alike, { bytes, name }])
    this.initializers.push({ name, dims: shape, dataType: DATA_TYPE[dtype], content: { kind: 'raw', bytes } })
    return name
  }

  ints(values: readonly number[]): string {
    return this.constant(
      BigInt64Array.from(values, (v) => BigInt(v)),
      [values.length],
      'int64',
    )
  }

  result(i: number): string {
    return this.results[i].name
  }

  scalar(value: number, dtype: DType): string {
    const data = dtype === 'float64' ? Float64Array.of(value) : Float32Array.of(value)
    return this.constant(data, [], dtype)
  }
}

function attributeValue(value: Attribute): AttributeValue {
  if (typeof value === 'number') return { kind: 'int', value }
  if (typeof value === 'string') return { kind: 'string', value }
  if ('float' in value) return { kind: 'float', value: value.float }
  return { kind: 'ints', value }
}

/** FNV-1a over at most 4,096 bytes: only sorts constants into buckets that are then compared byte by byte. */
function hash(bytes: Uint8Array): number {
  let h = 0x811c9dc5
  const step = Math.max(1, Math.floor(bytes.length / 4096))
  for (let i = 0; i < bytes.length; i += step) h = Math.imul(h ^ bytes[i], 0x01000193)
  return h >>> 0
}

/** Bytes that a port holds. */
export function byteLength(port: PortInfo): number {
  return sizeOf(port.shape) * arrayType(port.dtype).BYTES_PER_ELEMENT
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}
