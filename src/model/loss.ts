/**
 * The training loss (algorithm section 8; paper eq. 13): scale-invariant log error of every step's map. Heads that are
 * not scored by a depth map (section 12) have their own loss.
 */

import { z } from 'zod'
import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { DarError } from '../support/errors.ts'
import { binTerm, treeScores } from './bin-term.ts'
import { type DarConfig, mapCount } from './config.ts'
import type { DarOutput } from './dar.ts'
import { edgeTerm } from './edge-term.ts'
import { ORD2SEQ_LEVELS } from './heads/index.ts'
import { MIN_DEPTH } from './least-depth.ts'
import { type Pool, wholeBatch } from './pool.ts'
import { leavesOf } from './soft-tree.ts'
import { teacherScaleTerm } from './teacher-scale-term.ts'
import { teacherTerm } from './teacher-term.ts'

/** Predictions are raised to this inside a logarithm. */
const LOG_FLOOR = 1e-6
const SCALE = 10
/** Added under the root, so that its slope stays finite. */
const EPSILON = 1e-9

/** Finite and MIN_DEPTH < gt < dMax; NaN and ±∞ fail the comparisons. */
export function validPixels(gt: Tensor, dMax: number): Tensor {
  return ops.and(ops.greater(gt, MIN_DEPTH), ops.less(gt, dMax))
}

/** What a recipe can say about the loss: one object, from the recipe to here. */
export const lossSchema = z.strictObject({
  /**
   * λ: how much of an error that all pixels of a batch share is forgiven. 0.85 is the paper's and the default; 0 makes the
   * term the plain root mean square of the log error, in which metric scale counts in full.
   */
  varianceFocus: z.number().min(0).max(1).optional(),
  /**
   * The sums of the scale-invariant terms are in float64. Their root takes a difference, which enlarges rounding by up to 1/(1 − λ). So a batch
   * in parts, or over several processes, has the loss of the whole to 1e-6 at λ = 0.85 as well. Default false: float32.
   */
  exact: z.boolean().optional(),
  /**
   * Weight of the gradient term of the last map (`edgeTerm`, times 10 like the terms of the steps); 0, the paper's and the
   * default, leaves it out.
   */
  edges: z.number().min(0).optional(),
  /**
   * Weight of the cross-entropy of every step's bins (`binTerm`, in nats, weighed by `stepWeights`), for models with a soft tree. Without
   * it σ means little. Default 0, as in the paper.
   */
  bins: z.number().min(0).optional(),
  /**
   * Weight of the term of the last map on images whose depth is a teacher's (`teacherTerm`, times 10 like the others). The terms
   * above do not see these images. Default: there are none.
   */
  teacher: z.number().positive().optional(),
  /**
   * What of a teacher's map is not believed: `scale-and-shift` (default) of its inverse depth, for one that was trained so; `scale` alone, for
   * one that was trained on metres. Nothing but the latter tells the student how much nearer the near is than the far (`teacherScaleTerm`).
   */
  teacherFit: z.enum(['scale-and-shift', 'scale']).optional(),
})
/** Of the training loss. */
export type LossOptions = Readonly<z.infer<typeof lossSchema>>

/** g = ln max(D, 1e-6) − ln gt where the truth is valid, else 0. */
function logError(depth: Tensor, gt: Tensor, valid: Tensor): Tensor {
  const logTruth = ops.log(ops.where(valid, gt, 1))
  return ops.where(valid, ops.sub(ops.log(ops.maximum(depth, LOG_FLOOR)), logTruth), 0)
}

/**
 * 10·√(mean(g²) − λ·mean(g)² + 1e-9), g = ln max(D, 1e-6) − ln gt, means over the valid pixels of the batch. Without a
 * valid pixel the loss is 0, and so is its gradient.  depth, gt, valid: B,1,H,W → scalar
 */
