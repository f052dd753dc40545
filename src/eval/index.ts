/** The EVAL room: metrics, alignments and regions. A figure is comparable only with alignment, region and cap beside it. */
export { ALIGNMENTS, type Alignment, align, clampPrediction, MIN_EVAL_DEPTH, median, parseAlignment } from './align.ts'
export { constantPredictor, type DepthStatistics, depthStatistics, mapPredictor } from './baselines.ts'
export { boundaryF1 } from './boundary.ts'
export { type Box, boxMask, eigenBox, gargBox, kbBox, wholeBox } from './crop.ts'
export {
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type FrameFigures,
  type Prediction,
  type Predictor,
} from './evaluator.ts'
export {
  type Aggregate,
  aggregate,
  imageMetrics,
  METRICS,
  type MetricOptions,
  type Metrics,
  PIXEL_METRICS,
  type PixelMetrics,
  pixelMetrics,
  validPixels,
} from './metrics.ts'
export { describeProtocol, INDOOR_RANGE, type Protocol, REGIONS, type Region } from './protocol.ts'
