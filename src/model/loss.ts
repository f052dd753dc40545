/**
 * The training loss (spec section 8; paper eq. 13): scale-invariant log error of every step's map. Heads that are not scored
 * by a depth map (section 12) bring their own.
 */

import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { DarError } from '../support/errors.ts'
import { type DarConfig, mapCount } from './config.ts'
import type { DarOutput } from './dar.ts'
import { ORD2SEQ_LEVELS } from './heads/index.ts'

/** Smallest ground truth that counts, in the loss and in the metrics, metres. */
export const MIN_DEPTH = 1e-3
/** Predictions are raised to this inside a logarithm. */
const LOG_FLOOR = 1e-6
const SCALE = 10
/** Under the root, so that its slope stays finite. */
const EPSILON = 1e-9

/** Finite and MIN_DEPTH < gt < dMax; NaN and ±∞ fail the comparisons. */
export function validPixels(gt: Tensor, dMax: number): Tensor {
  return ops.and(ops.greater(gt, MIN_DEPTH), ops.less(gt, dMax))
}

export interface LossOptions {
  /**
   * λ: how much of an error that all pixels of a batch share is forgiven. 0.85 is the paper's; 0 makes the term the plain
   * root mean square of the log error, in which metric scale counts in full.
   */
  readonly varianceFocus?: number
  /** Weight of `saturationPenalty` in the loss; 0, the paper's, leaves it out. */
  readonly saturation?: number
}

/** |a| that costs nothing: tanh(2) = 0.96, where it still passes 7 % of a gradient. */
const FREE = 2

/**
 * Σ_k mean(max(|a_k| − 2, 0)²), a_k what tanh makes h_k of. Not in the paper: y_out has no norm before the tanh, so that at
 * ordinary rates it grows until h is ±1 everywhere and no gradient comes back, while the loss goes on falling because the context
 * tells the bins enough. Throws a DarError for a head without steps.
 */
export function saturationPenalty({ hidden }: DarOutput): Tensor {
  if (hidden.length === 0)
    throw new DarError('a penalty on saturation is for a head with steps; leave "saturation" out of the recipe')
  const excess = (a: Tensor) => ops.maximum(ops.sub(ops.abs(a), FREE), 0)
  return total(hidden.map((a) => ops.mean(ops.square(excess(a)))))
}

/**
 * 10·√(mean(g²) − λ·mean(g)² + 1e-9), g = ln max(D, 1e-6) − ln gt, means over the valid pixels of the batch. Without a
 * valid pixel the loss is 0, and so is its gradient.  depth, gt, valid: B,1,H,W → scalar
 */
export function silogLoss(
  depth: Tensor,
  gt: Tensor,
  valid: Tensor,
  { varianceFocus = 0.85 }: Pick<LossOptions, 'varianceFocus'> = {},
): Tensor {
  const logTruth = ops.log(ops.where(valid, gt, 1))
  const g = ops.where(valid, ops.sub(ops.log(ops.maximum(depth, LOG_FLOOR)), logTruth), 0)
  const count = ops.sum(ops.cast(valid, depth.dtype))
  const divisor = ops.maximum(count, 1)
  const mean = ops.div(ops.sum(g), divisor)
  const meanSquare = ops.div(ops.sum(ops.square(g)), divisor)
  const root = ops.sqrt(ops.add(ops.sub(meanSquare, ops.mul(ops.square(mean), varianceFocus)), EPSILON))
  return ops.mul(ops.mul(root, SCALE), ops.minimum(count, 1))
}

/** How many terms `stepLosses` gives: one per step, or per level of `ord2seq`. */
export const lossTermCount = (config: DarConfig): number =>
  config.head === 'ord2seq' ? ORD2SEQ_LEVELS : mapCount(config)

/**
 * One term per step (or level of `ord2seq`), weighed by `stepWeights`; the loss is their sum. Maps go to the ground truth's size in one bilinear resize from their own,
 * never the reverse; for the last step that is the output (the convex map, so that its weights learn).
 */
export function stepLosses(model: DarOutput, gt: Tensor, config: DarConfig, options: LossOptions = {}): Tensor[] {
  const size: ops.Size = [gt.shape[2], gt.shape[3]]
  const valid = validPixels(gt, config.dMax)
  if (model.ownLosses) return model.ownLosses(gt, valid)
  const maps = [...model.depths.slice(0, -1), model.output]
  const terms = maps.map((map) => silogLoss(ops.resize(map, size), gt, valid, options))
  const { stepWeights } = config
  return stepWeights ? terms.map((term, k) => ops.mul(term, stepWeights[k])) : terms
}

export function total(terms: readonly Tensor[]): Tensor {
  return terms.reduce((sum, term) => ops.add(sum, term))
}
