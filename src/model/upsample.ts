/** Convex upsampling (algorithm section 7; RAFT): every fine pixel is a convex combination of 3×3 coarse depths. */

import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { conv, HE, Scope, UNIT } from '../nn/index.ts'

/** s·s pixels of the fine map for one of the coarse one. */
interface Upsampling {
  /** s. */
  readonly factor: number
}

/** conv3x3(C→2C)-ReLU-conv1x1(→ 9·s²).  x: B,C,h,w → B,9·s²,h,w */
export function convexWeights(graph: Graph, x: Tensor, { factor }: Upsampling): Tensor {
  const at = new Scope(graph, 'upsample')
  const inner = ops.relu(conv(at.sub(0), x, 2 * x.shape[1], { init: HE }))
  return conv(at.sub(1), inner, 9 * factor * factor, { kernel: 1, init: UNIT })
}

/**
 * depth B,1,h,w, logits B,9·s²,h,w → B,1,s·h,s·w. Channel n·s² + s·dy + dx weighs neighbour n (row-major over the 3×3,
 * edge-replicated) for sub-pixel (dy, dx); softmax over n.
 */
export function convexUpsample(depth: Tensor, logits: Tensor, { factor }: Upsampling): Tensor {
  const [batch, , h, w] = depth.shape
  const weights = ops.softmax(ops.reshape(logits, [batch, 9, factor * factor, h, w]), 1)
  const padded = ops.padEdge(ops.padEdge(depth, 2, 1, 1), 3, 1, 1) // B,1,h+2,w+2
  const shifted = Array.from({ length: 9 }, (_, n) => {
    const [i, j] = [Math.floor(n / 3), n % 3]
    return ops.slice(ops.slice(padded, 2, i, i + h), 3, j, j + w)
  })
  const neighbours = ops.reshape(ops.concat(shifted, 1), [batch, 9, 1, h, w])
  const fine = ops.sum(ops.mul(weights, neighbours), [1]) // B,s²,h,w
  const shuffled = ops.transpose(ops.reshape(fine, [batch, factor, factor, h, w]), [0, 3, 1, 4, 2])
  return ops.reshape(shuffled, [batch, 1, factor * h, factor * w])
}
