/**
 * Matrix products. `matmul` is batched with broadcasting; `linear` is the layer y = x·Wᵀ + b with W stored [out, in],
 * emitted as one Gemm on the flattened rows so that neither weight nor gradient is ever transposed in memory.
 */
import { isFloat, type Shape, ShapeError, sizeOf, type Tensor } from '../tensor.ts'
import { sum, sumTo } from './broadcast.ts'
import { reshape, swapLast } from './shape.ts'

/** a·b over the last two axes; leading axes broadcast. A vector operand is not accepted: reshape it. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.rank < 2 || b.rank < 2) throw new ShapeError('matmul', [a, b], 'both operands need two axes or more')
  if (a.dtype !== b.dtype || !isFloat(a.dtype)) throw new ShapeError('matmul', [a, b], 'needs two equal float dtypes')
  const [m, k] = a.shape.slice(-2)
  const [k2, n] = b.shape.slice(-2)
  if (k !== k2) throw new ShapeError('matmul', [a, b], `inner axes differ: ${k} and ${k2}`)
  const batch = broadcastBatch(a, b)
  const [y] = a.graph.apply({
    op: 'matmul',
    inputs: [a, b],
    outputs: [{ shape: [...batch, m, n], dtype: a.dtype }],
    multiplyAdds: sizeOf(batch) * m * n * k,
    emit: (e, inputs, y) => e.node('MatMul', inputs, y),
    // da = dy·bᵀ, db = aᵀ·dy
    vjp: ([dy], needs) => [
      dy && needs[0] ? sumTo(matmul(dy, swapLast(b)), a.shape) : null,
      dy && needs[1] ? sumTo(matmul(swapLast(a), dy), b.shape) : null,
    ],
  })
  return y
}

function broadcastBatch(a: Tensor, b: Tensor): Shape {
  const rank = Math.max(a.rank, b.rank) - 2
  return Array.from({ length: rank }, (_, i) => {
    const p = a.shape[i - rank + a.rank - 2] ?? 1
    const q = b.shape[i - rank + b.rank - 2] ?? 1
    if (p !== q && p !== 1 && q !== 1)
      throw new ShapeError('matmul', [a, b], 'leading axes cannot be broadcast together')
    return p === 1 ? q : p
  })
}

/** op(a)·op(b) of two matrices, where op transposes if asked, + c (broadcast to the result) if given. */
export function gemm(
  a: Tensor,
  b: Tensor,
  { transA = false, transB = false, c }: { transA?: boolean; transB?: boolean; c?: Tensor } = {},
): Tensor {
  const all = c ? [a, b, c] : [a, b]
  if (a.rank !== 2 || b.rank !== 2) throw new ShapeError('gemm', all, 'needs two matrices')
  if (all.some((x) => x.dtype !== a.dtype) || !isFloat(a.dtype))
    throw new ShapeError('gemm', all, 'needs equal float dtypes')
  const [m, k] = transA ? [a.shape[1], a.shape[0]] : a.shape
  const [k2, n] = transB ? [b.shape[1], b.shape[0]] : b.shape
  if (k !== k2) throw new ShapeError('gemm', all, `inner axes differ: ${k} and ${k2}`)
  const shape = [m, n]
  if (c && (c.rank > 2 || ![1, n].includes(c.shape.at(-1) ?? 1) || ![1, m].includes(c.shape.at(-2) ?? 1)))
    throw new ShapeError('gemm', all, `the third operand cannot be broadcast to [${shape.join(',')}]`)
  const [y] = a.graph.apply({
    op: 'gemm',
    inputs: all,
    outputs: [{ shape, dtype: a.dtype }],
    multiplyAdds: m * n * k,
    emit: (e, inputs, y) => e.node('Gemm', inputs, y, { transA: transA ? 1 : 0, transB: transB ? 1 : 0 }),
    // Y = A·B: dA = dY·Bᵀ, dB = Aᵀ·dY; with A or B transposed, the transposed product, never a transposed copy.
    vjp: ([dy], needs) => {
      if (!dy) return all.map(() => null)
      const da = () => (transA ? gemm(b, dy, { transA: transB, transB: true }) : gemm(dy, b, { transB: !transB }))
      const db = () => (transB ? gemm(dy, a, { transA: true, transB: transA }) : gemm(a, dy, { transA: !transA }))
      const result = [needs[0] ? da() : null, needs[1] ? db() : null]
      return c ? [...result, needs[2] ? sumTo(dy, c.shape) : null] : result
    },
  })
  return y
}

/** y = x·Wᵀ + b.  x: […, in], weight: [out, in], bias: [out] → […, out] */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const operands = bias ? [x, weight, bias] : [x, weight]
  if (weight.rank !== 2 || x.rank < 1 || x.shape.at(-1) !== weight.shape[1])
    throw new ShapeError('linear', operands, 'the last axis of x must be the second of the weight')
  if (bias && (bias.rank !== 1 || bias.shape[0] !== weight.shape[0]))
    throw new ShapeError('linear', operands, 'the bias needs one value per row of the weight')
  const rows = sizeOf(x.shape.slice(0, -1))
  const y = gemm(reshape(x, [rows, weight.shape[1]]), weight, { transB: true, c: bias })
  return reshape(y, [...x.shape.slice(0, -1), weight.shape[0]])
}

/** Σ_i a_i·b_i of two tensors of one shape, a scalar. */
export function dot(a: Tensor, b: Tensor): Tensor {
  if (a.shape.join() !== b.shape.join()) throw new ShapeError('dot', [a, b], 'shapes differ')
  return sum(reshape(matmul(reshape(a, [1, a.size]), reshape(b, [b.size, 1])), [1]))
}
