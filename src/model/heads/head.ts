/** What a baseline head gives to the model around it (algorithm section 12). */
import type { Tensor } from '../../graph/index.ts'

export interface HeadOutput {
  /** The answer, B,1,H,W, metres (or relative inverse depth, see `isMetric`), at the image's size. */
  readonly depth: Tensor
  /**
   * The terms of a loss of its own: gt B,1,H',W' in metres, valid likewise, bool. null: the depth map is scored, as
   * those of the steps are.
   */
  readonly ownLosses: ((gt: Tensor, valid: Tensor) => Tensor[]) | null
}
