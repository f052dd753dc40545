/** A depth map of a frame, and the function that makes it. */
import type { Frame } from '../data/types.ts'
import type { DepthImage } from '../image/types.ts'
import type { Rectangle } from './protocol.ts'

/** Metres, at any size: it is spread over the image, or over the part that it covers. A plain `DepthImage` is one. */
export interface Prediction extends DepthImage {
  /** The part of the frame's image that the map shows, in pixels of that image; default: all of it. */
  readonly covers?: Rectangle
  /** The maps of the steps, coarse to fine, of the same part of the image. */
  readonly steps?: readonly DepthImage[]
  /** Standard deviation of the prediction in metres, of the same part of the image. */
  readonly sigma?: DepthImage
}

/** Must not depend on `frame.depth`. */
export type Predictor = (frame: Frame) => Promise<Prediction>
