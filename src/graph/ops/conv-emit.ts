/**
 * How the convolution family becomes ONNX where one Conv node will not do: the weight gradient, and everything in
 * float64 (the engine has no float64 Conv; float64 is for gradient checks, so clarity wins over speed there).
 */
import type { Emitter } from '../tensor.ts'

/** The shapes of one convolution: `big` is its input's size, `small` its output's. */
export interface Geometry {
  readonly stride: number
  readonly padding: readonly [number, number, number, number]
  readonly groups: number
  readonly kernel: readonly [number, number]
  readonly big: readonly [number, number]
  readonly small: readonly [number, number]
}

interface Sizes extends Geometry {
  readonly batch: number
  readonly channels: number
  readonly outputs: number
}

/** Pads axes 2 and 3. */
function padMap(e: Emitter, x: string, [top, left, bottom, right]: Geometry['padding']): string {
  if (top + left + bottom + right === 0) return x
  return e.node('Pad', [x, e.ints([0, 0, top, left, 0, 0, bottom, right])], 1, { mode: 'constant' })[0]
}

/** x[p·s + k, q·s + l] for all outputs (p, q), from a padded map with its rows on axis `rowAxis`. */
function shifted(e: Emitter, x: string, { stride, small }: Geometry, k: number, l: number, rowAxis: number): string {
  const begins = e.ints([k, l])
  const ends = e.ints([k + (small[0] - 1) * stride + 1, l + (small[1] - 1) * stride + 1])
  return e.node('Slice', [x, begins, ends, e.ints([rowAxis, rowAxis + 1]), e.ints([stride, stride])], 1)[0]
}

/** Runs `visit(k, l)` over the kernel, row-major, and collects. */
function overKernel<T>([kh, kw]: readonly [number, number], visit: (k: number, l: number) => T): T[] {
  return Array.from({ length: kh * kw }, (_, n) => visit(Math.floor(n / kw), n % kw))
}

/** From so many channels on, a product for every tap of the kernel is faster than one with all taps side by side. */
const WIDE = 16

/** From so many pixels an image on, a product for every image, summed over the batch, is faster than one over the whole batch. */
const LARGE = 128

/** Whether the weight gradient is a product for every image and tap, with the maps left as they are. */
function keepsLayout({ groups, channels, kernel, small }: Sizes): boolean {
  const narrow = channels < WIDE && kernel[0] * kernel[1] > 1
  return groups === 1 && !narrow && small[0] * small[1] >= LARGE
}

/** Weight gradient of any convolution that is not depthwise, as matrix products. */
export function convWeightMatmul(e: Emitter, inputs: readonly string[], dw: readonly string[], s: Sizes): void {
  if (keepsLayout(s)) convWeightByImage(e, inputs, dw, s)
  else convWeightByPixel(e, inputs, dw, s)
}

/**
 * One product for every image and tap (k, l), summed over the batch:  dw[o, i, k, l] = Σ_b dy[b]·x_kl[b]ᵀ.  No map changes its layout,
 * which is most of the time elsewhere. At stride 1 a tap is the padded map from position k·W + l of its flat plane on, one
 * stretch of memory a channel; dy gets zeros at the ends of its rows, where a stretch runs into the next row.
 */
function convWeightByImage(e: Emitter, [x, dy]: readonly string[], dw: readonly string[], s: Sizes): void {
  const { batch, channels, outputs, kernel, padding, big, small, stride } = s
  const padded = padMap(e, x, padding)
  const flat = stride === 1
  const cols = big[1] + padding[1] + padding[3]
  const count = flat ? (small[0] - 1) * cols + small[1] : small[0] * small[1]
  const plane = (map: string, width: number, size: number) =>
    e.node('Reshape', [map, e.ints([batch, width, size])], 1)[0]
  const stretch = (map: string, from: number, size: number) =>
    from === 0 && size === count
      ? map
      : e.node('Slice', [map, e.ints([from]), e.ints([from + count]), e.ints([2])], 1)[0]

  const rows = flat ? padMap(e, dy, [0, 0, 0, cols - small[1]]) : dy
  const rowSize = small[0] * (flat ? cols : small[1])
  const cotangent = stretch(plane(rows, outputs, rowSize), 0, rowSize)
  const planeSize = (big[0] + padding[0] + padding[2]) * cols
  const whole = flat ? plane(padded, channels, planeSize) : padded
  const perTap = overKernel(kernel, (k, l) => {
    const tap = flat ? stretch(whole, k * cols + l, planeSize) : plane(shifted(e, whole, s, k, l, 2), channels, count)
    const [turned] = e.node('Transpose', [tap], 1, { perm: [0, 2, 1] })
    const [products] = e.node('MatMul', [cotangent, turned], 1)
    const [product] = e.node('ReduceSum', [products, e.ints([0])], 1, { keepdims: 1 })
    return product
  })
  if (perTap.length === 1) {
    e.node('Reshape', [perTap[0], e.ints([outputs, channels, ...kernel])], dw)
    return
  }
  const [stacked] = e.node('Concat', perTap, 1, { axis: 0 })
  const [last] = e.node('Transpose', [stacked], 1, { perm: [1, 2, 0] })
  e.node('Reshape', [last, e.ints([outputs, channels, ...kernel])], dw)
}

