/** A data set is a list of frames that are read one at a time. */
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'

/** A photo and its depth. */
export interface Frame {
  /** Unique within its data set, for messages and reports: `rgbdd/20200518160957`. */
  readonly name: string
  readonly image: RgbImage
  /** At its own resolution, which need not be the image's; null for a photo without ground truth. */
  readonly depth: DepthImage | null
  /** In pixels of `image`; null when the camera is not known. */
  readonly intrinsics: Intrinsics | null
}

/** A list of frames that are read one at a time. */
export interface Dataset extends AsyncIterable<Frame> {
  readonly name: string
  readonly length: number
  /** Reads frame `index`; throws a DarError that names the file when it cannot be read. */
  get(index: number): Promise<Frame>
}

/** A data set whose frames have names of their own, which splits work on. */
export interface NamedDataset extends Dataset {
  /** One per frame, unique, in the order of the frames, without the name of the data set. */
  readonly names: readonly string[]
  /** What was found wrong or left out when the data set was opened, one line each; nothing of it shows in a frame. */
  readonly notes?: readonly string[]
}

/**
 * What to do with pairs that are not whole (a photo without depth, a shard that breaks off) when a data set is opened:
 * throw, or go on without and say so in `notes`. What is listed and cannot be read always throws in `get`.
 */
export type Incomplete = 'refuse' | 'note'
