/** Multi-head attention, composed of matrix products and a softmax, so that its gradient follows from theirs. */
import { ShapeError, type Tensor } from '../tensor.ts'
import { add, mul } from './elementwise.ts'
import { matmul } from './matmul.ts'
import { softmax } from './reduce.ts'
import { reshape, transpose } from './shape.ts'

/**
 * softmax(q·kᵀ/√(C/heads) + mask)·v per head; heads are contiguous slices of the width.
 * q: B,Tq,C   k, v: B,Tk,C   mask: Tq,Tk, additive (−∞ forbids) → B,Tq,C
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, mask?: Tensor): Tensor {
  const operands = mask ? [q, k, v, mask] : [q, k, v]
  if (operands.slice(0, 3).some((t) => t.rank !== 3 || t.shape[2] !== q.shape[2] || t.shape[0] !== q.shape[0]))
    throw new ShapeError('attention', operands, 'q, k and v must be B,T,C with equal B and C')
  if (k.shape[1] !== v.shape[1]) throw new ShapeError('attention', operands, 'keys and values differ in number')
  const [batch, queries, width] = q.shape
  if (width % heads !== 0)
    throw new ShapeError('attention', operands, `width ${width} does not divide into ${heads} heads`)
  if (mask && (mask.rank !== 2 || mask.shape[0] !== queries || mask.shape[1] !== k.shape[1]))
    throw new ShapeError('attention', operands, 'the mask must be Tq,Tk')
  const depth = width / heads
  const split = (t: Tensor) => reshape(t, [batch, t.shape[1], heads, depth])
  // The scale is applied to the queries: Tq·C products instead of Tq·Tk.
  const q_BHTD = transpose(split(mul(q, 1 / Math.sqrt(depth))), [0, 2, 1, 3])
  const k_BHDT = transpose(split(k), [0, 2, 3, 1])
  const v_BHTD = transpose(split(v), [0, 2, 1, 3])
  const scores = matmul(q_BHTD, k_BHDT)
  const weights = softmax(mask ? add(scores, mask) : scores)
  return reshape(transpose(matmul(weights, v_BHTD), [0, 2, 1, 3]), [batch, queries, width])
}
