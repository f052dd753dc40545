/**
 * A loss for photos without measured depth: the student is compared with the depth map of another network, the teacher. Such a map
 * has roughly the right shapes but the wrong metres. The loss therefore ignores scale and shift of inverse depth, and gives little
 * weight to pixels where the two maps differ much.
 *
 *     u = 1/max(D, 0.01)    v = 1/T                                 D the student's, T the teacher's map, metres
 *     s = cov(u, v)/var(v)  t = mean(u) − s·mean(v)                 least squares of s·v + t ≈ u, over the valid pixels of an image
 *     m = max(mean |u − mean(u)|, mean(u)/20)                       the image's spread
 *     r = (u − s·v − t)/m   E = mean of r²/(r² + c²)                over the valid pixels of all images with s > 0;  c = ½
 *
 * s, t and m are constants for the gradient: it changes the shape of the student's map and leaves its scale to measured depth.
 * r²/(r² + c²) is Geman and McClure's function. Its slope is largest at r = c/√3 ≈ 0.29 and falls like r⁻³: at r = 1, the error of a flat
 * map, a pixel pulls a quarter as hard. An image with s ≤ 0, where the two disagree on what is near, takes no part.
 *
 * Scale and shift of inverse depth: Ranftl et al. 2020 (MiDaS). Not in the paper, and off unless a recipe weighs it (`teacher`). Left
 * out: gradient matching, because a teacher's edges are softer than those that the student learns from measured depth.
 */
import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { type Pool, wholeBatch } from './pool.ts'

/** Metres. Inverse depth of less would outweigh all other pixels. */
const NEAREST = 0.01
/** As a part of mean(u). A flatter map counts as this flat; else its smallest ripple would be a large residual. */
const LEAST_SPREAD = 0.05
/** Of v, 1/metres²: below it the teacher's map is flat, and what varies is rounding. */
const LEAST_VARIANCE = 1e-10
/** c, in spreads. Chosen by the shape of the function, not by trials. */
const SOFTNESS = 0.5

const IMAGE = [1, 2, 3]

/** Of each image, B,1,1,1. `scale` is 0 where there is nothing to fit. */
export interface InverseFit {
  readonly scale: Tensor
  readonly shift: Tensor
  readonly spread: Tensor
}

/** s, t and m of the formulas above.  u, v: finite everywhere   valid: bool, all B,1,H,W */
export function fitInverse(u: Tensor, v: Tensor, valid: Tensor): InverseFit {
  const keep = { keepAxes: true }
  const count = ops.maximum(ops.sum(ops.cast(valid, u.dtype), IMAGE, keep), 1)
  const mean = (x: Tensor) => ops.div(ops.sum(ops.where(valid, x, 0), IMAGE, keep), count)
  const [meanU, meanV] = [mean(u), mean(v)]
  const [du, dv] = [ops.sub(u, meanU), ops.sub(v, meanV)]
  const variance = mean(ops.square(dv))
  const covariance = mean(ops.mul(du, dv))
  const scale = ops.where(ops.greater(variance, LEAST_VARIANCE), ops.div(covariance, variance), 0)
  const shift = ops.sub(meanU, ops.mul(scale, meanV))
  // Where nothing is valid the mean is 0, and the spread must not be.
  const spread = ops.maximum(ops.maximum(mean(ops.abs(du)), ops.mul(meanU, LEAST_SPREAD)), NEAREST * LEAST_SPREAD)
  return { scale, shift, spread }
}

/** E for a given fit: the mean over the valid pixels of images with a positive scale, 0 without one.  → scalar */
export function misfit(
  u: Tensor,
  v: Tensor,
  valid: Tensor,
  { scale, shift, spread }: InverseFit,
  pool: Pool = wholeBatch,
): Tensor {
  const counts = ops.and(valid, ops.greater(scale, 0))
  const r2 = ops.square(ops.div(ops.sub(ops.sub(u, ops.mul(scale, v)), shift), spread))
  const bounded = ops.div(r2, ops.add(r2, SOFTNESS ** 2))
  const count = ops.maximum(pool(ops.sum(ops.cast(counts, u.dtype))), 1)
  return ops.div(pool(ops.sum(ops.where(counts, bounded, 0))), count)
}

/**
 * E. depth: the student's, teacher: T, B,1,H,W, metres   valid: bool, B,1,H,W, the pixels of T that count; an image without one takes
 * no part  → scalar. 0, with gradient 0, without an image that takes part.
 */
export function teacherTerm(depth: Tensor, teacher: Tensor, valid: Tensor, pool: Pool = wholeBatch): Tensor {
  const u = ops.div(1, ops.maximum(depth, NEAREST))
  const v = ops.div(1, ops.where(valid, teacher, 1))
  const fit = fitInverse(ops.stopGradient(u), v, valid)
  return misfit(u, v, valid, fit, pool)
}
