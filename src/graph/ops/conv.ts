/**
 * Two-dimensional convolution, its transpose and its weight gradient.
 *
 * All three come from one expression, linear in each of dy, w and x:
 *
 *     ⟨dy, x ∗ w⟩ = Σ dy[b,o,p,q] · w[o,i,k,l] · x[b,i, p·s+k−top, q·s+l−left]
 *
 * Its derivative by x is `convTranspose`, by w `convWeight`, by dy `conv`. So the gradient of each of the three ops is
 * written with the other two, and no further op is needed. Weights are [out, in/groups, kh, kw]; for `convTranspose`
 * that is [in, out/groups, kh, kw], as PyTorch's.
 * Dilation is left out: nothing in DAR uses it.
 */
import { type Emitter, isFloat, type Shape, ShapeError, sameShape, sizeOf, type Tensor } from '../tensor.ts'
import { sum } from './broadcast.ts'
import {
  conv64,
  convTranspose64,
  convWeightDepthwise,
  convWeightMatmul,
  convWeightWorkspace,
  type Geometry,
} from './conv-emit.ts'

/** Zeros added at the top, left, bottom and right. */
export type Padding = readonly [top: number, left: number, bottom: number, right: number]

/** Of a convolution. Defaults: stride 1, no padding, one group. */
export interface ConvOptions {
  readonly stride?: number
  readonly padding?: Padding
  readonly groups?: number
}

const NO_PADDING: Padding = [0, 0, 0, 0]

/** x: B,C,H,W   weight: O,C/groups,kh,kw   bias: O → B,O,H',W' with H' = ⌊(top + H + bottom − kh)/stride⌋ + 1 */
export function conv(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  { stride = 1, padding = NO_PADDING, groups = 1 }: ConvOptions = {},
): Tensor {
  const operands = bias ? [x, weight, bias] : [x, weight]
  check('conv', operands, stride, padding, groups)
  const [batch, channels, height, width] = x.shape
  const [outputs, perGroup, kh, kw] = weight.shape
  if (channels !== perGroup * groups || outputs % groups !== 0)
    throw new ShapeError('conv', operands, `${channels} channels do not fit the weight with ${groups} groups`)
  if (bias && (bias.rank !== 1 || bias.shape[0] !== outputs))
    throw new ShapeError('conv', operands, 'the bias needs one value per output channel')
  const rows = Math.floor((height + padding[0] + padding[2] - kh) / stride) + 1
  const cols = Math.floor((width + padding[1] + padding[3] - kw) / stride) + 1
  if (rows < 1 || cols < 1) throw new ShapeError('conv', operands, 'the kernel is larger than the padded image')
  const geometry: Geometry = { stride, padding, groups, kernel: [kh, kw], big: [height, width], small: [rows, cols] }
  const [y] = x.graph.apply({
    op: 'conv',
    inputs: operands,
    outputs: [{ shape: [batch, outputs, rows, cols], dtype: x.dtype }],
    multiplyAdds: multiplyAdds(batch, weight.shape, geometry),
    emit: (e, inputs, y) => {
      if (x.dtype === 'float64') conv64(e, inputs, y, { batch, channels, outputs, ...geometry })
      else e.node('Conv', inputs, y, attributes(geometry))
    },
    vjp: ([dy], needs) => {
      if (!dy) return operands.map(() => null)
      const result = [
        needs[0] ? convTranspose(dy, weight, undefined, { stride, padding, groups, size: [height, width] }) : null,
        needs[1] ? convWeight(x, dy, [kh, kw], { stride, padding, groups }) : null,
      ]
      return bias ? [...result, needs[2] ? sum(dy, [0, 2, 3]) : null] : result
    },
  })
  return y
}

/**
 * The transpose of `conv` in x: B,O,H',W' → B,C,H,W. `size` chooses among the H that give H' (default: the smallest).
 * As a layer this is PyTorch's ConvTranspose2d.
 */
