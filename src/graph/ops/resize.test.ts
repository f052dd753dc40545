import { expect, test } from 'vitest'
import { between, NdArray, nd, op, sigma, testOps } from '../../../test/op-harness.ts'
import { Graph, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

type Kernel = (distance: number) => number

/** Linear interpolation: 1 − |t|. */
const triangle: Kernel = (t) => Math.max(1 - Math.abs(t), 0)

/** Keys' cubic convolution with a = −0.75, in the form of his paper. */
const cubic: Kernel = (t) => {
  const a = -0.75
  const s = Math.abs(t)
  if (s <= 1) return (a + 2) * s ** 3 - (a + 3) * s ** 2 + 1
  if (s < 2) return a * s ** 3 - 5 * a * s ** 2 + 8 * a * s - 4 * a
  return 0
}

/** Where output i of m looks among n samples. */
type Place = (i: number, n: number, m: number) => number
const halfPixel: Place = (i, n, m) => ((i + 0.5) * n) / m - 0.5
/** align_corners = true: both ends coincide. */
const cornerToCorner: Place = (i, n, m) => (m === 1 ? 0 : (i / (m - 1)) * (n - 1))

/** Samples a kernel of fixed width (no antialias) over a signal that goes on with its border values. */
function sampled(x: NdArray, [h, w]: ops.Size, kernel: Kernel, place = halfPixel): NdArray {
  const [batch, channels, rows, cols] = x.shape
  const reach = 3
  const clamp = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1)
  return nd([batch, channels, h, w], (b, c, i, j) => {
    const v = place(i, rows, h)
    const u = place(j, cols, w)
    return sigma([2 * reach, 2 * reach], (k, l) => {
      const [p, q] = [Math.floor(v) - reach + 1 + k, Math.floor(u) - reach + 1 + l]
      return kernel(v - p) * kernel(u - q) * x.at(b, c, clamp(p, rows), clamp(q, cols))
    })
  })
}

const nearest =
  (at: number) =>
  (x: NdArray, [h, w]: ops.Size) =>
    nd([...x.shape.slice(0, 2), h, w], (b, c, i, j) =>
      x.at(b, c, Math.floor(((i + at) * x.shape[2]) / h), Math.floor(((j + at) * x.shape[3]) / w)),
    )

/** PyTorch's adaptive_avg_pool2d: output i averages inputs ⌊i·n/m⌋ … ⌈(i+1)·n/m⌉ − 1. */
function pooled(x: NdArray, [h, w]: ops.Size): NdArray {
  const [batch, channels, rows, cols] = x.shape
  return nd([batch, channels, h, w], (b, c, i, j) => {
    const [top, bottom] = [Math.floor((i * rows) / h), Math.ceil(((i + 1) * rows) / h)]
    const [left, right] = [Math.floor((j * cols) / w), Math.ceil(((j + 1) * cols) / w)]
    const total = sigma([bottom - top, right - left], (k, l) => x.at(b, c, top + k, left + l))
    return total / ((bottom - top) * (right - left))
  })
}

const REFERENCES: Readonly<Record<ops.ResizeMode, (x: NdArray, size: ops.Size) => NdArray>> = {
  bilinear: (x, size) => sampled(x, size, triangle),
  corners: (x, size) => sampled(x, size, triangle, cornerToCorner),
  bicubic: (x, size) => sampled(x, size, cubic),
  nearest: nearest(0),
  centre: nearest(0.5),
  pool: pooled,
}

const MODES: readonly ops.ResizeMode[] = ['bilinear', 'corners', 'bicubic', 'nearest', 'centre', 'pool']
const SIZES: readonly ops.Size[] = [
  [8, 10],
  [2, 3],
  [11, 3],
  [3, 13],
  [1, 1],
  [4, 5],
  [7, 6],
]

const resizes = MODES.flatMap((mode) =>
  SIZES.map((size) =>
    op(
      `${mode} from 4×5 to ${size.join('×')}`,
      [[1, 2, 4, 5]],
      (x) => ops.resize(x, size, mode),
      (x) => REFERENCES[mode](x, size),
    ),
  ),
)

const single = MODES.map((mode) =>
  op(
    `${mode} of a single pixel repeats it`,
    [[1, 1, 1, 1]],
    (x) => ops.resize(x, [3, 2], mode),
    (x) => nd([1, 1, 3, 2], () => x.at(0, 0, 0, 0)),
  ),
)

