/**
 * Mixed precision as a pass over the ONNX form (Micikevicius et al. 2018): the matrix products and convolutions of a graph, those of its
 * gradient included, read float16 and write float32 again:
 *
 *     y = product(a, b, …)      becomes      y = float32(product(float16(a), float16(b), …))
 *
 * All else stays as it is: element-wise ops, norms, softmax, losses, inputs, parameters and outputs. A product with a constant is a
 * resampling (ops/resize.ts), of depth among other things, where the eleven bits of a float16 are 8 mm at 10 m: it stays, too.
 *
 * ONNX Runtime's CPU has no float16 products. It would compute them in float32 and drop the casts. There the product stays float32, and
 * its operands and its result are rounded to float16 and back, which the engine keeps:
 *
 *     y = round(product(round(a), round(b), …)),      round(x) = float32(float16(x))
 */
import { DATA_TYPE, type ModelProto, type NodeProto } from './onnx-proto.ts'

/** What matrix products and convolutions of a run compute in. */
export type Precision = 'single' | 'half'
/** The same for one graph. `rounded`: float32, but rounded as `half` rounds. */
export type Products = Precision | 'rounded'

const PRODUCTS: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm'])

/** The graph is float32 and its parameters are fed. A value that several products read is cast once. */
export function halveProducts(
  model: ModelProto,
  { products = 'half' }: { readonly products?: Exclude<Products, 'single'> } = {},
): ModelProto {
  const constants = new Set(model.initializers.map(({ name }) => name))
  const halves = new Map<string, string>()
  const nodes: NodeProto[] = []
  const cast = (from: string, to: string, type: 'float16' | 'float32') =>
    nodes.push({
      type: 'Cast',
      name: `${to}/Cast`,
      inputs: [from],
      outputs: [to],
      attributes: new Map([['to', { kind: 'int', value: DATA_TYPE[type] }]]),
    })
  const round = (from: string, to: string) => {
    cast(from, `${to}/float16`, 'float16')
    cast(`${to}/float16`, to, 'float32')
  }
  const half = (value: string): string => {
    if (value === '') return value
    const known = halves.get(value)
    if (known) return known
    const copy = `${value}/half`
    halves.set(value, copy)
    if (products === 'half') cast(value, copy, 'float16')
    else round(value, copy)
    return copy
  }
  for (const node of model.nodes) {
    if (node.inputs.every((input) => input === '' || constants.has(input)))
      for (const output of node.outputs) constants.add(output)
    const [a, b] = node.inputs
    if (!PRODUCTS.has(node.type) || constants.has(a) || constants.has(b)) {
      nodes.push(node)
      continue
    }
    const inputs = node.inputs.map(half)
    const [output] = node.outputs
    const product = `${output}/product`
    nodes.push({ ...node, inputs, outputs: [product] })
    if (products === 'half') cast(product, output, 'float32')
    else round(product, output)
  }
  return { ...model, nodes }
}
