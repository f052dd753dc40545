/**
 * ONNX Runtime's Node binding copies every output of a run into a new array, also one that was written into memory that the caller
 * brought. For a training step that is a copy of all gradients, and for the optimiser one of the whole state.
 *
 * The binding goes through the outputs in their order and stops with an error at the first that is no tensor, once the run is over and
 * everything is written. So a graph whose first output is an empty sequence is run without a copy. A binding that could hand sequences over
 * would copy again, and nothing else would change.
 */
import type ort from 'onnxruntime-node'
import { PbfWriter } from 'pbf'
import { messageOf } from '../support/errors.ts'

/** Name of the output that is no tensor. */
const SEQUENCE = 'no copies'

const STOPPED = 'Non tensor type is temporarily not supported'
const FLOAT = 1

/** The model with that output before its own. Protocol Buffers adds up the fields of messages that stand one after another. */
export function withoutCopies(model: Uint8Array): Uint8Array {
  const pbf = new PbfWriter()
  pbf.writeMessage(7, writeGraph, null)
  const first = pbf.finish()
  const joined = new Uint8Array(first.length + model.length)
  joined.set(first)
  joined.set(model, first.length)
  return joined
}

/** Runs such a model's session, which writes every output into the tensor that is given for it, and gives them back. */
export async function runInPlace<Outputs extends Readonly<Record<string, ort.Tensor>>>(
  session: ort.InferenceSession,
  inputs: Readonly<Record<string, ort.Tensor>>,
  outputs: Outputs,
): Promise<Outputs> {
  try {
    await session.run(inputs, { [SEQUENCE]: null, ...outputs })
  } catch (error) {
    if (!messageOf(error).includes(STOPPED)) throw error
  }
  return outputs
}

/** GraphProto: node = 1, output = 12 */
function writeGraph(_: null, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeNode, null)
  pbf.writeMessage(12, writeValueInfo, null)
}

/** NodeProto: output = 2, name = 3, op_type = 4 */
function writeNode(_: null, pbf: PbfWriter): void {
  pbf.writeStringField(2, SEQUENCE)
  pbf.writeStringField(3, SEQUENCE)
  pbf.writeStringField(4, 'SequenceEmpty')
}

/** ValueInfoProto: name = 1, type = 2;  TypeProto: tensor_type = 1, sequence_type = 4;  elem_type = 1 of both */
function writeValueInfo(_: null, pbf: PbfWriter): void {
  pbf.writeStringField(1, SEQUENCE)
  const elements = (__: null, to: PbfWriter) => to.writeVarintField(1, FLOAT)
  const tensor = (__: null, to: PbfWriter) => to.writeMessage(1, elements, null)
  const sequence = (__: null, to: PbfWriter) => to.writeMessage(1, tensor, null)
  pbf.writeMessage(2, (__: null, to: PbfWriter) => to.writeMessage(4, sequence, null), null)
}
