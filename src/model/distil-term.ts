/**
 * Distillation by soft targets: a student whose last step has the teacher's bins learns the teacher's probabilities of them, not only
 * the depth that they make. They say where the teacher is unsure, and between which distances.
 *
 *     p = softmax(z of the teacher), resized bilinearly to the student's grid      q = softmax(z of the student)
 *     KL = mean over the pixels of  Σᵢ pᵢ·(ln pᵢ − ln qᵢ)        ∂KL/∂z = (q − p)/pixels
 *
 * The teacher's own entropy does not change the gradient and makes the term 0 for equal probabilities. Hinton et al. 2015, with
 * temperature 1: the probabilities of a soft tree are broad already. The paper (DAR, section 5) leaves distillation to future work.
 */
import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import type { DarConfig } from './config.ts'
import type { DarOutput } from './dar.ts'
import { logSoftmax } from './log-softmax.ts'
import { type Pool, wholeBatch } from './pool.ts'
import { leavesOf } from './soft-tree.ts'

/** Probabilities below this count as 0, where p·ln p is 0. */
const LEAST = 1e-12

/**
 * Whether two models share the bins of their last step: soft trees of as many leaves over the same range. Only then do probabilities of
 * one mean something to the other.
 */
export function sameBins(a: DarConfig, b: DarConfig): boolean {
  return leavesOf(a) !== null && leavesOf(a) === leavesOf(b) && a.dMin === b.dMin && a.dMax === b.dMax
}

/** The scores z that the last map of a soft tree is read from, B,N,h,w; null for other models. */
export function lastScores({ trace, stepMaps }: DarOutput): Tensor | null {
  return trace.get('fine.scores') ?? trace.get(`step${stepMaps.length}.scores`) ?? null
}

/** KL. scores: the student's z, targets: the teacher's p, both B,N,h,w  → scalar */
export function softTargetTerm(scores: Tensor, targets: Tensor, pool: Pool = wholeBatch): Tensor {
  const [batch, , rows, columns] = scores.shape
  const entropy = ops.mul(targets, ops.log(ops.maximum(targets, LEAST)))
  const own = ops.sub(entropy, ops.mul(targets, logSoftmax(scores)))
  const pixels = pool(ops.sum(ops.full(scores, [batch, 1, rows, columns], 1)))
  return ops.div(pool(ops.sum(own)), pixels)
}
