/**
 * The NODE room: the parts of prediction that need Node. Photos and depth maps as files, by sharp; model files, read or
 * mapped; the model that a user loads, which runs in a thread of its own; and the files that its maps are written to.
 */
export type { ColourPicture, ColourStyle } from './colour-picture.ts'
export { decodeDepthPng, decodeImage } from './decode.ts'
export type { EncodeDepthOptions, SavableDepth } from './encode-depth.ts'
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
export { DEFAULT_KINDS, OUTPUT_KINDS, type OutputKind, parseKinds, RELATIVE_KINDS, suffixesOf } from './output-kinds.ts'
export { type InputFile, type PlannedOutput, planOutputs } from './output-names.ts'
export { checkWritable, encodeOutputs, metresText, needsPhoto, type OutputStyle, writeOutputs } from './outputs.ts'
export { encodeDepthPng, encodeLogDepthPng, encodePngRgb } from './png16.ts'
export { SAVE_EXTENSIONS, type SaveDepthOptions, saveDepth } from './save-depth.ts'
