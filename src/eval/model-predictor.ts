/** A loaded model as the evaluator's predictor: frames in, maps with their steps and sigma out. */
import type { Frame } from '../data/types.ts'
import { resizeBilinear } from '../image/resize.ts'
import type { DepthImage } from '../image/types.ts'
import type { DepthModel } from '../predict/depth-model.ts'
import type { Predictor } from './prediction.ts'

/** The focal length in pixels that the model is given; none for an unknown camera. */
const focalOf = ({ intrinsics }: Frame) => (intrinsics ? Math.sqrt(intrinsics.fx * intrinsics.fy) : undefined)

/** Which maps a model gives, and at which size. */
export interface ModelPredictorOptions {
  /** Also give the map of every step. */
  readonly steps?: boolean
  /**
   * Size of the maps: the network's own (default), which the evaluator samples at the measurements, or the image's, for
   * a protocol that accepts no other.
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
