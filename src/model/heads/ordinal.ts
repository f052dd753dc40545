/**
 * Depth as an ordered class (algorithm section 12): thresholds evenly spaced in log depth, t_i = exp(ln a + ln(b/a)·i/C) for
 * i = 0..C with a = dmin, b = dmax (SID of DORN, Fu et al. 2018, without its shift), labels, centres and the score of
 * two-way decisions. Shared by `dorn` and `ord2seq`.
 */
import type { Tensor } from '../../graph/index.ts'
import * as ops from '../../graph/ops/index.ts'
import { type Pool, wholeBatch } from '../pool.ts'

/** Metres. */
export interface DepthRange {
  readonly dMin: number
  readonly dMax: number
}

/** t_0 … t_C, metres. */
export function logEdges({ dMin, dMax }: DepthRange, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, i) => Math.exp(Math.log(dMin) + (Math.log(dMax / dMin) * i) / count))
}

/** (t_l + t_{l+1})/2 of each class, metres. */
export function logCentres(range: DepthRange, count: number): number[] {
  const edges = logEdges(range, count)
  return Array.from({ length: count }, (_, l) => (edges[l] + edges[l + 1]) / 2)
}

/** l = clamp(⌊C·ln(gt/a)/ln(b/a)⌋, 0, C−1), so that t_l ≤ gt < t_{l+1}, as whole floats; 0 where `valid` does not hold. */
export function logLabel(gt: Tensor, valid: Tensor, { dMin, dMax }: DepthRange, count: number): Tensor {
  const safe = ops.where(valid, gt, dMin) // unmeasured pixels have no logarithm
  const scaled = ops.mul(ops.log(ops.div(safe, dMin)), count / Math.log(dMax / dMin))
  return ops.clamp(ops.floor(scaled), 0, count - 1)
}

/** The depth in the middle of each class. label: int64, any shape, in [0, C) → metres, the same shape */
export function depthOfLabel(label: Tensor, range: DepthRange, count: number): Tensor {
  return ops.gather(label.graph.constant(logCentres(range, count), [count]), 0, label)
}

/**
 * −[b·ln σ(z) + (1−b)·ln(1 − σ(z))] = softplus(z) − b·z, which neither overflows nor takes the logarithm of 0.
 * `bit` is 0 or 1 in the dtype of z.
 */
export function decisionLoss(z: Tensor, bit: Tensor): Tensor {
  return ops.sub(ops.softplus(z), ops.mul(bit, z))
}

/** Mean over the valid pixels. Without any it is 0, with gradient 0. */
export function meanOfValid(values: Tensor, valid: Tensor, pool: Pool = wholeBatch): Tensor {
  const count = pool(ops.sum(ops.cast(valid, values.dtype)))
  return ops.div(pool(ops.sum(ops.where(valid, values, 0))), ops.maximum(count, 1))
}
