export type { DropPath } from '../nn/index.ts'
export * from './config.ts'
export * from './dar.ts'
export { DEPTH_ANYTHING } from './depth-anything.ts'
export * from './distil-term.ts'
export {
  dropBranches,
  encode,
  normaliseImage,
  type PixelStatistics,
  pixelStatistics,
  tapShapes,
} from './encoder.ts'
export type { FlatConfig } from './flat-config.ts'
export * from './inference.ts'
export type { Trace } from './intermediates.ts'
export { MIN_DEPTH } from './least-depth.ts'
export { type Dimensions, shapeProblem } from './limits.ts'
export * from './loss.ts'
export { memoryGrid } from './neck.ts'
export { partOfNode, partOfParameter, stepOfNode } from './parts.ts'
export { type Pool, wholeBatch } from './pool.ts'
export * from './presets.ts'
export { stepSizes } from './steps.ts'
export { refuseWrongOnWebGpu, type WeightShapes, wrongOnWebGpu } from './webgpu-limits.ts'