export function convTranspose(
  dy: Tensor,
  weight: Tensor,
  bias?: Tensor,
  {
    stride = 1,
    padding = NO_PADDING,
    groups = 1,
    size,
  }: ConvOptions & { readonly size?: readonly [number, number] } = {},
): Tensor {
  const operands = bias ? [dy, weight, bias] : [dy, weight]
  check('convTranspose', operands, stride, padding, groups)
  const [batch, outputs, rows, cols] = dy.shape
  const [outputs2, perGroup, kh, kw] = weight.shape
  if (outputs !== outputs2 || outputs % groups !== 0)
    throw new ShapeError('convTranspose', operands, `${outputs} channels do not fit the weight with ${groups} groups`)
  const channels = perGroup * groups
  if (bias && (bias.rank !== 1 || bias.shape[0] !== channels))
    throw new ShapeError('convTranspose', operands, 'the bias needs one value per output channel')
  const smallest = [
    (rows - 1) * stride + kh - padding[0] - padding[2],
    (cols - 1) * stride + kw - padding[1] - padding[3],
  ]
  const [height, width] = size ?? smallest
  if (height < smallest[0] || width < smallest[1] || height >= smallest[0] + stride || width >= smallest[1] + stride)
    throw new ShapeError('convTranspose', operands, `no ${height}×${width} map has this image`)
  const geometry: Geometry = { stride, padding, groups, kernel: [kh, kw], big: [height, width], small: [rows, cols] }
  const [y] = dy.graph.apply({
    op: 'convTranspose',
    inputs: operands,
    outputs: [{ shape: [batch, channels, height, width], dtype: dy.dtype }],
    multiplyAdds: multiplyAdds(batch, weight.shape, geometry),
    emit: (e, inputs, y) => {
      const shape = { batch, channels, outputs, ...geometry }
      if (dy.dtype === 'float64') convTranspose64(e, inputs, y, shape)
      else if (stride === 1) flippedConv(e, inputs, y, shape)
      else
        e.node('ConvTranspose', inputs, y, {
          ...attributes(geometry),
          output_padding: [height - smallest[0], width - smallest[1]],
        })
    },
    vjp: ([cotangent], needs) => {
      if (!cotangent) return operands.map(() => null)
      const result = [
        needs[0] ? conv(cotangent, weight, undefined, { stride, padding, groups }) : null,
        needs[1] ? convWeight(cotangent, dy, [kh, kw], { stride, padding, groups }) : null,
      ]
      return bias ? [...result, needs[2] ? sum(cotangent, [0, 2, 3]) : null] : result
    },
  })
  return y
}

/** dw[o,i,k,l] = Σ_{b,p,q} dy[b,o,p,q] · x[b,i, p·s+k−top, q·s+l−left]: the gradient of `conv` in its weight. */
export function convWeight(
  x: Tensor,
  dy: Tensor,
  kernel: readonly [number, number],
  { stride = 1, padding = NO_PADDING, groups = 1 }: ConvOptions = {},
): Tensor {
  check('convWeight', [x, dy], stride, padding, groups)
  const [batch, channels, height, width] = x.shape
  const [batch2, outputs, rows, cols] = dy.shape
  if (batch !== batch2) throw new ShapeError('convWeight', [x, dy], 'batches differ')
  if (channels % groups !== 0 || outputs % groups !== 0)
    throw new ShapeError(
      'convWeight',
      [x, dy],
      `${channels} and ${outputs} channels do not divide into ${groups} groups`,
    )
  const made = [
    Math.floor((height + padding[0] + padding[2] - kernel[0]) / stride) + 1,
    Math.floor((width + padding[1] + padding[3] - kernel[1]) / stride) + 1,
  ]
  if (!sameShape(made, [rows, cols]))
    throw new ShapeError('convWeight', [x, dy], `a ${kernel.join('×')} kernel makes ${made.join('×')} of the first`)
  const geometry: Geometry = { stride, padding, groups, kernel, big: [height, width], small: [rows, cols] }
  const shape = { batch, channels, outputs, ...geometry }
  const depthwise = groups === channels && groups === outputs
  const [dw] = x.graph.apply({
    op: 'convWeight',
    inputs: [x, dy],
    outputs: [{ shape: [outputs, channels / groups, ...kernel], dtype: x.dtype }],
    multiplyAdds: multiplyAdds(batch, [outputs, channels / groups, ...kernel], geometry),
    workspace: depthwise ? 2 * dy.size : convWeightWorkspace(shape),
    emit: (e, inputs, dw) =>
      depthwise ? convWeightDepthwise(e, inputs, dw, shape) : convWeightMatmul(e, inputs, dw, shape),
    vjp: ([cotangent], needs) => [
      cotangent && needs[0]
        ? convTranspose(dy, cotangent, undefined, { stride, padding, groups, size: [height, width] })
        : null,
      cotangent && needs[1] ? conv(x, cotangent, undefined, { stride, padding, groups }) : null,
    ],
  })
  return dw
}

