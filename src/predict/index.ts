/** The PREDICT room: from a photo to a depth map in metres, and the files that it is written to. */
export {
  DepthModel,
  type LoadModelOptions,
  loadModel,
  type ManyOptions,
  type ManyResult,
} from './depth-model.ts'
export { type ByPart, type InfoOptions, type ModelInfo, modelInfo, type TokenMap } from './info.ts'
export { type Measured, type MeasureRequest, measurePrediction } from './measure.ts'
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
export { modelPredictor } from './predictor.ts'
export { type RandomModelOptions, writeRandomModel } from './random-model.ts'
export { networkSize, parseSize } from './size.ts'
export { type DepthSummary, summarise } from './summary.ts'
export {
  type CheckOptions,
  checkTrace,
  type NamedTensor,
  readTraceSource,
  TRACE_TOLERANCE,
  type TracedTensor,
  type TraceError,
  type TraceOptions,
  type TraceSource,
  traceModel,
} from './trace.ts'
export type * from './types.ts'
