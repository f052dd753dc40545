export { gradient } from './gradient.ts'
export * from './onnx.ts'
export * from './ops/index.ts'
export * from './tensor.ts'
