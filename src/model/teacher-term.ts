/**
 * A loss for photos without measured depth: the student is compared with the depth map of another network, the teacher. Such a map
 * has roughly the right shapes but the wrong metres. The loss therefore ignores scale and shift of inverse depth, and no pixel pulls much
 * harder than the others.
 *
 *     u = 1/max(D, 0.01)    v = 1/T                                 D the student's, T the teacher's map, metres
 *     m_u = max(mean |u − mean(u)|, mean(u)/20)    m_v likewise, without the floor    the spreads of an image, over its valid pixels
 *     s = m_u/m_v           t = mean(u) − s·mean(v)                 s·v + t has the mean and the spread of u
 *     r = (u − s·v − t)/m_u   E = mean of √(r² + c²) − c            over the valid pixels of all images with m_v > 0;  c = ¼
 *
 * s, t and m_u are constants for the gradient: it changes the shape of the student's map and leaves its scale to measured depth. The
 * function is nearly |r|: a pixel pulls with at most 1, and never stops pulling.
 *
 * s is never negative, however wrong the student is. It was the slope of a least-squares fit once, with images left out where that was
 * not positive, and a function that lets go of large residuals. Training found what that allows: on the teacher's photos, and only on
 * them, the student drew maps that agree with nothing, for which the term was 0 (docs/log/dar-nano, third run).
 *
 * **What it does to contrast.** s, t and m_u are those of the student's map as it is, so a step that draws the map a little flatter lowers r wherever it
 * is noise, and the next fit follows. To first order the change of E with the contrast κ of u is mean(ψ(r)·(u − mean u))/m_u, ψ the slope of the
 * function, which is above 0 where u is a·v + noise: nothing holds the contrast of the teacher's photos but what measured images teach. In dar-nano it fell
 * to a third (docs/log/dar-nano, thirteenth run). With a gradient through s and t it would stay where it is, and so would a map that is upside down. A teacher
 * that was trained on metres holds it: `teacherFit: 'scale'`, teacher-scale-term.ts.
 *
 * Scale and shift of inverse depth, by means and absolute deviations: Ranftl et al. 2020 (MiDaS). Not in the paper, and off unless a
 * recipe weighs it (`teacher`). Left out: gradient matching, because a teacher's edges are softer than those that the student learns
 * from measured depth.
 */
import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { type Pool, wholeBatch } from './pool.ts'

/** Metres. Inverse depth of less would outweigh all other pixels. */
const NEAREST = 0.01
/** As a part of mean(u). A flatter map counts as this flat; else its smallest ripple would be a large residual. */
const LEAST_SPREAD = 0.05
/** m_v, 1/metres: below it the teacher's map is flat, and what varies is rounding. */
const LEAST_VARIATION = 1e-5
/** c, in spreads. Chosen by the shape of the function, not by trials. */
const SOFTNESS = 0.25

const IMAGE = [1, 2, 3]

/** Of each image, B,1,1,1. `scale` is 0 where there is nothing to fit. */
export interface InverseFit {
  readonly scale: Tensor
  readonly shift: Tensor
  readonly spread: Tensor
}

/** s, t and m_u of the formulas above.  u, v: finite everywhere   valid: bool, all B,1,H,W */
export function fitInverse(u: Tensor, v: Tensor, valid: Tensor): InverseFit {
  const keep = { keepAxes: true }
  const count = ops.maximum(ops.sum(ops.cast(valid, u.dtype), IMAGE, keep), 1)
  const mean = (x: Tensor) => ops.div(ops.sum(ops.where(valid, x, 0), IMAGE, keep), count)
  const [meanU, meanV] = [mean(u), mean(v)]
  const deviation = (x: Tensor, mid: Tensor) => mean(ops.abs(ops.sub(x, mid)))
  // Where nothing is valid the mean is 0, and the spread must not be.
  const floor = ops.maximum(ops.mul(meanU, LEAST_SPREAD), NEAREST * LEAST_SPREAD)
  const spread = ops.maximum(deviation(u, meanU), floor)
  const variation = deviation(v, meanV)
  const varies = ops.greater(variation, LEAST_VARIATION)
  const scale = ops.where(varies, ops.div(spread, ops.where(varies, variation, 1)), 0)
  const shift = ops.sub(meanU, ops.mul(scale, meanV))
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
  const r = ops.div(ops.sub(ops.sub(u, ops.mul(scale, v)), shift), spread)
  const size = ops.sub(ops.sqrt(ops.add(ops.square(r), SOFTNESS ** 2)), SOFTNESS)
  const count = ops.maximum(pool(ops.sum(ops.cast(counts, u.dtype))), 1)
  return ops.div(pool(ops.sum(ops.where(counts, size, 0))), count)
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
