/**
 * The two JSON files beside the ONNX file that `@huggingface/transformers` (v4) reads.
 *
 * config.json: the library picks a class by `model_type` from a fixed list, which does not have DAR. `depth_anything`
 * names its simplest depth class: one session, `pixel_values` in, `predicted_depth` out, and it reads none of the
 * encoder's numbers. The real config of the network is under `dar_depth`. `transformers.js_config.dtype` names the
 * precision in the folder, so that users need not pass `dtype` (by default the library looks for an int8 file on wasm
 * and for a float32 one elsewhere).
 *
 * preprocessor_config.json: bilinear to exactly the size of the graph's input (average.ts), 1/255, the encoder's mean and deviation.
 */
import { CANONICAL_FOCAL } from '../image/index.ts'
import { configText, pixelStatistics } from '../model/index.ts'
import type { ModelFile } from '../node/index.ts'
import type { Size } from '../predict/index.ts'
import type { Precision } from './graph.ts'

/** Our precision → the library's dtype, and the suffix that it adds to `model`. */
const DTYPES: Readonly<Record<Precision, { readonly dtype: string; readonly suffix: string }>> = {
  fp32: { dtype: 'fp32', suffix: '' },
  fp16: { dtype: 'fp16', suffix: '_fp16' },
  int8: { dtype: 'q8', suffix: '_quantized' },
}

/** `onnx/model.onnx`, `onnx/model_fp16.onnx` or `onnx/model_quantized.onnx`. */
export function modelFileName(precision: Precision): string {
  return `onnx/model${DTYPES[precision].suffix}.onnx`
}

/** The key of config.json that marks an export of ours. */
export const MARK = 'dar_depth'

const METRES =
  'predicted_depth is the distance along the viewing axis in metres for a lens of canonicalFocal image diagonals (26 mm ' +
  'equivalent). For a w x h photo of focal length f pixels multiply it by ' +
  's = f * sqrt(W * H / (w * h)) / hypot(W, H) / canonicalFocal, W x H being the network size.'

interface ConfigOptions {
  readonly precision: Precision
  /** Size of the picture that the graph takes and averages down. */
  readonly input: Size
  readonly dataFiles?: number
}

/** `dataFiles`: how many files of weights lie beside the .onnx; the library is told, since it cannot look. */
export function modelConfig(
  file: ModelFile,
  { width, height }: Size,
  { precision, input, dataFiles = 0 }: ConfigOptions,
): unknown {
  const { dMin, dMax } = file.config
  return {
    model_type: 'depth_anything',
    architectures: ['DepthAnythingForDepthEstimation'],
    depth_estimation_type: 'metric',
    max_depth: dMax,
    'transformers.js_config': {
      dtype: DTYPES[precision].dtype,
      ...(dataFiles > 0 && { use_external_data_format: dataFiles }),
    },
    [MARK]: {
      model: file.name,
      precision,
      networkSize: { width, height },
      inputSize: input,
      minMetres: dMin,
      maxMetres: dMax,
      canonicalFocal: CANONICAL_FOCAL,
      metres: METRES,
      config: JSON.parse(configText(file.config)),
    },
  }
}

export function preprocessorConfig({ config }: ModelFile, { width, height }: Size): unknown {
  const { mean, deviation } = pixelStatistics(config)
  return {
    image_processor_type: 'DPTImageProcessor',
    do_resize: true,
    size: { width, height },
    keep_aspect_ratio: false,
    resample: 2,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: deviation,
    do_pad: false,
  }
}
