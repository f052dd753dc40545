/**
 * The operators of the browser's WebGPU provider, as data, and which operators of a graph it lacks.
 *
 * Source: `docs/webgpu-operators.md` of onnxruntime-web 1.31.0-dev.20260914 (commit 8d85527a010e294a26b274749f74294b2a32cec5),
 * the version that @huggingface/transformers 4.3.1 depends on. Its rows name ONNX's own operators (`ai.onnx`) and contributed
 * ones (`com.microsoft`); all versions of the former that opset 21 needs are covered. Provider-internal copies are left out.
 */
import type { NodeProto } from '../src/graph/index.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const ONNX = words(`
  Abs Acos Acosh Add ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Clip
  Concat Conv ConvTranspose Cos Cosh CumSum DFT DepthToSpace DequantizeLinear Div Einsum Elu Equal Erf
  Exp Expand Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool
  Greater GreaterOrEqual GridSample HardSigmoid HardSwish If InstanceNormalization LayerNormalization
  LeakyRelu Less LessOrEqual Log MatMul MaxPool Mul Neg Not Pad Pow Range Reciprocal ReduceL1 ReduceL2
  ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
  Relu Reshape Resize ScatterND Shape Sigmoid SimplifiedLayerNormalization Sin Sinh Slice Softmax
  Split Sqrt Squeeze Sub Tan Tanh ThresholdedRelu Tile Transpose Unsqueeze Where
`)

const CONTRIBUTED = words(`
  Attention BiasAdd BiasSplitGelu FastGelu FusedConv GatherBlockQuantized Gelu GroupQueryAttention
  MatMulNBits MultiHeadAttention QuickGelu RotaryEmbedding SkipLayerNormalization
  SkipSimplifiedLayerNormalization
`)

/** Operators of these nodes that the WebGPU provider lacks, each once, `domain:Type` where it is not ONNX's own. */
export function outsideWebGpu(nodes: readonly NodeProto[]): string[] {
  const known = ({ type, domain }: NodeProto) =>
    domain === undefined ? ONNX.has(type) : domain === 'com.microsoft' && CONTRIBUTED.has(type)
  const outside = nodes.filter((node) => !known(node))
  return [...new Set(outside.map(({ type, domain }) => (domain ? `${domain}:${type}` : type)))].sort()
}
