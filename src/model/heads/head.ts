/** The result of a baseline head (algorithm section 12). */
import type { Tensor } from '../../graph/index.ts'
import type { Pool } from '../pool.ts'

export interface HeadOutput {
  /** The depth map, B,1,H,W, metres (or relative inverse depth, see `isMetric`), at the image's size. */
  readonly depth: Tensor
  /**
   * The terms of the head's own loss: gt B,1,H',W' in metres, valid likewise, bool. null: the depth map is scored, as
   * the maps of the steps are.
   */
  readonly ownLosses: ((gt: Tensor, valid: Tensor, pool?: Pool) => Tensor[]) | null
}
