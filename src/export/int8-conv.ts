/**
 * Convolutions in integers: a matrix product over the columns of the quantised map (im2col).
 *
 *     U, s_x, z = quantise(X)                        H·W rows of C bytes, and a row of z for what lies beyond the edge
 *     C_pt      = U at pixel p and tap t             a gather with a constant table
 *     Y_po      = s_x·s_o·Σ_tc (C_ptc − z)·Q_otc + b_o
 *
 * Convolutions that read the same map share its quantised form and its columns. ONNX Runtime's own integer convolutions
 * are no alternative: without VNNI, ConvInteger multiplies in 16 bits and gains only a fifth, and QLinearConv needs the
 * range of its output beforehand.
 *
 * These stay float32: convolutions of few inputs (Σ over less than 192), of few outputs or of little work (MobileNet's,
 * the last ones of the heads), where quantising costs as much as the product gains; grouped ones; and those of
 * constants, which the engine computes once when it loads the model.
 */
import { DATA_TYPE, type ModelProto, type NodeProto, type Shape, type TensorProto } from '../graph/index.ts'
import { quantiseWeight } from './int8-weights.ts'
import { floatsOf, indices, initializersByName, intAttribute, intsAttribute, node, tensor } from './rewrite.ts'

const LEAST_INPUTS = 192
const LEAST_OUTPUTS = 64
const LEAST_PRODUCTS = 12e6

/** `shapes`: of the maps that convolutions read and make, by name. */
export function convsToInt8(model: ModelProto, shapes: ReadonlyMap<string, Shape>): ModelProto {
  const weights = initializersByName(model)
  const writer = new ConvWriter()
  const constant = new Set(weights.keys())
  for (const old of model.nodes) {
    if (old.inputs.every((name) => name === '' || constant.has(name)))
      for (const name of old.outputs) constant.add(name)
    const conv = constant.has(old.outputs[0]) ? null : readConv(old, weights, shapes)
    if (conv && isWorthwhile(conv)) writer.write(conv)
    else writer.nodes.push(old)
  }
  return { ...model, nodes: writer.nodes, initializers: [...model.initializers, ...writer.initializers.values()] }
}

interface Conv {
  readonly x: string
  readonly y: string
  readonly weight: TensorProto
  readonly bias: string
  /** Height and width of x and of y. */
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
  readonly kernel: readonly [number, number]
  readonly strides: readonly number[]
  /** Rows above, columns to the left. */
  readonly pads: readonly number[]
}

/** A convolution of one image in one group, with its attributes in one object; null for other nodes. */
function readConv(
  old: NodeProto,
  weights: ReadonlyMap<string, TensorProto>,
  shapes: ReadonlyMap<string, Shape>,
): Conv | null {
  if (old.type !== 'Conv') return null
  const [x, w, bias = ''] = old.inputs
  const [y] = old.outputs
  const [weight, from, to] = [weights.get(w), shapes.get(x), shapes.get(y)]
  const dilated = intsAttribute(old, 'dilations', []).some((n) => n !== 1)
  if (!weight || !from || !to || from[0] !== 1 || dilated || intAttribute(old, 'group', 1) !== 1) return null
  return {
    x,
    y,
    weight,
    bias,
    from: [from[2], from[3]],
    to: [to[2], to[3]],
    kernel: [weight.dims[2], weight.dims[3]],
    strides: intsAttribute(old, 'strides', [1, 1]),
    pads: intsAttribute(old, 'pads', [0, 0, 0, 0]),
  }
}

function isWorthwhile({ weight, kernel, to }: Conv): boolean {
  const [outputs, channels] = weight.dims
  const inputs = channels * kernel[0] * kernel[1]
  return inputs >= LEAST_INPUTS && outputs >= LEAST_OUTPUTS && inputs * outputs * to[0] * to[1] >= LEAST_PRODUCTS
}

class ConvWriter {
  readonly nodes: NodeProto[] = []
  readonly initializers = new Map<string, TensorProto>()
  private readonly known = new Set<string>()

