/**
 * Gradient matching on log depth at four scales (MiDaS: Ranftl et al. 2020, eq. 11, there on disparity). It penalises
 * edges that are displaced or too soft. The scale-invariant term hardly does, because few pixels are at edges.
 *
 *     E = Σ_{s ∈ 1,2,4,8} Σ_{axes} mean |g(x + s) − g(x)|      g = ln D − ln gt on every s-th pixel, over pairs that are both valid
 *
 * Not in the paper. A recipe turns it on with a weight (`edges`).
 */
import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { type Pool, wholeBatch } from './pool.ts'

const SCALES = [1, 2, 4, 8]

/**
 * logError: g, 0 where the truth is not valid   valid: bool, both B,1,H,W  →  scalar. Without a valid pair of a scale and axis its
 * term is 0. A scale that a side is too short for is left out.
 */
export function edgeTerm(logError: Tensor, valid: Tensor, pool: Pool = wholeBatch): Tensor {
  const terms = SCALES.flatMap((scale) => {
    const g = thinned(logError, scale)
    const v = thinned(valid, scale)
    return [2, 3].flatMap((axis) => (g.shape[axis] > 1 ? [steps(g, v, axis, pool)] : []))
  })
  return terms.reduce((sum, term) => ops.add(sum, term))
}

/** Every n-th row and column, from the first on. */
function thinned(x: Tensor, n: number): Tensor {
  return n === 1 ? x : ops.slice(ops.slice(x, 2, 0, undefined, n), 3, 0, undefined, n)
}

/** Mean |difference| of neighbours along an axis, over pairs that are both valid. */
function steps(g: Tensor, valid: Tensor, axis: number, pool: Pool): Tensor {
  const end = g.shape[axis]
  const pair = ops.and(ops.slice(valid, axis, 1, end), ops.slice(valid, axis, 0, end - 1))
  const step = ops.abs(ops.sub(ops.slice(g, axis, 1, end), ops.slice(g, axis, 0, end - 1)))
  const count = ops.maximum(pool(ops.sum(ops.cast(pair, g.dtype))), 1)
  return ops.div(pool(ops.sum(ops.where(pair, step, 0))), count)
}
