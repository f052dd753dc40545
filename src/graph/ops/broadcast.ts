/** Repeating values along axes and its transpose, the sum. Each is the gradient of the other, so they stand together. */
import { type Shape, ShapeError, sameShape, type Tensor } from '../tensor.ts'
import { axisOf, reshape } from './shape.ts'

/** Of a reduction. */
export interface ReduceOptions {
  /** Keep reduced axes with length 1. */
  readonly keepAxes?: boolean
}

/** The axes from 0, once each and in order, and the shape without them (or with length 1 in their place: `kept`). */
export function reduced(op: string, x: Tensor, axes: readonly number[], keepAxes: boolean) {
  const unique = [...new Set(axes.map((axis) => axisOf(op, x, axis)))].sort((a, b) => a - b)
  const kept = x.shape.map((n, i) => (unique.includes(i) ? 1 : n))
  return { axes: unique, kept, shape: keepAxes ? kept : x.shape.filter((_, i) => !unique.includes(i)) }
}

/** Σ over the axes (all of them by default). */
export function sum(x: Tensor, axes = x.shape.map((_, i) => i), { keepAxes = false }: ReduceOptions = {}): Tensor {
  if (x.dtype === 'bool') throw new ShapeError('sum', [x], 'needs numbers: cast it first')
  const to = reduced('sum', x, axes, keepAxes)
  if (to.axes.length === 0) return x
  const [y] = x.graph.apply({
    op: 'sum',
    inputs: [x],
    outputs: [{ shape: to.shape, dtype: x.dtype }],
    emit: (e, [name], y) => e.node('ReduceSum', [name, e.ints(to.axes)], y, { keepdims: keepAxes ? 1 : 0 }),
    vjp: ([dy]) => [dy && expand(reshape(dy, to.kept), x.shape)],
  })
  return y
}

/** Broadcasts x to a larger shape by NumPy's rules. */
export function expand(x: Tensor, shape: Shape): Tensor {
  const offset = shape.length - x.rank
  if (offset < 0 || x.shape.some((n, i) => n !== 1 && n !== shape[i + offset]))
    throw new ShapeError('expand', [x], `cannot be broadcast to [${shape.join(',')}]`)
  if (sameShape(x.shape, shape)) return x
  const [y] = x.graph.apply({
    op: 'expand',
    inputs: [x],
    outputs: [{ shape, dtype: x.dtype }],
    emit: (e, [name], y) => e.node('Expand', [name, e.ints(shape)], y),
    vjp: ([dy]) => [dy && sumTo(dy, x.shape)],
  })
  return y
}

/** The transposed broadcast: sums the axes along which `shape` was repeated. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x
  const offset = x.rank - shape.length
  if (offset < 0 || shape.some((n, i) => n !== 1 && n !== x.shape[i + offset]))
    throw new ShapeError('sumTo', [x], `[${shape.join(',')}] was not broadcast to it`)
  const axes = x.shape.flatMap((n, i) => (i < offset || (shape[i - offset] === 1 && n !== 1) ? [i] : []))
  return reshape(sum(x, axes, { keepAxes: true }), shape)
}
