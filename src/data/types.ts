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
  /** What was wrong or left out when the data set was opened, one line each. The frames do not show it. */
  readonly notes?: readonly string[]
}

/**
 * How to treat incomplete pairs (a photo without depth, a truncated shard) when a data set is opened: throw, or
 * continue and report them in `notes`. A listed file that cannot be read always makes `get` throw.
 */
export type Incomplete = 'refuse' | 'note'
