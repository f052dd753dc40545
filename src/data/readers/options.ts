/**
 * The options of all readers, as plain data that a recipe can state and a worker thread can receive. Each layout takes
 * some of them; `openDataset` refuses those that would have no effect.
 */
import { z } from 'zod'
import { LAYOUTS } from './recognise.ts'

/** How a data set is opened, as a schema for recipes. */
export const openSchema = z.strictObject({
  /** Default: what the path looks like. */
  layout: z.enum(LAYOUTS).optional(),
  /** Prefix of frame names; default: the folder's or file's own name. */
  name: z.string().min(1).optional(),
  /** Which frames of a data set that has an official split; default: all of them. */
  side: z.enum(['train', 'test', 'all']).optional(),
  /** A split file: one frame a line, `image depth focal` (the depth may be `None`), or the list of the layout itself. */
  list: z.string().optional(),
  /**
   * Which of two depths. NYU, SUN RGB-D: `measured` (default), or `filled`, with the holes painted in by the authors.
   * KITTI: `annotated` (several scans, filtered by hand; default), or `velodyne`, the single scan projected here.
   */
  truth: z.enum(['measured', 'filled', 'annotated', 'velodyne']).optional(),
  /** Depth units per metre, where a layout leaves them open; each reader states its default. */
  depthScale: z.number().positive().optional(),
  /** Metres; in a folder of one's own, measurements outside become "none". */
  minimum: z.number().min(0).optional(),
  maximum: z.number().positive().optional(),
  /** `kb`: the bottom centre 1216×352 of every frame, as KITTI's benchmark cuts it. */
  crop: z.literal('kb').optional(),
  /** Frames that the list gives no depth for: `keep` them, with depth null (default), or `drop` them. */
  withoutDepth: z.enum(['keep', 'drop']).optional(),
  /** See `Incomplete`; default: refuse. */
  incomplete: z.enum(['refuse', 'note']).optional(),
})

/** How a data set is opened. An option that its layout does not know is an error. */
export type OpenOptions = Readonly<z.infer<typeof openSchema>>
/** The options of readers. Each layout takes some of them. */
export type ReaderOptions = Omit<OpenOptions, 'layout'>
