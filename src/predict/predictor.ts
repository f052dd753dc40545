/** A loaded model as what the evaluator asks: frames in, maps with their steps and sigma out. */
import type { Frame } from '../data/types.ts'
import type { Predictor } from '../eval/prediction.ts'
import type { DepthModel } from './depth-model.ts'

/** The focal length that the model is told, in pixels; none for a camera that is not known. */
const focalOf = ({ intrinsics }: Frame) => (intrinsics ? Math.sqrt(intrinsics.fx * intrinsics.fy) : undefined)

/** Predicts at the size of the frame's image. `steps`: also give the map of every step. */
export function modelPredictor(model: DepthModel, { steps = true }: { readonly steps?: boolean } = {}): Predictor {
  return async (frame) => {
    const map = await model.predict(frame.image, { focal: focalOf(frame), steps })
    const { width, height, depth, sigma } = map
    return {
      width,
      height,
      data: depth,
      steps: map.steps.map((step) => ({ width, height, data: step.depth })),
      ...(sigma && { sigma: { width, height, data: sigma } }),
    }
  }
}
