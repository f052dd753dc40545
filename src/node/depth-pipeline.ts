/**
 * `pipeline('depth-estimation', …)` in the shape of transformers.js, for programs that come from there.
 *
 * The same: the call, the two keys of its output, arrays in and arrays out, `dispose()`. What differs:
 *
 * - `predicted_depth` is metres (of a relative model inverse depth, as there), at the photo's size, with `data`, `dims` and `type` of a
 *   Tensor but none of its methods; `depth` is a grey picture of it, each with its own range, as there: of metres, far is bright;
 * - a photo is anything that `predict` takes; an address is not fetched;
 * - a model is a shipped one, a `.safetensors` file or `hub:owner/name` of this package, not an ONNX folder;
 * - options are those of `loadModel` (`device`, …), and each call takes those of `predict` (`focal`, …);
 * - `result` is beside the two: the result of `predict`, with everything that the shape has no room for.
 */
import type { DepthModel } from '../predict/depth-model.ts'
import type { DepthResult, ImageInput, PredictOptions } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { type LoadModelOptions, loadModel } from './load-model.ts'

/** The depth of one photo, as transformers.js gives it. */
export interface DepthEstimation {
  readonly predicted_depth: PredictedDepth
  readonly depth: GreyImage
  /** What `predict` gives. */
  readonly result: DepthResult
}

/** A map with the names of a Tensor of transformers.js. */
export interface PredictedDepth {
  readonly type: 'float32'
  /** Metres, row-major. */
  readonly data: Float32Array
  /** Height, width. */
  readonly dims: readonly [number, number]
  /** Number of values. */
  readonly size: number
}

/** A picture with the names of a RawImage of transformers.js: 0 is the least depth of the map, 255 the greatest. */
export interface GreyImage {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: 1
  /** Width, height. */
  readonly size: readonly [number, number]
}

/** A loaded pipeline. It holds a model: dispose it. */
export interface DepthEstimationPipeline extends AsyncDisposable {
  (photo: ImageInput, options?: PredictOptions): Promise<DepthEstimation>
  (photos: readonly ImageInput[], options?: PredictOptions): Promise<DepthEstimation[]>
  readonly task: 'depth-estimation'
  readonly model: DepthModel
  /** Frees the model. */
  dispose(): Promise<void>
}

/**
 * A model as a function, in the shape of transformers.js' `pipeline`; the header of src/node/depth-pipeline.ts and docs/library.md say
 * what differs.
 *
 * ```ts
 * import { pipeline } from 'dar-depth'
 *
 * const estimate = await pipeline('depth-estimation', 'dar-nano')
 * const { predicted_depth, depth } = await estimate('photo.jpg')
 * console.log(predicted_depth.dims, `${depth.width}×${depth.height}`)
 * await estimate.dispose()
 * ```
 * @throws DarError for another task, and as `loadModel` and `predict`.
 */
export async function pipeline(
  task: 'depth-estimation',
  model = 'dar-nano',
  options: LoadModelOptions = {},
): Promise<DepthEstimationPipeline> {
  if (task !== 'depth-estimation')
    throw new DarError(`there is no pipeline for ${String(task)} here; the only task is 'depth-estimation'`)
  const loaded = await loadModel(model, options)
  const one = async (photo: ImageInput, how?: PredictOptions) => estimationOf(await loaded.predict(photo, how))
  function estimate(photo: ImageInput, how?: PredictOptions): Promise<DepthEstimation>
  function estimate(photos: readonly ImageInput[], how?: PredictOptions): Promise<DepthEstimation[]>
  function estimate(given: ImageInput | readonly ImageInput[], how?: PredictOptions) {
    return isList(given) ? Promise.all(given.map((photo) => one(photo, how))) : one(given, how)
  }
  const dispose = () => loaded.dispose()
  return Object.assign(estimate, { task, model: loaded, dispose, [Symbol.asyncDispose]: dispose })
}

const isList = (given: ImageInput | readonly ImageInput[]): given is readonly ImageInput[] => Array.isArray(given)

function estimationOf(result: DepthResult): DepthEstimation {
  const { width, height, depth: data, min, max } = result
  const grey = new Uint8Array(data.length)
  const span = max > min ? max - min : 1
  for (let i = 0; i < grey.length; i++) grey[i] = (255 * (data[i] - min)) / span
  return {
    predicted_depth: { type: 'float32', data, dims: [height, width], size: data.length },
    depth: { data: grey, width, height, channels: 1, size: [width, height] },
    result,
  }
}