export function silogLoss(
  depth: Tensor,
  gt: Tensor,
  valid: Tensor,
  { varianceFocus = 0.85, exact = false }: Pick<LossOptions, 'varianceFocus' | 'exact'> = {},
  pool: Pool = wholeBatch,
): Tensor {
  const float = exact ? 'float64' : depth.dtype
  const g = ops.cast(logError(depth, gt, valid), float)
  const count = pool(ops.sum(ops.cast(valid, float)))
  const divisor = ops.maximum(count, 1)
  const mean = ops.div(pool(ops.sum(g)), divisor)
  const meanSquare = ops.div(pool(ops.sum(ops.square(g))), divisor)
  const root = ops.sqrt(ops.add(ops.sub(meanSquare, ops.mul(ops.square(mean), varianceFocus)), EPSILON))
  return ops.cast(ops.mul(ops.mul(root, SCALE), ops.minimum(count, 1)), depth.dtype)
}

/** How many terms `stepLosses` gives: one per step, or per level of `ord2seq`. */
export const lossTermCount = (config: DarConfig): number =>
  config.head.kind === 'ord2seq' ? ORD2SEQ_LEVELS : mapCount(config)

/**
 * One term per step (or level of `ord2seq`), weighed by `stepWeights`; the loss is their sum. Maps go to the ground truth's size in one bilinear resize from their own,
 * never the reverse; for the last step that is `nativeMap` (the convex map, so that its weights learn).
 */
export function stepLosses(
  model: DarOutput,
  gt: Tensor,
  config: DarConfig,
  options: LossOptions = {},
  pool: Pool = wholeBatch,
): Tensor[] {
  const size: ops.Size = [gt.shape[2], gt.shape[3]]
  const valid = validPixels(gt, config.dMax)
  if (model.ownLosses) return model.ownLosses(gt, valid, pool)
  const maps = [...model.stepMaps.slice(0, -1), model.nativeMap]
  const terms = maps.map((map) => silogLoss(ops.resize(map, size), gt, valid, options, pool))
  const { stepWeights } = config
  return stepWeights ? terms.map((term, k) => ops.mul(term, stepWeights[k])) : terms
}

/** The terms added to those of the steps: the weighted gradient term and that of the bins, if the options ask for them. */
export function extraTerms(
  model: DarOutput,
  gt: Tensor,
  config: DarConfig,
  { edges = 0, bins = 0 }: LossOptions,
  pool: Pool = wholeBatch,
): Tensor[] {
  const valid = validPixels(gt, config.dMax)
  const terms: Tensor[] = []
  if (edges > 0) {
    const g = logError(ops.resize(model.nativeMap, [gt.shape[2], gt.shape[3]]), gt, valid)
    terms.push(ops.mul(edgeTerm(g, valid, pool), SCALE * edges))
  }
  if (bins > 0) {
    if (leavesOf(config) === null)
      throw new DarError(
        `loss.bins is ${bins}, but the model has no soft tree; leave it out, or give the model window 'soft'`,
      )
    const { stepWeights } = config
    const ofSteps = treeScores(model).map((scores, k) =>
      ops.mul(binTerm(scores, gt, valid, config, pool), bins * (stepWeights?.[k] ?? 1)),
    )
    terms.push(...ofSteps)
  }
  return terms
}

/**
 * The weighed term of images that a teacher has labelled, on the output at the teacher's size. taught: B,1,H,W, the teacher's depth,
 * 0 in images that were measured. Any positive depth counts: without a scale nobody knows how far dMax is.
 */
export function teacherLoss(
  model: DarOutput,
  taught: Tensor,
  { teacher = 0, teacherFit = 'scale-and-shift' }: LossOptions,
  pool: Pool = wholeBatch,
): Tensor {
  const term = teacherFit === 'scale' ? teacherScaleTerm : teacherTerm
  const valid = validPixels(taught, Number.POSITIVE_INFINITY)
  const map = ops.resize(model.nativeMap, [taught.shape[2], taught.shape[3]])
  return ops.mul(term(map, taught, valid, pool), SCALE * teacher)
}

/** Sum of scalars. */
export function total(terms: readonly Tensor[]): Tensor {
  return terms.reduce((sum, term) => ops.add(sum, term))
}
