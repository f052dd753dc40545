/** The PREDICT room: from a photo to a depth map in metres, and the files that it is written to. */
export {
  DepthModel,
  type LoadModelOptions,
  loadModel,
  type ManyOptions,
  type ManyResult,
} from './depth-model.ts'
export {
  findConfig,
  type KnownConfig,
  type ModelFile,
  modelHash,
  openModel,
  presetNamed,
  shippedModels,
} from './model-file.ts'
export {
  checkWritable,
  encodeOutputs,
  metresText,
  type OutputStyle,
  outputSuffixes,
  type PlannedOutput,
  planOutputs,
  writeOutputs,
} from './outputs.ts'
export { predictionOutputs } from './prediction-graph.ts'
export { networkSize, parseSize } from './size.ts'
export type * from './types.ts'
