/**
 * The NODE room: the parts of prediction that need Node. Photos and depth maps as files, by sharp; model files, read or
 * mapped; the model that a user loads, which runs in a thread of its own; and the files that its maps are written to.
 */
export { decodeDepthPng, decodeImage } from './decode.ts'
export { encodeJpegRgb } from './jpeg.ts'
export { type LoadModelOptions, loadModel } from './load-model.ts'
export {
  checkModelFile,
  findConfig,
  type KnownConfig,
  type ModelFile,
  openModel,
  PRESET_SIZE,
  presetNamed,
} from './model-file.ts'
export { modelHash, shippedModels } from './model-path.ts'
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
export { encodeDepthPng, encodeLogDepthPng, encodePngRgb } from './png16.ts'
