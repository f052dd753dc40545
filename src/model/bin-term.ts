/**
 * Cross-entropy of the bins of a soft tree. The terms of depth (section 8) see no more of a step's probabilities than their mean, so a
 * very wide distribution that is shifted a little serves them as well as a narrow one at the right place. This term asks for the
 * probability of the bins that the truth lies in:
 *
 *     t = N_k·ln(gt/dmin)/ln(dmax/dmin) − ½, held within 0 … N_k−1      w_i = max(0, 1 − |i − t|)
 *     C_k = mean over the cells with truth of  −Σ_i w_i·ln p_i           C = Σ_k w_k·C_k    (w_k: `stepWeights`)
 *
 * w shares the truth between the two bins whose centres are next to it, so that its mean is the truth in ln D. A cell is judged by the
 * pixel at its centre. A mean of depths would be a distance at which there may be nothing; over many cells, single pixels teach a coarse
 * step how depths are spread within a cell. Not in the paper. A recipe turns it on with a weight (`bins`).
 */

import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { assert } from '../support/errors.ts'
import type { DarConfig } from './config.ts'
import type { DarOutput } from './dar.ts'
import { lastScores } from './distil-term.ts'
import { logSoftmax } from './log-softmax.ts'
import { type Pool, wholeBatch } from './pool.ts'

type Range = Pick<DarConfig, 'dMin' | 'dMax'>

/** z_1 … z_K of a soft tree, B,N_k,grid each; the last is the one that the last map is read from. */
export function treeScores(model: DarOutput): Tensor[] {
  const { trace, stepMaps } = model
  return stepMaps.map((_, i) => {
    const scores = i === stepMaps.length - 1 ? lastScores(model) : trace.get(`step${i + 1}.scores`)
    assert(scores, `step ${i + 1} of a soft tree has scores`)
    return scores
  })
}

/** w. gt: positive metres, of any shape with an axis 1 of length 1  →  the same with `count` on that axis; each pixel's sum is 1. */
export function binTargets(gt: Tensor, count: number, { dMin, dMax }: Range): Tensor {
  const share = ops.mul(ops.sub(ops.log(gt), Math.log(dMin)), count / Math.log(dMax / dMin))
  const t = ops.clamp(ops.sub(share, 0.5), 0, count - 1)
  const index = gt.graph.constant(
    Array.from({ length: count }, (_, i) => i),
    [1, count, 1, 1],
  )
  return ops.relu(ops.sub(1, ops.abs(ops.sub(index, t))))
}

/** C_k of one step. scores: z_k, B,N_k,h,w   gt: metres, valid: bool, B,1,H,W  →  scalar, 0 without a cell that has truth. */
export function binTerm(scores: Tensor, gt: Tensor, valid: Tensor, range: Range, pool: Pool = wholeBatch): Tensor {
  const [, count, rows, cols] = scores.shape
  const atCentres = (x: Tensor) => ops.resize(x, [rows, cols], 'centre')
  const known = atCentres(ops.cast(valid, scores.dtype))
  const targets = binTargets(atCentres(ops.where(valid, gt, 1)), count, range)
  const entropy = ops.neg(ops.sum(ops.mul(targets, logSoftmax(scores)), [1], { keepAxes: true }))
  const cells = ops.maximum(pool(ops.sum(known)), 1)
  return ops.div(pool(ops.sum(ops.mul(entropy, known))), cells)
}