/** Of all three members of the family: every weight meets every pixel of the small map, once per image. */
function multiplyAdds(batch: number, weight: Shape, { small }: Geometry): number {
  return batch * sizeOf(weight) * small[0] * small[1]
}

function check(op: string, operands: readonly Tensor[], stride: number, padding: Padding, groups: number): void {
  const [a, b] = operands
  if (a.rank !== 4 || b.rank !== 4) throw new ShapeError(op, operands, 'needs maps B,C,H,W and weights of four axes')
  if (operands.some((x) => x.dtype !== a.dtype) || !isFloat(a.dtype))
    throw new ShapeError(op, operands, 'needs equal float dtypes')
  if (!(Number.isInteger(stride) && stride > 0 && Number.isInteger(groups) && groups > 0))
    throw new ShapeError(op, operands, `stride ${stride} and groups ${groups} must be positive integers`)
  if (padding.some((n) => !(Number.isInteger(n) && n >= 0)))
    throw new ShapeError(op, operands, `padding [${padding.join(',')}] must not be negative`)
}

function attributes({ stride, padding, groups, kernel }: Geometry) {
  return { strides: [stride, stride], pads: padding, group: groups, kernel_shape: kernel }
}

/**
 * A stride-1 transposed convolution is a convolution with the kernel turned by 180° and in/out swapped, which the
 * engine runs one and a half times as fast as ConvTranspose.
 */
function flippedConv(
  e: Emitter,
  [dy, weight, bias]: readonly string[],
  y: readonly string[],
  {
    groups,
    kernel: [kh, kw],
    padding,
    channels,
    outputs,
    big,
    small,
  }: Geometry & { channels: number; outputs: number },
): void {
  const grouped = e.node('Reshape', [weight, e.ints([groups, outputs / groups, channels / groups, kh * kw])], 1)
  const turned = e.node('Transpose', grouped, 1, { perm: [0, 2, 1, 3] })
  const flipped =
    kh * kw === 1
      ? turned
      : e.node('Slice', [turned[0], e.ints([-1]), e.ints([-kh * kw - 1]), e.ints([3]), e.ints([-1])], 1)
  const [kernel] = e.node('Reshape', [flipped[0], e.ints([channels, outputs / groups, kh, kw])], 1)
  const top = kh - 1 - padding[0]
  const left = kw - 1 - padding[1]
  const pads = [top, left, big[0] - small[0] + kh - 1 - top, big[1] - small[1] + kw - 1 - left]
  if (pads.some((n) => n < 0)) {
    // More padding than the kernel reaches: cut the rows that saw only zeros.
    e.node('ConvTranspose', bias ? [dy, weight, bias] : [dy, weight], y, {
      strides: [1, 1],
      pads: padding,
      group: groups,
      kernel_shape: [kh, kw],
    })
    return
  }
  e.node('Conv', bias ? [dy, kernel, bias] : [dy, kernel], y, {
    strides: [1, 1],
    pads,
    group: groups,
    kernel_shape: [kh, kw],
  })
}
