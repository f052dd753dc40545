/** A loaded model as what the evaluator asks: frames in, maps with their steps and sigma out. */
import type { Frame } from '../data/types.ts'
import { resizeBilinear } from '../image/resize.ts'
import type { DepthImage } from '../image/types.ts'
import type { DepthModel } from '../predict/depth-model.ts'
import type { Predictor } from './prediction.ts'

/** The focal length that the model is told, in pixels; none for a camera that is not known. */
const focalOf = ({ intrinsics }: Frame) => (intrinsics ? Math.sqrt(intrinsics.fx * intrinsics.fy) : undefined)

/** Which maps a model gives, and at which size. */
export interface ModelPredictorOptions {
  /** Also give the map of every step. */
  readonly steps?: boolean
  /**
   * Size of the maps: the network's own (default), which the evaluator samples where there is a measurement, or the image's,
   * for a protocol that refuses any other.
   */
  readonly maps?: 'network' | 'image'
}

/** Depth, sigma and steps of a frame, seen through its own lens where that is known; else as `predict` assumes. */
export function modelPredictor(
  model: DepthModel,
  { steps = true, maps: mapsAt = 'network' }: ModelPredictorOptions = {},
): Predictor {
  return async (frame) => {
    const maps = await model.predictMaps(frame.image, { focal: focalOf(frame), steps })
    const { width, height } = frame.image
    const sized = (map: DepthImage): DepthImage =>
      mapsAt === 'network'
        ? map
        : { width, height, data: resizeBilinear(map.data, map.width, map.height, width, height) }
    const depth = sized(maps.depth)
    return {
      ...depth,
      steps: maps.steps.map((step) => (step.depth === maps.depth ? depth : sized(step.depth))),
      ...(maps.sigma && { sigma: sized(maps.sigma) }),
    }
  }
}
