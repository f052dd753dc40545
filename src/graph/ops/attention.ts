/** Multi-head attention, composed of matrix products around one op of its own: the weighted mean of the values. */
import { isFloat, ShapeError, type Tensor } from '../tensor.ts'
import { inBlocks } from './blocks.ts'
import { sum } from './broadcast.ts'
import { add, mul, sub } from './elementwise.ts'
import { matmul } from './matmul.ts'
import { reshape, slice, swapLast, transpose } from './shape.ts'

/**
 * softmax(q·kᵀ/√(C/heads) + mask)·v per head; heads are contiguous slices of the width.
 * q: B,Tq,C   k, v: B,Tk,C   mask: Tq,Tk, additive (−∞ forbids) → B,Tq,C
 *
 * In a graph with `valuesAtOnce`, queries are taken in blocks. No query sees another, so the values are the same to rounding.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, mask?: Tensor): Tensor {
  const operands = mask ? [q, k, v, mask] : [q, k, v]
  if (operands.slice(0, 3).some((t) => t.rank !== 3 || t.shape[2] !== q.shape[2] || t.shape[0] !== q.shape[0]))
    throw new ShapeError('attention', operands, 'q, k and v must be B,T,C with equal B and C')
  if (k.shape[1] !== v.shape[1]) throw new ShapeError('attention', operands, 'keys and values differ in number')
  const [batch, queries, width] = q.shape
  if (!(heads > 0) || width % heads !== 0)
    throw new ShapeError('attention', operands, `width ${width} does not divide into ${heads} heads`)
  if (mask && (mask.rank !== 2 || mask.shape[0] !== queries || mask.shape[1] !== k.shape[1]))
    throw new ShapeError('attention', operands, 'the mask must be Tq,Tk')
  const depth = width / heads
  const perHead = (t: Tensor) => reshape(t, [batch, t.shape[1], heads, depth])
  // The scale is applied to the queries: Tq·C products instead of Tq·Tk.
  const q_BHTD = transpose(perHead(mul(q, 1 / Math.sqrt(depth))), [0, 2, 1, 3])
  const k_BHDT = transpose(perHead(k), [0, 2, 3, 1])
  const v_BHTD = transpose(perHead(v), [0, 2, 1, 3])
  const mixed = inBlocks(q_BHTD, 2, { values: batch * heads * k.shape[1] }, (q, begin) => {
    const scores = matmul(q, k_BHDT)
    return softmaxMatmul(mask ? add(scores, slice(mask, 0, begin, begin + q.shape[2])) : scores, v_BHTD)
  })
  return reshape(transpose(mixed, [0, 2, 1, 3]), [batch, queries, width])
}

/**
 * O = P·V with P = softmax(S) over the last axis.  scores S: …,Tq,Tk   values V: …,Tk,C → …,Tq,C
 *
 * Gradient: dP = dO·Vᵀ, dV = Pᵀ·dO, dS = P ⊙ (dP − δ) with δ = Σ_k dP ⊙ P. Because O = P·V, δ = Σ_c dO ⊙ O as well (Dao et
 * al., FlashAttention, 2022), a sum over C values instead of Tk.
 */
export function softmaxMatmul(scores: Tensor, values: Tensor): Tensor {
  const operands = [scores, values]
  if (operands.some((t) => t.rank < 2 || t.dtype !== scores.dtype) || !isFloat(scores.dtype))
    throw new ShapeError('softmaxMatmul', operands, 'needs two equal float dtypes and two axes or more')
  const lead = scores.shape.slice(0, -2).join()
  if (lead !== values.shape.slice(0, -2).join() || scores.shape.at(-1) !== values.shape.at(-2))
    throw new ShapeError('softmaxMatmul', operands, 'needs …,Tq,Tk and …,Tk,C')
  const [o, p] = scores.graph.apply({
    op: 'softmaxMatmul',
    inputs: operands,
    outputs: [
      { shape: scores.shape.with(-1, values.shape.at(-1) as number), dtype: scores.dtype },
      { shape: scores.shape, dtype: scores.dtype },
    ],
    multiplyAdds: scores.size * (values.shape.at(-1) as number),
    emit: (e, [s, v], [o, p]) => {
      const [weights] = e.node('Softmax', [s], p ? [p] : 1, { axis: -1 })
      e.node('MatMul', [weights, v], [o])
    },
    // P is read by the gradient, so it has a gradient of its own when that is differentiated in turn: dP = dO·Vᵀ + it.
    vjp: ([dO, fromP], needs) => {
      const keep = { keepAxes: true }
      const plus = (a: Tensor | null, b: Tensor | null) => (a && b ? add(a, b) : (a ?? b))
      const dScores = () => {
        const dP = plus(dO && matmul(dO, swapLast(values)), fromP)
        const delta = plus(dO && sum(mul(dO, o), [-1], keep), fromP && sum(mul(fromP, p), [-1], keep))
        return dP && delta && mul(p, sub(dP, delta))
      }
      return [needs[0] ? dScores() : null, dO && needs[1] ? matmul(swapLast(p), dO) : null]
    },
  })
  return o
}
