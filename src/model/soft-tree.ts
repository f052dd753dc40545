/**
 * The tree that keeps all branches (algorithm section 6, `window: 'soft'`). All steps share one tree of log-spaced bins
 * over [dmin, dmax]. Step k has N_k = N_K / 2^(K−k) bins. It re-weighs the bins of the step before and excludes none:
 *
 *     c_i = dmin·(dmax/dmin)^((i + ½)/N_k)      z_1 = Δ_1      z_k = split(z_{k−1}) + Δ_k
 *     p = softmax(z)      D = Σ c_i·p_i      σ = √(Σ p_i (c_i − D)² + 1e-6)
 *
 * so that p_k(child) = p_{k−1}(parent)·p(child | parent), up to normalisation. This is the paper's multiway tree
 * without windows. Gradients flow through z from step to step, but not through `lastDepth`, the depth of the step
 * before that a step gets as input.
 */
import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import type { DarConfig } from './config.ts'
import { expectedDepth } from './mtbin.ts'

/** Under the root of σ, square metres, so that its slope stays finite. */
const EPSILON = 1e-6

/** N_K of a model that reads its maps from a soft tree; null for the others. */
export const leavesOf = ({ head, window }: DarConfig): number | null =>
  window.kind === 'soft' && (head.kind === 'dar' || head.kind === 'bins') ? window.leaves : null

/** N_k = N_K / 2^(K−k), k from 1. */
export const branchCount = (
  k: number,
  { leaves, steps }: { readonly leaves: number; readonly steps: number },
): number => leaves / 2 ** (steps - k)

/** c_i of `count` bins, metres. */
export function branchCentres(count: number, { dMin, dMax }: Pick<DarConfig, 'dMin' | 'dMax'>): number[] {
  return Array.from({ length: count }, (_, i) => dMin * (dMax / dMin) ** ((i + 0.5) / count))
}

/** B,n,h,w → B,2n,h,w: bins 2i and 2i+1 both start with the score of their parent i. */
export function splitScores(z: Tensor): Tensor {
  const [batch, count, rows, cols] = z.shape
  const pairs = ops.expand(ops.reshape(z, [batch, count, 1, rows, cols]), [batch, count, 2, rows, cols])
  return ops.reshape(pairs, [batch, 2 * count, rows, cols])
}

/** Probabilities B,N_k,h,w, and depth and σ B,1,h,w in metres, from the scores of a step. */
export interface Reading {
  readonly probabilities: Tensor
  readonly depth: Tensor
  readonly sigma: Tensor
}

/** scores: B,N_k,h,w. */
export function readScores(scores: Tensor, limits: Pick<DarConfig, 'dMin' | 'dMax'>): Reading {
  const count = scores.shape[1]
  const centres = scores.graph.constant(branchCentres(count, limits), [1, count, 1, 1])
  const probabilities = ops.softmax(scores, 1)
  const depth = expectedDepth(probabilities, centres)
  const squares = ops.square(ops.sub(centres, depth))
  const variance = ops.sum(ops.mul(probabilities, squares), [1], { keepAxes: true })
  return { probabilities, depth, sigma: ops.sqrt(ops.add(variance, EPSILON)) }
}

/**
 * The input of step k about the step before, without gradient: [ln D − ½·ln(dmin·dmax), σ/D], B,2,grid. Zeros at step 1
 * (`last` null). `like`: any tensor of the batch.
 */
export function lastDepth(last: Reading | null, like: Tensor, grid: ops.Size, limits: DarConfig): Tensor {
  if (!last) return ops.full(like, [like.shape[0], 2, ...grid], 0)
  const depth = ops.resize(ops.stopGradient(last.depth), grid)
  const sigma = ops.resize(ops.stopGradient(last.sigma), grid)
  const middle = 0.5 * Math.log(limits.dMin * limits.dMax)
  return ops.concat([ops.sub(ops.log(depth), middle), ops.div(sigma, depth)], 1)
}
