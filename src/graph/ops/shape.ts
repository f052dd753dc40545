/**
 * Ops that move values without changing them: reshape, transpose, slice, concat, pad, flip, cast.
 *
 * Each gradient is the transposed linear map, again in these ops, so that gradients can be differentiated in turn. The
 * other families stand on this one, so it imports none of them: expand and its sum are in broadcast.ts, gather in gather.ts.
 */
import { type DType, isFloat, type Shape, ShapeError, sameShape, sizeOf, type Tensor } from '../tensor.ts'

/** An axis counted from the end if negative. */
export function axisOf(op: string, x: Tensor, axis: number): number {
  const resolved = axis < 0 ? axis + x.rank : axis
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= x.rank)
    throw new ShapeError(op, [x], `there is no axis ${axis}`)
  return resolved
}

/** Same values in another shape; one axis may be −1. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = sizeOf(shape.filter((n) => n !== -1))
  const target = shape.map((n) => (n === -1 ? x.size / known : n))
  if (shape.filter((n) => n === -1).length > 1 || sizeOf(target) !== x.size || !target.every(Number.isInteger))
    throw new ShapeError('reshape', [x], `${x.size} values do not fill [${shape.join(',')}]`)
  if (sameShape(target, x.shape)) return x
  const [y] = x.graph.apply({
    op: 'reshape',
    inputs: [x],
    outputs: [{ shape: target, dtype: x.dtype }],
    // ONNX reads a 0 as «copy this axis» unless told that it means an empty one.
    emit: (e, [x], y) => e.node('Reshape', [x, e.ints(target)], y, target.includes(0) ? { allowzero: 1 } : {}),
    vjp: ([dy]) => [dy && reshape(dy, x.shape)],
  })
  return y
}

/** y[i_0, …] = x[…] with axis k of y being axis `order[k]` of x. */
export function transpose(x: Tensor, order: readonly number[]): Tensor {
  const axes = order.map((axis) => axisOf('transpose', x, axis))
  if (axes.length !== x.rank || new Set(axes).size !== x.rank)
    throw new ShapeError('transpose', [x], `[${order.join(',')}] is no permutation of its axes`)
  if (axes.every((axis, i) => axis === i)) return x
  const inverse = axes.map((_, i) => axes.indexOf(i))
  const [y] = x.graph.apply({
    op: 'transpose',
    inputs: [x],
    outputs: [{ shape: axes.map((axis) => x.shape[axis]), dtype: x.dtype }],
    emit: (e, inputs, y) => e.node('Transpose', inputs, y, { perm: axes }),
    vjp: ([dy]) => [dy && transpose(dy, inverse)],
  })
  return y
}

/** Swaps the last two axes. */
export function swapLast(x: Tensor): Tensor {
  const order = x.shape.map((_, i) => i)
  return transpose(x, [...order.slice(0, -2), x.rank - 1, x.rank - 2])
}

/** Elements begin, begin + step, … below `end` of one axis. Negative positions count from the end. */
export function slice(x: Tensor, axis: number, begin: number, end = Number.POSITIVE_INFINITY, step = 1): Tensor {
  const a = axisOf('slice', x, axis)
  const n = x.shape[a]
  const from = begin < 0 ? begin + n : begin
  const to = Math.min(end < 0 ? end + n : end, n)
  if (
    !(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && Number.isInteger(step) && step > 0)
  )
    throw new ShapeError('slice', [x], `[${begin}, ${end}) by ${step} is no range of axis ${axis}`)
  const count = Math.ceil((to - from) / step)
  if (count === n) return x
  const shape = x.shape.map((m, i) => (i === a ? count : m))
  const [y] = x.graph.apply({
    op: 'slice',
    inputs: [x],
    outputs: [{ shape, dtype: x.dtype }],
    emit: (e, [x], y) => e.node('Slice', [x, e.ints([from]), e.ints([to]), e.ints([a]), e.ints([step])], y),
    vjp: ([dy]) => [dy && unslice(dy, a, from, step, n)],
  })
  return y
}

/** The transposed slice: dy at from, from + step, … of an axis of length n, zeros elsewhere. */
function unslice(dy: Tensor, axis: number, from: number, step: number, n: number): Tensor {
  const spread = step === 1 ? dy : dilate(dy, axis, step)
  const after = n - from - spread.shape[axis]
  if (after >= 0) return pad(spread, axis, from, after)
  return pad(slice(spread, axis, 0, n - from), axis, from, 0)
}

/** Puts step − 1 zeros behind every element of an axis: n → n·step. */
export function dilate(x: Tensor, axis: number, step: number): Tensor {
  const a = axisOf('dilate', x, axis)
  if (!(Number.isInteger(step) && step > 0)) throw new ShapeError('dilate', [x], `${step} is no step`)
  if (step === 1) return x
  const before = x.shape.slice(0, a)
  const after = x.shape.slice(a + 1)
  const open = reshape(x, [...before, x.shape[a], 1, ...after])
  return reshape(pad(open, a + 1, 0, step - 1), [...before, x.shape[a] * step, ...after])
}

/**
 * Cuts an axis into parts of the given lengths: slices whose gradients are put together by one concat, where slices would
 * each be padded to the whole and added up.
 */
