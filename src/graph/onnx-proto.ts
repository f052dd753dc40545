/**
 * The part of onnx.proto (opset 21, IR version 10) that a compiled graph needs, as typed records and their writers.
 * Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; the wire format is pbf's work.
 */
import { PbfWriter } from 'pbf'

/** TensorProto.DataType */
export const DATA_TYPE = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
} as const

/** A constant of a model: its bytes, or where they lie in another file. */
export interface TensorProto {
  readonly name: string
  readonly dims: readonly number[]
  readonly dataType: number
  readonly content:
    | { readonly kind: 'raw'; readonly bytes: Uint8Array }
    | { readonly kind: 'external'; readonly location: string; readonly offset: number; readonly length: number }
}

/** Of a node. */
export type AttributeValue =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }

/** One operator of a model. Inputs and outputs are names of values. */
export interface NodeProto {
  readonly type: string
  /** Operator set that the type is of; absent for ONNX's own. */
  readonly domain?: string
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, AttributeValue>
}

/** Name, type and shape of an input or output. */
export interface ValueInfo {
  readonly name: string
  readonly dataType: number
  /** A name stands for a side that is open. */
  readonly shape: readonly (number | string)[]
}

/** An ONNX model, as far as this project writes it. */
export interface ModelProto {
  readonly producer: string
  readonly graphName: string
  readonly opset: number
  readonly nodes: readonly NodeProto[]
  readonly initializers: readonly TensorProto[]
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly metadata: Readonly<Record<string, string>>
}

const IR_VERSION = 10
const EXTERNAL = 1
/** The only version of `com.microsoft`. */
const CONTRIBUTED_OPSET = 1

/** The bytes of an .onnx file. */
export function writeModel(model: ModelProto): Uint8Array {
  const pbf = new PbfWriter()
  pbf.writeVarintField(1, IR_VERSION)
  pbf.writeStringField(2, model.producer)
  pbf.writeMessage(7, writeGraph, model)
  pbf.writeMessage(8, writeOpset, { version: model.opset })
  for (const domain of new Set(model.nodes.flatMap((node) => node.domain ?? [])))
    pbf.writeMessage(8, writeOpset, { domain, version: CONTRIBUTED_OPSET })
  for (const entry of Object.entries(model.metadata)) pbf.writeMessage(14, writeEntry, entry)
  return pbf.finish()
}

function writeOpset({ domain, version }: { domain?: string; version: number }, pbf: PbfWriter): void {
  if (domain) pbf.writeStringField(1, domain)
  pbf.writeVarintField(2, version)
}

function writeGraph(model: ModelProto, pbf: PbfWriter): void {
  for (const node of model.nodes) pbf.writeMessage(1, writeNode, node)
  pbf.writeStringField(2, model.graphName)
  for (const tensor of model.initializers) pbf.writeMessage(5, writeTensor, tensor)
  for (const value of model.inputs) pbf.writeMessage(11, writeValueInfo, value)
  for (const value of model.outputs) pbf.writeMessage(12, writeValueInfo, value)
}

function writeNode(node: NodeProto, pbf: PbfWriter): void {
  for (const name of node.inputs) pbf.writeStringField(1, name)
  for (const name of node.outputs) pbf.writeStringField(2, name)
  pbf.writeStringField(3, node.name)
  pbf.writeStringField(4, node.type)
  for (const attribute of node.attributes) pbf.writeMessage(5, writeAttribute, attribute)
  if (node.domain) pbf.writeStringField(7, node.domain)
}

/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const

function writeAttribute([name, attribute]: [string, AttributeValue], pbf: PbfWriter): void {
  pbf.writeStringField(1, name)
  if (attribute.kind === 'float') pbf.writeFloatField(2, attribute.value)
  else if (attribute.kind === 'int') pbf.writeVarintField(3, attribute.value)
  else if (attribute.kind === 'string') pbf.writeBytesField(4, new TextEncoder().encode(attribute.value))
  else for (const value of attribute.value) pbf.writeVarintField(8, value)
  pbf.writeVarintField(20, ATTRIBUTE_TYPE[attribute.kind])
}

function writeTensor(tensor: TensorProto, pbf: PbfWriter): void {
  for (const n of tensor.dims) pbf.writeVarintField(1, n)
  pbf.writeVarintField(2, tensor.dataType)
  pbf.writeStringField(8, tensor.name)
  if (tensor.content.kind === 'raw') {
    pbf.writeBytesField(9, tensor.content.bytes)
    return
  }
  const { location, offset, length } = tensor.content
  for (const entry of Object.entries({ location, offset: `${offset}`, length: `${length}` }))
    pbf.writeMessage(13, writeEntry, entry)
  pbf.writeVarintField(14, EXTERNAL)
}

function writeEntry([key, value]: [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key)
  pbf.writeStringField(2, value)
}

function writeValueInfo(value: ValueInfo, pbf: PbfWriter): void {
  pbf.writeStringField(1, value.name)
  pbf.writeMessage(2, writeType, value)
}

function writeType(value: ValueInfo, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeTensorType, value)
}

function writeTensorType(value: ValueInfo, pbf: PbfWriter): void {
  pbf.writeVarintField(1, value.dataType)
  pbf.writeMessage(2, writeShape, value.shape)
}

function writeShape(shape: readonly (number | string)[], pbf: PbfWriter): void {
  for (const n of shape) pbf.writeMessage(1, writeSide, n)
}

function writeSide(side: number | string, pbf: PbfWriter): void {
  if (typeof side === 'number') pbf.writeVarintField(1, side)
  else pbf.writeStringField(2, side)
}
