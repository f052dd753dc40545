/**
 * Resampling of maps B,C,h,w, and pooling.
 *
 * Bilinear, bicubic and nearest resampling and adaptive average pooling are all separable linear maps, so each is two
 * products with constant matrices, y = R·x·Cᵀ, whose rows hold the weights. That is exact (weights in double
 * precision, then rounded once), runs on every provider, and its gradient is the transposed matrices. Half-pixel
 * centres, align_corners = false, no antialias everywhere (algorithm section 3), but for `corners`: bilinear with
 * align_corners = true, which the public Depth Anything weights were trained with.
 */
import { isFloat, ShapeError, type Tensor } from '../tensor.ts'
import { matmul } from './matmul.ts'

/** Of a map, in pixels. */
export type Size = readonly [height: number, width: number]
/** How a map is resampled: see `resize`. `pool` is adaptive average pooling, `centre` takes the sample at the centre of each output. */
export type ResizeMode = 'bilinear' | 'corners' | 'bicubic' | 'nearest' | 'centre' | 'pool'

/** y = R·x·Cᵀ with the weights of `mode`. x: B,C,h,w → B,C,size */
export function resize(x: Tensor, size: Size, mode: ResizeMode = 'bilinear'): Tensor {
  if (x.rank !== 4 || !isFloat(x.dtype)) throw new ShapeError(`resize ${mode}`, [x], 'needs a float map B,C,H,W')
  if (!size.every((n) => Number.isInteger(n) && n > 0))
    throw new ShapeError(`resize ${mode}`, [x], `${size.join('×')} is no size`)
  const [height, width] = x.shape.slice(2)
  const weights = WEIGHTS[mode]
  let y = x
  // The axis that shrinks most (grows least) goes first: less to compute for the other.
  const rows = () => {
    if (height !== size[0]) y = matmul(matrix(x, weights(height, size[0]), size[0], height), y)
  }
  const cols = () => {
    if (width !== size[1]) y = matmul(y, matrix(x, transposed(weights(width, size[1]), size[1], width), width, size[1]))
  }
  if (size[0] * width <= size[1] * height) {
    rows()
    cols()
  } else {
    cols()
    rows()
  }
  return y
}

/**
 * Token maps to the next step's size (algorithm section 4): adaptive average pooling if neither side grows, else bilinear.
 */
export function resizeTokens(x: Tensor, size: Size): Tensor {
  const [height, width] = x.shape.slice(2)
  return resize(x, size, size[0] <= height && size[1] <= width ? 'pool' : 'bilinear')
}

/** Max pooling with −∞ padding of `padding` on every side. No gradient (windows are constants, algorithm section 6). */
export function maxPool(
  x: Tensor,
  kernel: number,
  { stride = 1, padding = 0 }: { readonly stride?: number; readonly padding?: number } = {},
): Tensor {
  if (x.rank !== 4 || !isFloat(x.dtype)) throw new ShapeError('maxPool', [x], 'needs a float map B,C,H,W')
  if (![kernel, stride].every((n) => Number.isInteger(n) && n > 0))
    throw new ShapeError('maxPool', [x], `window ${kernel} and stride ${stride} must be positive integers`)
  if (padding * 2 > kernel) throw new ShapeError('maxPool', [x], `padding ${padding} is over half the kernel ${kernel}`)
  const shape = x.shape.map((n, i) => (i < 2 ? n : Math.floor((n + 2 * padding - kernel) / stride) + 1))
  if (shape.some((n) => n < 1))
    throw new ShapeError('maxPool', [x], `the window of ${kernel} is larger than the padded map`)
  const [y] = x.graph.apply({
    op: 'maxPool',
    inputs: [x],
    outputs: [{ shape, dtype: x.dtype }],
    emit: (e, inputs, y) =>
      e.node('MaxPool', inputs, y, {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [padding, padding, padding, padding],
      }),
  })
  return y
}

/** The m×n matrix, row-major, by which `resize` takes n samples to m; for values that are no tensors of a graph. */
export function resizeMatrix(mode: ResizeMode, n: number, m: number): Float64Array {
  return WEIGHTS[mode](n, m)
}

function matrix(x: Tensor, values: Float64Array, rows: number, cols: number): Tensor {
  return x.graph.constant(x.dtype === 'float64' ? values : Float32Array.from(values), [rows, cols], x.dtype)
}

function transposed(values: Float64Array, rows: number, cols: number): Float64Array {
  const result = new Float64Array(values.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) result[j * rows + i] = values[i * cols + j]
  return result
}

/** Each gives the m×n matrix that takes n samples to m. */
const WEIGHTS: Readonly<Record<ResizeMode, (n: number, m: number) => Float64Array>> = {
  bilinear: (n, m) => fill(n, m, (i) => linearTaps(source(i, n, m), n)),
  // The first and last samples of both grids coincide; a single output looks at the first (as PyTorch's).
  corners: (n, m) => fill(n, m, (i) => linearTaps(m > 1 ? (i * (n - 1)) / (m - 1) : 0, n)),
  bicubic: (n, m) => fill(n, m, (i) => cubicTaps(source(i, n, m))),
  nearest: (n, m) => fill(n, m, (i) => [[Math.floor((i * n) / m), 1]]),
  centre: (n, m) => fill(n, m, (i) => [[Math.floor(((i + 0.5) * n) / m), 1]]),
  pool: (n, m) =>
    fill(n, m, (i) => {
      const begin = Math.floor((i * n) / m)
      const end = Math.ceil(((i + 1) * n) / m)
      return Array.from({ length: end - begin }, (_, j) => [begin + j, 1 / (end - begin)] as const)
    }),
}

type Taps = readonly (readonly [index: number, weight: number])[]

function fill(n: number, m: number, taps: (i: number) => Taps): Float64Array {
  const matrix = new Float64Array(m * n)
  for (let i = 0; i < m; i++)
    for (const [j, weight] of taps(i)) matrix[i * n + Math.min(Math.max(j, 0), n - 1)] += weight
  return matrix
}

/** Half-pixel centres: where output i looks, in input samples. */
function source(i: number, n: number, m: number): number {
  return ((i + 0.5) * n) / m - 0.5
}

function linearTaps(at: number, n: number): Taps {
  const x = Math.max(at, 0)
  const j = Math.min(Math.floor(x), n - 1)
  return [
    [j, 1 - (x - j)],
    [j + 1, x - j],
  ]
}

/** Cubic convolution with a = −0.75. */
function cubicTaps(at: number): Taps {
  const a = -0.75
  const j = Math.floor(at)
  const t = at - j
  const near = (d: number) => ((a + 2) * d - (a + 3)) * d * d + 1
  const far = (d: number) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
  return [
    [j - 1, far(t + 1)],
    [j, near(t)],
    [j + 1, near(1 - t)],
    [j + 2, far(2 - t)],
  ]
}
