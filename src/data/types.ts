/** A data set is a list of frames that are read one at a time. */
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'

export interface Frame {
  /** Unique within its data set, for messages and reports: `rgbdd/20200518160957`. */
  readonly name: string
  readonly image: RgbImage
  /** At its own resolution, which need not be the image's; null for a photo without ground truth. */
  readonly depth: DepthImage | null
  /** In pixels of `image`; null when the camera is not known. */
  readonly intrinsics: Intrinsics | null
}

export interface Dataset extends AsyncIterable<Frame> {
  readonly name: string
  readonly length: number
  /** Reads frame `index`; throws a DarError that names the file when it cannot be read. */
  get(index: number): Promise<Frame>
}
