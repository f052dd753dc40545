import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'

/** ln softmax over axis 1, stable: z − max z − ln Σ exp(z − max z).  z: B,N,h,w */
export function logSoftmax(z: Tensor): Tensor {
  const shifted = ops.sub(z, ops.stopGradient(ops.max(z, [1], { keepAxes: true })))
  return ops.sub(shifted, ops.log(ops.sum(ops.exp(shifted), [1], { keepAxes: true })))
}
