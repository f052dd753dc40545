/**
 * The INSPECT room looks at models instead of using them. It gives their cost, derived (`modelInfo`) and measured
 * (`measurePrediction`), and compares their intermediates with those of another implementation. It needs training and
 * evaluation, so users who only predict import from `predict` and do not load it.
 */
export { type ByPart, type InfoOptions, type ModelInfo, modelInfo, type TokenMap } from './info.ts'
export { type Measured, type MeasureRequest, measurePrediction } from './measure.ts'
export { type RandomModelOptions, writeRandomModel } from './random-model.ts'
export { type DepthSummary, summarise } from './summary.ts'
export {
  type CheckOptions,
  checkTrace,
  readTraceSource,
  TRACE_TOLERANCE,
  type TracedTensor,
  type TraceError,
  type TraceOptions,
  type TraceSource,
  traceModel,
} from './trace-model.ts'
