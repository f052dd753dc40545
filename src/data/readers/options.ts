/**
 * What can be asked of any reader, as plain data: a recipe can state it and a worker thread receive it. Not every layout
 * knows every option; `openDataset` refuses those that would do nothing.
 */
import type { Incomplete } from '../types.ts'

/** What readers can be asked for. Each layout takes some of them. */
export interface ReaderOptions {
  /** Prefix of frame names; default: the folder's or file's own name. */
  readonly name?: string
  /** Which frames of a data set that has an official split; default: all of them. */
  readonly side?: 'train' | 'test' | 'all'
  /** A split file: one frame a line, `image depth focal` (the depth may be `None`), or the list of the layout itself. */
  readonly list?: string
  /**
   * Which of two depths. NYU, SUN RGB-D: `measured` (default), or `filled`, with the holes painted in by the authors.
   * KITTI: `annotated` (several scans, filtered by hand; default), or `velodyne`, the single scan projected here.
   */
  readonly truth?: 'measured' | 'filled' | 'annotated' | 'velodyne'
  /** Depth units per metre, where a layout leaves them open; each reader states its default. */
  readonly depthScale?: number
  /** `kb`: the bottom centre 1216×352 of every frame, as KITTI's benchmark cuts it. */
  readonly crop?: 'kb'
  /** Frames that the list gives no depth for: `keep` them, with depth null (default), or `drop` them. */
  readonly withoutDepth?: 'keep' | 'drop'
  /** See `Incomplete`; default: refuse. */
  readonly incomplete?: Incomplete
}
