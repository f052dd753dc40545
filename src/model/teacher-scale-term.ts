/**
 * A loss for photos that a teacher has labelled whose metres are wrong by a factor, and whose shapes are not: the student is compared with it in
 * ln depth, each image up to one factor.
 *
 *     g = ln max(D, 0.01) − ln T      t = mean of g over the valid pixels of an image      D the student's, T the teacher's map, metres
 *     E = mean of √((g − t)² + c²) − c   over the valid pixels of all images;   c = 0.1
 *
 * t is part of the gradient, so that the gradient in ln D of an image sums to 0 exactly: the term cannot move its scale, which is measured
 * depth's to say. It does say how far the far is from the near. The term that forgives scale and shift of inverse depth (teacher-term.ts)
 * does not, and a student of it drew the teacher's photos, and photos like them, nearly flat: σ(ln D) 0.11 where the teacher has 0.31 and the
 * model before it, which never saw one, 0.26 (docs/log/dar-nano, thirteenth run).
 *
 * Not in the paper, and off unless a recipe asks for it (`teacherFit: 'scale'`).
 */
import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { type Pool, wholeBatch } from './pool.ts'

/** Metres. */
const NEAREST = 0.01
/** c: below some 10 % the pull falls with the residual. Chosen by the shape of the function, not by trials. */
const SOFTNESS = 0.1

const IMAGE = [1, 2, 3]

/**
 * E. depth: the student's, teacher: T, B,1,H,W, metres   valid: bool, B,1,H,W, the pixels of T that count; an image without one takes
 * no part  → scalar. 0, with gradient 0, without a valid pixel.
 */
export function teacherScaleTerm(depth: Tensor, teacher: Tensor, valid: Tensor, pool: Pool = wholeBatch): Tensor {
  const truth = ops.log(ops.where(valid, teacher, 1))
  const g = ops.where(valid, ops.sub(ops.log(ops.maximum(depth, NEAREST)), truth), 0)
  const keep = { keepAxes: true }
  const counted = ops.cast(valid, depth.dtype)
  const t = ops.div(ops.sum(g, IMAGE, keep), ops.maximum(ops.sum(counted, IMAGE, keep), 1))
  const size = ops.sub(ops.sqrt(ops.add(ops.square(ops.sub(g, t)), SOFTNESS ** 2)), SOFTNESS)
  return ops.div(pool(ops.sum(ops.where(valid, size, 0))), ops.maximum(pool(ops.sum(counted)), 1))
}
