/** Reductions along axes that are more than a sum (broadcast.ts): mean, max, min, softmax. */
import { isFloat, ShapeError, type Tensor } from '../tensor.ts'
import { type ReduceOptions, reduced, sum } from './broadcast.ts'
import { mul, sub } from './elementwise.ts'
import { axisOf } from './shape.ts'

/** Arithmetic mean over the axes (all of them by default). */
export function mean(x: Tensor, axes = x.shape.map((_, i) => i), options: ReduceOptions = {}): Tensor {
  if (!isFloat(x.dtype)) throw new ShapeError('mean', [x], 'needs a float tensor')
  const to = reduced('mean', x, axes, false)
  const count = to.axes.reduce((n, axis) => n * x.shape[axis], 1)
  if (count === 0) throw new ShapeError('mean', [x], 'has no values to average')
  return mul(sum(x, axes, options), 1 / count)
}

function extreme(op: string, onnx: string, x: Tensor, axes: readonly number[], keepAxes: boolean): Tensor {
  if (x.dtype === 'bool') throw new ShapeError(op, [x], 'needs numbers: cast it first')
  const to = reduced(op, x, axes, keepAxes)
  if (to.axes.length === 0) return x
  if (to.axes.some((axis) => x.shape[axis] === 0)) throw new ShapeError(op, [x], 'has no values to compare')
  const [y] = x.graph.apply({
    op,
    inputs: [x],
    outputs: [{ shape: to.shape, dtype: x.dtype }],
    emit: (e, [name], y) => e.node(onnx, [name, e.ints(to.axes)], y, { keepdims: keepAxes ? 1 : 0 }),
  })
  return y
}

/** Largest value over the axes. No gradient. */
export function max(x: Tensor, axes = x.shape.map((_, i) => i), { keepAxes = false }: ReduceOptions = {}): Tensor {
  return extreme('max', 'ReduceMax', x, axes, keepAxes)
}

/** Smallest value over the axes. No gradient. */
export function min(x: Tensor, axes = x.shape.map((_, i) => i), { keepAxes = false }: ReduceOptions = {}): Tensor {
  return extreme('min', 'ReduceMin', x, axes, keepAxes)
}

/**
 * exp(x_i)/Σ_j exp(x_j) along an axis;  dx = y ⊙ (dy − Σ dy ⊙ y). Along another than the last it is written out, e = exp(x − max x)
 * and y = e/Σe: ONNX Runtime's CPU kernel transposes there and back, and calls itself for every row, which for the 9
 * neighbours of convex upsampling costs five times as much.
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  if (!isFloat(x.dtype)) throw new ShapeError('softmax', [x], 'needs a float tensor')
  const a = axisOf('softmax', x, axis)
  const [y] = x.graph.apply({
    op: 'softmax',
    inputs: [x],
    outputs: [{ shape: x.shape, dtype: x.dtype }],
    emit: (e, [name], y) => {
      if (a === x.rank - 1) return void e.node('Softmax', [name], y, { axis: a })
      const axes = e.ints([a])
      const [most] = e.node('ReduceMax', [name, axes], 1, { keepdims: 1 })
      const [below] = e.node('Sub', [name, most], 1)
      const [powers] = e.node('Exp', [below], 1)
      const [total] = e.node('ReduceSum', [powers, axes], 1, { keepdims: 1 })
      e.node('Div', [powers, total], y)
    },
    vjp: ([dy]) => [dy && mul(y, sub(dy, sum(mul(dy, y), [a], { keepAxes: true })))],
  })
  return y
}
