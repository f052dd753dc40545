/**
 * Stochastic depth (Huang et al. 2016), also called drop path: while training, every image skips some branches of a residual network.
 *
 *     y = x + m·f(x)      m = [u ≥ p_l]/(1 − p_l)      p_l = p·l/(L − 1)      l = 0 … L − 1
 *
 * u is uniform in [0, 1), one for each image and branch, so that m is 1 on average. The first block is never skipped and the last with
 * probability p. In prediction m = 1: a graph without these numbers is that graph.
 */
import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'

/** Which branch: its column of u, and its block l of L. */
interface Branch {
  readonly column: number
  readonly block: number
  readonly blocks: number
}

/** u and p of the formula. */
export interface DropPath {
  /** B,branches */
  readonly draws: Tensor
  /** p, in [0, 1). */
  readonly rate: number
}

/** m·f(x). branch: f(x), B,…; without `drop` it is returned as it is. */
export function dropBranch(branch: Tensor, drop: DropPath | null, { column, block, blocks }: Branch): Tensor {
  const p = drop ? (drop.rate * block) / Math.max(1, blocks - 1) : 0
  if (!drop || p === 0) return branch
  const u = ops.slice(drop.draws, 1, column, column + 1)
  const kept = ops.cast(ops.greaterEqual(u, p), branch.dtype)
  const m = ops.reshape(ops.mul(kept, 1 / (1 - p)), [branch.shape[0], ...Array<number>(branch.rank - 1).fill(1)])
  return ops.mul(branch, m)
}