function maxReference(x: NdArray, kernel: number, stride: number, padding: number): NdArray {
  const [batch, channels, rows, cols] = x.shape
  const size = [rows, cols].map((n) => Math.floor((n + 2 * padding - kernel) / stride) + 1)
  return nd([batch, channels, ...size], (b, c, i, j) => {
    let best = Number.NEGATIVE_INFINITY
    for (let p = i * stride - padding; p < i * stride - padding + kernel; p++)
      for (let q = j * stride - padding; q < j * stride - padding + kernel; q++)
        if (p >= 0 && p < rows && q >= 0 && q < cols) best = Math.max(best, x.at(b, c, p, q))
    return best
  })
}

const none = { gradient: 'none' } as const
const pools = [
  op(
    'maxPool 3×3 over the neighbours that exist',
    [between(-3, -1, [2, 1, 4, 5])],
    (x) => ops.maxPool(x, 3, { padding: 1 }),
    (x) => maxReference(x, 3, 1, 1),
    none,
  ),
  op(
    'maxPool 2×2 of stride 2',
    [[1, 2, 4, 5]],
    (x) => ops.maxPool(x, 2, { stride: 2 }),
    (x) => maxReference(x, 2, 2, 0),
    none,
  ),
  op(
    'maxPool 3×3 of stride 2, padded',
    [[1, 1, 5, 6]],
    (x) => ops.maxPool(x, 3, { stride: 2, padding: 1 }),
    (x) => maxReference(x, 3, 2, 1),
    none,
  ),
]

testOps([
  ...resizes,
  ...single,
  op(
    'bilinear by default',
    [[1, 1, 2, 2]],
    (x) => ops.resize(x, [3, 3]),
    (x) => sampled(x, [3, 3], triangle),
  ),
  op(
    'resizeTokens pools where neither side grows',
    [[1, 1, 5, 6]],
    (x) => ops.resizeTokens(x, [2, 6]),
    (x) => pooled(x, [2, 6]),
  ),
  op(
    'resizeTokens interpolates where a side grows',
    [[1, 1, 5, 3]],
    (x) => ops.resizeTokens(x, [2, 4]),
    (x) => sampled(x, [2, 4], triangle),
  ),
  op(
    'resizeTokens to the same size',
    [[1, 1, 2, 3]],
    (x) => ops.resizeTokens(x, [2, 3]),
    (x) => x,
  ),
  op(
    'a constant map stays constant, bicubic',
    [[1, 1, 1, 1]],
    (x) => ops.resize(ops.expand(x, [1, 1, 3, 5]), [7, 4], 'bicubic'),
    (x) => new NdArray([1, 1, 7, 4], new Float64Array(28).fill(x.at(0, 0, 0, 0))),
  ),
  ...pools,
])

test.each<[string, (x: Tensor, n: Tensor) => unknown, string]>([
  [
    'no map',
    (x) => ops.resize(ops.reshape(x, [12]), [2, 2]),
    'resize bilinear(reshape_0:float32[12]): needs a float map B,C,H,W',
  ],
  [
    'a map of int64',
    (_x, n) => ops.resize(n, [2, 2], 'nearest'),
    'resize nearest(n:int64[1,1,3,4]): needs a float map B,C,H,W',
  ],
  ['size 0', (x) => ops.resize(x, [0, 2], 'pool'), 'resize pool(x:float32[1,1,3,4]): 0×2 is no size'],
  ['a fractional size', (x) => ops.resize(x, [1.5, 2]), 'resize bilinear(x:float32[1,1,3,4]): 1.5×2 is no size'],
  ['tokens that are no map', (x) => ops.resizeTokens(ops.reshape(x, [12]), [1, 1]), 'needs a float map B,C,H,W'],
  [
    'a window larger than the map',
    (x) => ops.maxPool(x, 5),
    'maxPool(x:float32[1,1,3,4]): the window of 5 is larger than the padded map',
  ],
  [
    'a window of 0',
    (x) => ops.maxPool(x, 0),
    'maxPool(x:float32[1,1,3,4]): window 0 and stride 1 must be positive integers',
  ],
  [
    'padding over half the window',
    (x) => ops.maxPool(x, 3, { padding: 2 }),
    'maxPool(x:float32[1,1,3,4]): padding 2 is over half the kernel 3',
  ],
])('%s: the message names the op, its operands and their shapes', (_name, call, message) => {
  const graph = new Graph()
  expect(() => call(graph.input('x', [1, 1, 3, 4]), graph.input('n', [1, 1, 3, 4], 'int64'))).toThrow(message)
})