export function split(x: Tensor, axis: number, lengths: readonly number[]): readonly Tensor[] {
  const a = axisOf('split', x, axis)
  if (lengths.some((n) => !(Number.isInteger(n) && n > 0)) || lengths.reduce((sum, n) => sum + n, 0) !== x.shape[a])
    throw new ShapeError('split', [x], `parts of ${lengths.join(' + ')} do not make up axis ${axis}`)
  if (lengths.length === 1) return [x]
  const outputs = lengths.map((n) => ({ shape: x.shape.with(a, n), dtype: x.dtype }))
  const parts = x.graph.apply({
    op: 'split',
    inputs: [x],
    outputs,
    // The engine wants every part of a Split named, used or not.
    emit: (e, [name], used) => {
      const names = parts.map((_, i) => used[i] || e.result(i))
      e.node('Split', [name, e.ints(lengths)], names, { axis: a })
    },
    vjp: (gradients) => {
      const zeros = (i: number) => x.graph.constant(Array(sizeOf(outputs[i].shape)).fill(0), outputs[i].shape, x.dtype)
      return [
        concat(
          gradients.map((dy, i) => dy ?? zeros(i)),
          a,
        ),
      ]
    },
  })
  return parts
}

/** Tensors side by side along an axis; their other axes agree. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const parts = [...tensors] // the caller's list may grow (a key/value cache) before the gradient is asked for
  if (parts.length === 0) throw new Error('concat: needs at least one tensor')
  const [first] = parts
  if (parts.length === 1) return first
  const a = axisOf('concat', first, axis)
  for (const part of parts)
    if (
      part.dtype !== first.dtype ||
      part.rank !== first.rank ||
      part.shape.some((n, i) => i !== a && n !== first.shape[i])
    )
      throw new ShapeError('concat', parts, `dtypes and all axes but ${a} must agree`)
  const total = parts.reduce((n, part) => n + part.shape[a], 0)
  const [y] = first.graph.apply({
    op: 'concat',
    inputs: parts,
    outputs: [{ shape: first.shape.map((n, i) => (i === a ? total : n)), dtype: first.dtype }],
    emit: (e, inputs, y) => e.node('Concat', inputs, y, { axis: a }),
    vjp: ([dy], needs) => {
      let begin = 0
      return parts.map((part, i) => {
        const end = begin + part.shape[a]
        const piece = dy && needs[i] ? slice(dy, a, begin, end) : null
        begin = end
        return piece
      })
    },
  })
  return y
}

/** Zeros before and after one axis. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  const a = axisOf('pad', x, axis)
  const none = x.shape.map(() => 0)
  return padAll(x, none.with(a, before), none.with(a, after))
}

/** Zeros before and after every axis. */
export function padAll(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
  if (
    before.length !== x.rank ||
    after.length !== x.rank ||
    [...before, ...after].some((n) => !(Number.isInteger(n) && n >= 0))
  )
    throw new ShapeError('pad', [x], `paddings [${before.join(',')}] and [${after.join(',')}] do not fit`)
  if ([...before, ...after].every((n) => n === 0)) return x
  const [y] = x.graph.apply({
    op: 'pad',
    inputs: [x],
    outputs: [{ shape: x.shape.map((n, i) => before[i] + n + after[i]), dtype: x.dtype }],
    emit: (e, [name], y) => e.node('Pad', [name, e.ints([...before, ...after])], y, { mode: 'constant' }),
    vjp: ([dy]) => [dy && x.shape.reduce((part: Tensor, n, i) => slice(part, i, before[i], before[i] + n), dy)],
  })
  return y
}

/** Repeats the border values outwards along one axis. */
export function padEdge(x: Tensor, axis: number, before: number, after: number): Tensor {
  const a = axisOf('padEdge', x, axis)
  if ([before, after].some((n) => !(Number.isInteger(n) && n >= 0)))
    throw new ShapeError('padEdge', [x], `${before} before and ${after} after is no padding`)
  const first = Array.from({ length: before }, () => slice(x, a, 0, 1))
  const last = Array.from({ length: after }, () => slice(x, a, -1))
  return concat([...first, x, ...last], a)
}

/** Reverses the order along an axis. */
export function flip(x: Tensor, axis: number): Tensor {
  const a = axisOf('flip', x, axis)
  if (x.shape[a] === 1) return x
  const last = x.shape[a] - 1
  const [y] = x.graph.apply({
    op: 'flip',
    inputs: [x],
    outputs: [{ shape: x.shape, dtype: x.dtype }],
    emit: (e, [name], y) => e.node('Slice', [name, e.ints([last]), e.ints([-last - 2]), e.ints([a]), e.ints([-1])], y),
    vjp: ([dy]) => [dy && flip(dy, a)],
  })
  return y
}

/** Another dtype. Float to float passes gradients; anything to or from int64 and bool does not. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x
  const code = { float32: 1, float64: 11, int64: 7, bool: 9 }[dtype]
  const [y] = x.graph.apply({
    op: 'cast',
    inputs: [x],
    outputs: [{ shape: x.shape, dtype }],
    emit: (e, inputs, y) => e.node('Cast', inputs, y, { to: code }),
    vjp: ([dy]) => [dy && isFloat(x.dtype) && isFloat(dtype) ? cast(dy, x.dtype) : null],
  })
  return y
}
