/**
 * The INSPECT room: models looked at rather than used. What one costs, derived (`modelInfo`) and measured
 * (`measurePrediction`), its intermediates beside those of another implementation.
 * It needs training and evaluation, which nobody who only predicts should have to load: they import from `predict`.
 */
export { type ByPart, type InfoOptions, type ModelInfo, modelInfo, type TokenMap } from './info.ts'
export { type Measured, type MeasureRequest, measurePrediction } from './measure.ts'
export { describeTree, pixelTree, type TreeStep } from './pixel-tree.ts'
export { type RandomModelOptions, writeRandomModel } from './random-model.ts'
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
} from './trace-model.ts'
