/**
 * Weights that the graph splits and joins before it uses them (the gates of a GRU) are computed here, once: `Split` and
 * `Concat` of constants become constants. ONNX Runtime does this too, but a pass that quantises weights must see the
 * result.
 */
import { DATA_TYPE, type ModelProto, type NodeProto, type TensorProto } from '../graph/index.ts'
import { floatsOf, initializersByName, intAttribute, tensor } from './rewrite.ts'

export function foldWeights(model: ModelProto): ModelProto {
  const known = new Map(initializersByName(model))
  const nodes: NodeProto[] = []
  for (const old of model.nodes) {
    const operands = old.inputs.map((name) => known.get(name))
    if (operands.every((operand) => operand !== undefined) && operands[0]?.dataType === DATA_TYPE.float32) {
      if (old.type === 'Concat') {
        known.set(old.outputs[0], concat(operands, intAttribute(old, 'axis', 0), old.outputs[0]))
        continue
      }
      if (old.type === 'Split') {
        const [whole, lengths] = operands
        for (const part of split(whole, integersOf(lengths), intAttribute(old, 'axis', 0), old.outputs))
          known.set(part.name, part)
        continue
      }
    }
    nodes.push(old)
  }
  return { ...model, nodes, initializers: [...known.values()] }
}

/** A tensor as rows of `width` values, one row for every index before the axis. */
function rowsOf({ dims }: TensorProto, axis: number): { rows: number; width: number } {
  const product = (list: readonly number[]) => list.reduce((all, n) => all * n, 1)
  return { rows: product(dims.slice(0, axis)), width: product(dims.slice(axis)) }
}

function concat(parts: readonly TensorProto[], axis: number, name: string): TensorProto {
  const { rows } = rowsOf(parts[0], axis)
  const widths = parts.map((part) => rowsOf(part, axis).width)
  const width = widths.reduce((sum, n) => sum + n, 0)
  const joined = new Float32Array(rows * width)
  let at = 0
  for (const [p, part] of parts.entries()) {
    const values = floatsOf(part)
    for (let r = 0; r < rows; r++) joined.set(values.subarray(r * widths[p], (r + 1) * widths[p]), r * width + at)
    at += widths[p]
  }
  const length = parts.reduce((sum, { dims }) => sum + dims[axis], 0)
  return tensor(name, parts[0].dims.with(axis, length), DATA_TYPE.float32, joined)
}

function split(whole: TensorProto, lengths: readonly number[], axis: number, names: readonly string[]): TensorProto[] {
  const { rows, width } = rowsOf(whole, axis)
  const values = floatsOf(whole)
  const unit = width / whole.dims[axis]
  let at = 0
  // An output that nothing reads may be left out at the end, or have no name.
  return lengths.slice(0, names.length).map((length, i) => {
    const part = new Float32Array(rows * length * unit)
    for (let r = 0; r < rows; r++)
      part.set(values.subarray(r * width + at, r * width + at + length * unit), r * length * unit)
    at += length * unit
    return tensor(names[i], whole.dims.with(axis, length), DATA_TYPE.float32, part)
  })
}

function integersOf({ name, dataType, content }: TensorProto): number[] {
  if (content.kind !== 'raw' || dataType !== DATA_TYPE.int64) throw new Error(`internal error: ${name} is not int64`)
  return Array.from(new BigInt64Array(content.bytes.slice().buffer), Number)
}