/**
 * One product over all pixels of the batch. Maps go to channels-last, so that x, shifted by a tap
 * (k, l), is a matrix:  dw[o, i, k, l] = Σ_{(b,p,q)} dy[(b,p,q), o]·x_kl[(b,p,q), i]. Either one product per tap, or, where
 * those would be too narrow, one in all with the shifted copies side by side in rows of kh·kw·C numbers.
 */
function convWeightByPixel(e: Emitter, [x, dy]: readonly string[], dw: readonly string[], s: Sizes): void {
  const { batch, groups, channels, outputs, kernel, small } = s
  const rows = batch * small[0] * small[1]
  const [last] = e.node('Transpose', [padMap(e, x, s.padding)], 1, { perm: [0, 2, 3, 1] })
  const parts = overKernel(kernel, (k, l) => shifted(e, last, s, k, l, 1))
  const [dyLast] = e.node('Transpose', [dy], 1, { perm: [0, 2, 3, 1] })
  const [ci, co] = [channels / groups, outputs / groups]
  const taps = kernel[0] * kernel[1]
  if (groups === 1) {
    const [cotangent] = e.node('Reshape', [dyLast, e.ints([rows, co])], 1)
    if (ci >= WIDE && taps > 1) {
      const perTap = parts.map((part) => {
        const [matrix] = e.node('Reshape', [part, e.ints([rows, ci])], 1)
        const [product] = e.node('Gemm', [cotangent, matrix], 1, { transA: 1 })
        return e.node('Reshape', [product, e.ints([1, co, ci])], 1)[0]
      })
      const [stacked] = e.node('Concat', perTap, 1, { axis: 0 })
      const [last] = e.node('Transpose', [stacked], 1, { perm: [1, 2, 0] })
      e.node('Reshape', [last, e.ints([co, ci, ...kernel])], dw)
      return
    }
    const [cols] = parts.length === 1 ? parts : e.node('Concat', parts, 1, { axis: 3 })
    const [patches] = e.node('Reshape', [cols, e.ints([rows, taps * ci])], 1)
    const [flat] = e.node('Gemm', [cotangent, patches], 1, { transA: 1 })
    const [open] = e.node('Reshape', [flat, e.ints([co, kernel[0], kernel[1], ci])], 1)
    e.node('Transpose', [open], dw, { perm: [0, 3, 1, 2] })
    return
  }
  // Groups: [rows, g, ·] → [g, ·, rows] × [g, rows, taps·ci]
  const split = parts.map((part) => e.node('Reshape', [part, e.ints([rows, groups, ci])], 1)[0])
  const [cols] = split.length === 1 ? split : e.node('Concat', split, 1, { axis: 2 })
  const [patches] = e.node('Transpose', [cols], 1, { perm: [1, 0, 2] })
  const [opened] = e.node('Reshape', [dyLast, e.ints([rows, groups, co])], 1)
  const [cotangent] = e.node('Transpose', [opened], 1, { perm: [1, 2, 0] })
  const [flat] = e.node('MatMul', [cotangent, patches], 1)
  const [open] = e.node('Reshape', [flat, e.ints([outputs, kernel[0], kernel[1], ci])], 1)
  e.node('Transpose', [open], dw, { perm: [0, 3, 1, 2] })
}

/**
 * Values that `convWeightMatmul` holds at once: by image, the two padded maps, one shifted copy and its products; by pixel, the two
 * maps channels-last, one shifted copy a tap, and all side by side.
 */
export function convWeightWorkspace(s: Sizes): number {
  const { batch, groups, channels, outputs, kernel, small, big } = s
  if (keepsLayout(s))
    return batch * (channels * (big[0] * big[1] + small[0] * small[1]) + outputs * (small[0] * small[1] + channels))
  const taps = kernel[0] * kernel[1]
  const pixels = batch * small[0] * small[1]
  const copies = taps === 1 ? 1 : groups === 1 && channels >= WIDE ? taps : 2 * taps
  return batch * channels * big[0] * big[1] + pixels * outputs + copies * pixels * channels
}

/** Depthwise: every tap is a product of two maps, summed; there is no matrix product to be had. */
export function convWeightDepthwise(e: Emitter, [x, dy]: readonly string[], dw: readonly string[], s: Sizes): void {
  const padded = padMap(e, x, s.padding)
  const taps = overKernel(s.kernel, (k, l) => {
    const [product] = e.node('Mul', [shifted(e, padded, s, k, l, 2), dy], 1)
    const [perRow] = e.node('ReduceSum', [product, e.ints([2, 3])], 1, { keepdims: 1 })
    return e.node('ReduceSum', [perRow, e.ints([0])], 1, { keepdims: 0 })[0]
  })
  const [joined] = taps.length === 1 ? taps : e.node('Concat', taps, 1, { axis: 2 })
  e.node('Reshape', [joined, e.ints([s.channels, 1, ...s.kernel])], dw)
}

