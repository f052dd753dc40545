/**
 * `dar-depth` for Node: metric depth from one photo.
 *
 * ```ts
 * import { colourise, encodePngRgb, loadModel, withLegend } from 'dar-depth'
 * import { writeFile } from 'node:fs/promises'
 *
 * const model = await loadModel('dar-nano')
 * const map = await model.predict('photo.jpg')             // map.depth: metres, row-major, at the photo's size
 * const colours = withLegend(colourise(map))
 * await writeFile('photo.color.png', await encodePngRgb(colours))
 * ```
 *
 * Everything here is public and documented where it is defined; all distances are metres. Mistakes of the caller are
 * `DarError`s with a message of one line; an `EngineError`, which is one too, means that ONNX Runtime failed.
 */
export { encodeExr } from './formats/exr.ts'
export { encodeDepthNpz } from './formats/npz.ts'
export { encodePly } from './formats/ply.ts'
export { type PointCloud, type PointCloudOptions, toPointCloud } from './formats/point-cloud.ts'
export {
  COLOR_MAPS,
  type ColorMapName,
  type ColourScale,
  colourise,
  DEFAULT_SCALE,
  type DepthImage,
  decodeNpy,
  depthRange,
  encodeNpy,
  type Intrinsics,
  type LegendOptions,
  type NpyArray,
  type RgbImage,
  resizeImage,
  withLegend,
} from './image/index.ts'
export type { DarConfig } from './model/index.ts'
// From their own files: the index of node/ also has what only commands need, and would load the model's layers for it.
export type { ColourPicture, ColourStyle } from './node/colour-picture.ts'
export { decodeDepthPng, decodeImage } from './node/decode.ts'
export {
  type DepthEstimation,
  type DepthEstimationPipeline,
  type GreyImage,
  type PredictedDepth,
  pipeline,
} from './node/depth-pipeline.ts'
export type { EncodeDepthOptions, SavableDepth } from './node/encode-depth.ts'
export { type LoadModelOptions, loadModel } from './node/load-model.ts'
export { shippedModels } from './node/model-path.ts'
export { encodeDepthPng, encodeLogDepthPng, encodePngRgb } from './node/png16.ts'
export { type SaveDepthOptions, saveDepth } from './node/save-depth.ts'
export {
  type AlignableMap,
  type AlignedMap,
  type AlignOptions,
  type AlignResiduals,
  type AlignSpace,
  alignDepth,
  type DepthAlignment,
  type DepthPoint,
  pointsOfDepth,
} from './predict/align.ts'
export { DepthModel } from './predict/depth-model.ts'
export type {
  BlobInput,
  DepthMap,
  DepthResult,
  Focal,
  FocalSource,
  GivenIntrinsics,
  ImageInput,
  LensOptions,
  ManyOptions,
  ManyResult,
  MapFacts,
  ModelName,
  NetworkMaps,
  NetworkStep,
  PixelInput,
  PredictOptions,
  ResultPointOptions,
  SaveOptions,
  SharpInput,
  Size,
  StepMap,
  StopSignal,
  StreamedMap,
  StreamedMaps,
  StreamOptions,
  TileOptions,
  Timing,
  UrlInput,
} from './predict/index.ts'
export { EngineError } from './runtime/engine-error.ts'
export type { Idle, Provider } from './runtime/protocol.ts'
export { DarError, type ErrorKind } from './support/errors.ts'
