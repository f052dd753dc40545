export * from './cost.ts'
export { type GradientOptions, gradient } from './gradient.ts'
export { halveProducts, type Precision, type Products } from './half.ts'
export * from './memory.ts'
export * from './onnx.ts'
export {
  type AttributeValue,
  DATA_TYPE,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfo,
  writeModel,
} from './onnx-proto.ts'
export * from './ops/index.ts'
export * from './stages.ts'
export * from './tensor.ts'