/** Convolution by im2col:  y[b, g, o, (p,q)] = Σ_{i,k,l} w[g, o, (i,k,l)]·x[b, g, (i,k,l), (p,q)] */
export function conv64(e: Emitter, [x, weight, bias]: readonly string[], y: readonly string[], s: Sizes): void {
  const padded = padMap(e, x, s.padding)
  const count = s.small[0] * s.small[1]
  const parts = overKernel(s.kernel, (k, l) => {
    const part = shifted(e, padded, s, k, l, 2)
    return e.node('Reshape', [part, e.ints([s.batch, s.groups, s.channels / s.groups, 1, count])], 1)[0]
  })
  const [stacked] = e.node('Concat', parts, 1, { axis: 3 })
  const inner = (s.channels / s.groups) * parts.length
  const [cols] = e.node('Reshape', [stacked, e.ints([s.batch, s.groups, inner, count])], 1)
  const [matrix] = e.node('Reshape', [weight, e.ints([1, s.groups, s.outputs / s.groups, inner])], 1)
  const [product] = e.node('MatMul', [matrix, cols], 1)
  finish(e, product, bias, y, [s.batch, s.outputs, ...s.small])
}

/** Transposed convolution: zeros between and around the values, then a convolution with the kernel turned by 180°. */
export function convTranspose64(
  e: Emitter,
  [dy, weight, bias]: readonly string[],
  y: readonly string[],
  s: Sizes,
): void {
  const { batch, groups, channels, outputs, kernel, stride, small, big, padding } = s
  const spread = small.map((n) => (n - 1) * stride + 1) as [number, number]
  const [open] = e.node('Reshape', [dy, e.ints([batch, outputs, small[0], 1, small[1], 1])], 1)
  const after = [0, 0, 0, stride - 1, 0, stride - 1]
  const [dilated] = e.node('Pad', [open, e.ints([0, 0, 0, 0, 0, 0, ...after])], 1, { mode: 'constant' })
  const [flat] = e.node('Reshape', [dilated, e.ints([batch, outputs, small[0] * stride, small[1] * stride])], 1)
  const [trimmed] = e.node('Slice', [flat, e.ints([0, 0]), e.ints(spread), e.ints([2, 3])], 1)
  // Pad by the kernel's full reach on every side, convolve, then cut what the padding of the forward pass had added.
  const [kh, kw] = kernel
  const extra = [big[0] + padding[0] - spread[0], big[1] + padding[1] - spread[1]]
  const full: Geometry['padding'] = [kh - 1, kw - 1, Math.max(extra[0], 0), Math.max(extra[1], 0)]
  const size = [spread[0] + kh - 1 + full[2] - kh + 1, spread[1] + kw - 1 + full[3] - kw + 1] as [number, number]
  const [grouped] = e.node('Reshape', [weight, e.ints([groups, outputs / groups, channels / groups, kh * kw])], 1)
  const [turned] = e.node('Transpose', [grouped], 1, { perm: [0, 2, 1, 3] })
  const [flipped] = e.node('Slice', [turned, e.ints([-1]), e.ints([-kh * kw - 1]), e.ints([3]), e.ints([-1])], 1)
  const [turnedWeight] = e.node('Reshape', [flipped, e.ints([channels, outputs / groups, kh, kw])], 1)
  const inner: Sizes = {
    batch,
    groups,
    channels: outputs,
    outputs: channels,
    kernel,
    stride: 1,
    padding: full,
    big: spread,
    small: size,
  }
  const [whole] = e.node('Identity', [conv64Named(e, trimmed, turnedWeight, inner)], 1)
  const [cut] = e.node(
    'Slice',
    [whole, e.ints([padding[0], padding[1]]), e.ints([padding[0] + big[0], padding[1] + big[1]]), e.ints([2, 3])],
    1,
  )
  finish(e, cut, bias, y, [batch, channels, ...big])
}

function conv64Named(e: Emitter, x: string, weight: string, s: Sizes): string {
  const [y] = e.node('Identity', [x], 1)
  const result = `${y}/convolved`
  conv64(e, [y, weight], [result], s)
  return result
}

/** Reshapes to the result and adds the bias per channel. */
function finish(
  e: Emitter,
  value: string,
  bias: string | undefined,
  y: readonly string[],
  shape: readonly number[],
): void {
  const target = e.ints(shape)
  if (!bias) {
    e.node('Reshape', [value, target], y)
    return
  }
  const [map] = e.node('Reshape', [value, target], 1)
  const [column] = e.node('Reshape', [bias, e.ints([1, shape[1], 1, 1])], 1)
  e.node('Add', [map, column], y)
}
