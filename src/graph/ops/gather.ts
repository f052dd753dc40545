/**
 * Picking elements by index. ScatterElements is left out on purpose (the browser's WebGPU provider lacks it): the gradient
 * of a gather is a matrix product with the one-hot matrix of the indices.
 */
import { ShapeError, sizeOf, type Tensor } from '../tensor.ts'
import { expand } from './broadcast.ts'
import { equal } from './elementwise.ts'
import { matmul } from './matmul.ts'
import { axisOf, cast, reshape } from './shape.ts'

/** y = x[…, indices, …] along an axis; indices is an int64 tensor of any shape with values in [0, n). */
export function gather(x: Tensor, axis: number, indices: Tensor): Tensor {
  const a = axisOf('gather', x, axis)
  if (indices.dtype !== 'int64') throw new ShapeError('gather', [x, indices], 'indices must be int64')
  const shape = [...x.shape.slice(0, a), ...indices.shape, ...x.shape.slice(a + 1)]
  const [y] = x.graph.apply({
    op: 'gather',
    inputs: [x, indices],
    outputs: [{ shape, dtype: x.dtype }],
    emit: (e, inputs, y) => e.node('Gather', inputs, y, { axis: a }),
    // dx[.., n, ..] = Σ_j onehot[n, j]·dy[.., j, ..]
    vjp: ([dy]) => {
      if (!dy) return [null, null]
      const n = x.shape[a]
      const before = sizeOf(x.shape.slice(0, a))
      const after = sizeOf(x.shape.slice(a + 1))
      const count = indices.size
      const range = x.graph.constant([...Array(n).keys()], [n, 1], 'int64')
      const oneHot = cast(equal(range, reshape(indices, [1, count])), x.dtype)
      const dx = matmul(expand(reshape(oneHot, [1, n, count]), [before, n, count]), reshape(dy, [before, count, after]))
      return [reshape(dx, x.shape), null]
    },
  })
  return y
}
