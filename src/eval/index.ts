/**
 * The EVAL room: metrics, alignments and regions. Figures can be compared only under the same alignment, region and
 * cap.
 */
export { median } from '../support/median.ts'
export {
  ALIGNMENTS,
  type Alignment,
  applyFit,
  clampPrediction,
  type Fit,
  fitAlignment,
  parseAlignment,
} from './align.ts'
export {
  constantPredictor,
  type DepthStatistics,
  depthStatistics,
  mapPredictor,
  type StatisticsOptions,
} from './baselines.ts'
export { type Calibration, type Curves, calibrate } from './calibration.ts'
export { type Case, type Cases, collectCases } from './cases.ts'
export { type Comparison, compare, type Difference } from './compare.ts'
export { type Box, eigenBox, gargBox, kbBox, wholeBox } from './crop.ts'
export type { DistanceBin } from './distance.ts'
export { type EvaluateOptions, evaluate, type JudgedFrame } from './evaluator.ts'
export { type BadPixels, FIGURES, type Figures, type FrameFigures, type JudgeOptions, judge } from './judge.ts'
export { PIXEL_METRICS, type PixelMetrics, PixelSums, pixelMetrics } from './metrics.ts'
export { type ModelPredictorOptions, modelPredictor } from './model-predictor.ts'
export type { Prediction, Predictor } from './prediction.ts'
export { type PredictionFolder, type PredictionOptions, predictionFolder } from './predictions.ts'
export { loadProtocol, namedProtocol, PROTOCOL_NAMES, type ProtocolName, parseProtocol } from './presets.ts'
export {
  describeGiven,
  describeProtocol,
  type Halves,
  INDOOR_RANGE,
  type Input,
  type Protocol,
  REGIONS,
  type Rectangle,
  type Region,
} from './protocol.ts'
export { type EvalRecord, encodeCsv, encodeRecord, protocolText, readRecord, type Subject } from './record.ts'
export { htmlReport } from './report.ts'
export { Scratch } from './scratch.ts'
export type { Evaluation } from './tally.ts'