  write(conv: Conv): void {
    const { x, y, bias, weight } = conv
    const [outputs, channels] = weight.dims
    const taps = conv.kernel[0] * conv.kernel[1]
    const [integers, scales] = [`${weight.name}/int8`, `${weight.name}/scale`]
    if (!this.initializers.has(integers)) {
      const values = tapsFirst(floatsOf(weight), channels, taps)
      for (const made of quantiseWeight({ outputs, inputs: channels * taps, values }, { integers, scales }))
        this.initializers.set(made.name, made)
    }
    const operands = [this.columns(conv), integers, `${x}/scale`, scales, `${x}/zero`, '', bias]
    this.nodes.push(
      node('MatMulIntegerToFloat', operands, `${y}/product`, { domain: 'com.microsoft' }), // 1,H',W',O
      node('Transpose', [`${y}/product`], y, { ints: { perm: [0, 3, 1, 2] } }),
    )
  }

  /** 1,C,H,W → 1,H',W',k·C, uint8. */
  private columns(conv: Conv): string {
    const { x, weight, kernel, strides, from, to } = conv
    const channels = weight.dims[1]
    const bytes = `${x}/last`
    this.once(node('DynamicQuantizeLinear', [x], [`${x}/uint8`, `${x}/scale`, `${x}/zero`]))
    this.once(node('Transpose', [`${x}/uint8`], bytes, { ints: { perm: [0, 2, 3, 1] } }))
    const { key, values } = tapTable(conv)
    if (kernel.every((n) => n === 1) && strides.every((n) => n === 1)) return bytes
    const [rows, beyond, padded] = [`${bytes}/rows`, `${bytes}/beyond`, `${bytes}/padded`]
    this.once(node('Reshape', [bytes, this.list([from[0] * from[1], channels])], rows))
    this.once(node('Expand', [`${x}/zero`, this.list([1, channels])], beyond))
    this.once(node('Concat', [rows, beyond], padded, { ints: { axis: 0 } }))
    if (!this.initializers.has(key)) this.initializers.set(key, tensor(key, [values.length], DATA_TYPE.int32, values))
    const [gathered, columns] = [`${bytes}/${key}`, `${bytes}/${key}/columns`]
    this.once(node('Gather', [padded, key], gathered, { ints: { axis: 0 } }))
    this.once(node('Reshape', [gathered, this.list([1, ...to, kernel[0] * kernel[1] * channels])], columns))
    return columns
  }

  private once(made: NodeProto): void {
    if (!this.known.has(made.outputs[0])) this.nodes.push(made)
    this.known.add(made.outputs[0])
  }

  private list(values: readonly number[]): string {
    const name = `int8/${values.join(',')}`
    if (!this.initializers.has(name)) this.initializers.set(name, indices(name, values))
    return name
  }
}

/** The pixel that each tap of each output reads, row-major; H·W where it lies outside the map. */
function tapTable({ from, to, kernel, strides, pads }: Conv): { key: string; values: Int32Array } {
  const values = new Int32Array(to[0] * to[1] * kernel[0] * kernel[1])
  let at = 0
  for (let row = 0; row < to[0]; row++)
    for (let col = 0; col < to[1]; col++)
      for (let i = 0; i < kernel[0]; i++)
        for (let j = 0; j < kernel[1]; j++) {
          const [r, c] = [row * strides[0] + i - pads[0], col * strides[1] + j - pads[1]]
          const inside = r >= 0 && c >= 0 && r < from[0] && c < from[1]
          values[at++] = inside ? r * from[1] + c : from[0] * from[1]
        }
  return { key: `int8/taps ${from} to ${to} kernel ${kernel} stride ${strides} pads ${pads}`, values }
}

/** o,c,t → o,t,c */
function tapsFirst(weight: Float32Array, channels: number, taps: number): Float32Array {
  const result = new Float32Array(weight.length)
  for (let start = 0; start < weight.length; start += channels * taps)
    for (let c = 0; c < channels; c++)
      for (let t = 0; t < taps; t++) result[start + t * channels + c] = weight[start + c * taps + t]
  return result
}
