import { expect, test } from 'vitest'
import { type NdArray, nd, type OpCase, op, sigma, testOps } from '../../../test/op-harness.ts'
import { Graph, type Tensor } from '../tensor.ts'
import * as ops from './index.ts'

interface Geometry {
  readonly name: string
  readonly channels: number
  readonly outputs: number
  readonly kernel: readonly [number, number]
  readonly size: readonly [number, number]
  readonly batch?: number
  readonly stride?: number
  readonly padding?: ops.Padding
  readonly groups?: number
  readonly bias?: boolean
}

const GEOMETRIES: readonly Geometry[] = [
  { name: '3×3', channels: 2, outputs: 3, kernel: [3, 3], size: [4, 5] },
  {
    name: '3×3, padded, with a bias, batch 2',
    batch: 2,
    channels: 2,
    outputs: 2,
    kernel: [3, 3],
    size: [3, 4],
    padding: [1, 1, 1, 1],
    bias: true,
  },
  { name: '1×1 with a bias', channels: 3, outputs: 4, kernel: [1, 1], size: [3, 2], bias: true },
  { name: '1×1 of stride 2', channels: 2, outputs: 2, kernel: [1, 1], size: [5, 4], stride: 2 },
  { name: '1×5 row', channels: 2, outputs: 2, kernel: [1, 5], size: [3, 4], padding: [0, 2, 0, 2], bias: true },
  { name: '5×1 column', channels: 2, outputs: 2, kernel: [5, 1], size: [4, 3], padding: [2, 0, 2, 0] },
  {
    name: '3×3 of stride 2, odd size',
    channels: 2,
    outputs: 2,
    kernel: [3, 3],
    size: [5, 7],
    stride: 2,
    padding: [1, 1, 1, 1],
    bias: true,
  },
  {
    name: '3×3 of stride 2 that leaves a row and a column unread',
    channels: 1,
    outputs: 2,
    kernel: [3, 3],
    size: [6, 8],
    stride: 2,
  },
  {
    name: '3×3 of stride 2, TensorFlow padding of even sizes',
    channels: 2,
    outputs: 2,
    kernel: [3, 3],
    size: [4, 6],
    stride: 2,
    padding: [0, 0, 1, 1],
  },
  { name: '2×3, asymmetric padding', channels: 1, outputs: 2, kernel: [2, 3], size: [3, 3], padding: [2, 0, 1, 3] },
  {
    name: '3×2, asymmetric padding within the kernel’s reach',
    channels: 2,
    outputs: 2,
    kernel: [3, 2],
    size: [3, 4],
    padding: [2, 0, 1, 1],
  },
  {
    name: '4×4 patches, kernel = stride',
    channels: 2,
    outputs: 2,
    kernel: [4, 4],
    size: [4, 8],
    stride: 4,
    bias: true,
  },
  { name: '2×2 of stride 3: gaps between windows', channels: 1, outputs: 2, kernel: [2, 2], size: [7, 8], stride: 3 },
  {
    name: '3×3 in two groups',
    channels: 4,
    outputs: 6,
    kernel: [3, 3],
    size: [3, 3],
    padding: [1, 1, 1, 1],
    groups: 2,
    bias: true,
  },
  {
    name: '2×2 in two groups of stride 2',
    channels: 4,
    outputs: 2,
    kernel: [2, 2],
    size: [4, 5],
    stride: 2,
    padding: [0, 1, 0, 0],
    groups: 2,
  },
  {
    name: '3×3 depthwise',
    channels: 3,
    outputs: 3,
    kernel: [3, 3],
    size: [4, 4],
    padding: [1, 1, 1, 1],
    groups: 3,
    bias: true,
  },
  {
    name: '3×3 depthwise of stride 2, asymmetric, batch 2',
    batch: 2,
    channels: 2,
    outputs: 2,
    kernel: [3, 3],
    size: [4, 6],
    stride: 2,
    padding: [0, 0, 1, 1],
    groups: 2,
  },
  {
    name: 'depthwise with two outputs a channel',
    channels: 2,
    outputs: 4,
    kernel: [3, 3],
    size: [3, 4],
    padding: [1, 1, 1, 1],
    groups: 2,
  },
  { name: '1×1 depthwise', channels: 3, outputs: 3, kernel: [1, 1], size: [2, 3], groups: 3 },
  { name: 'one channel in one group', channels: 1, outputs: 1, kernel: [3, 3], size: [4, 4], padding: [1, 1, 1, 1] },
  {
    name: '1×1 with more padding than the kernel reaches',
    channels: 2,
    outputs: 2,
    kernel: [1, 1],
    size: [2, 3],
    padding: [1, 0, 2, 1],
  },
]

interface Sizes {
  readonly x: number[]
  readonly w: number[]
  readonly y: number[]
}

function sizes({
  batch = 1,
  channels,
  outputs,
  kernel,
  size,
  stride = 1,
  padding = [0, 0, 0, 0],
  groups = 1,
}: Geometry): Sizes {
  const rows = Math.floor((size[0] + padding[0] + padding[2] - kernel[0]) / stride) + 1
  const cols = Math.floor((size[1] + padding[1] + padding[3] - kernel[1]) / stride) + 1
  return { x: [batch, channels, ...size], w: [outputs, channels / groups, ...kernel], y: [batch, outputs, rows, cols] }
}

/** visit(b, o, p, q, i, k, l, row, column): every product of a convolution, b of x and y; o, i, k, l of w. */
function everyProduct(
  g: Geometry,
  visit: (
    b: number,
    o: number,
    p: number,
    q: number,
    i: number,
    k: number,
    l: number,
    channel: number,
    row: number,
    col: number,
  ) => void,
): void {
  const { x, w, y } = sizes(g)
  const { stride = 1, padding = [0, 0, 0, 0], groups = 1, outputs } = g
  nd([...y, ...w.slice(1)], (b, o, p, q, i, k, l) => {
    const channel = Math.floor(o / (outputs / groups)) * w[1] + i
    const [row, col] = [p * stride + k - padding[0], q * stride + l - padding[1]]
    if (row >= 0 && row < x[2] && col >= 0 && col < x[3]) visit(b, o, p, q, i, k, l, channel, row, col)
    return 0
  })
}

/** Adds to the entry of a growing array. */
function adder(shape: readonly number[]) {
  const result = nd(shape, () => 0)
  const add = (index: readonly number[], value: number) => {
    result.data[index.reduce((offset, n, axis) => offset * shape[axis] + n, 0)] += value
  }
  return { result, add }
}

function convReference(g: Geometry, x: NdArray, w: NdArray, bias?: NdArray): NdArray {
  const { result, add } = adder(sizes(g).y)
  everyProduct(g, (b, o, p, q, i, k, l, channel, row, col) =>
    add([b, o, p, q], w.at(o, i, k, l) * x.at(b, channel, row, col)),
  )
  return nd(result.shape, (b, o, p, q) => result.at(b, o, p, q) + (bias ? bias.at(o) : 0))
}

function transposeReference(g: Geometry, dy: NdArray, w: NdArray, bias?: NdArray): NdArray {
  const { result, add } = adder(sizes(g).x)
  everyProduct(g, (b, o, p, q, i, k, l, channel, row, col) =>
    add([b, channel, row, col], w.at(o, i, k, l) * dy.at(b, o, p, q)),
  )
  return nd(result.shape, (b, c, i, j) => result.at(b, c, i, j) + (bias ? bias.at(c) : 0))
}

function weightReference(g: Geometry, x: NdArray, dy: NdArray): NdArray {
  const { result, add } = adder(sizes(g).w)
  everyProduct(g, (b, o, p, q, i, k, l, channel, row, col) =>
    add([o, i, k, l], dy.at(b, o, p, q) * x.at(b, channel, row, col)),
  )
  return result
}

const options = ({ stride, padding, groups }: Geometry) => ({ stride, padding, groups })

/** The three members of the family on one geometry. */
const family = GEOMETRIES.flatMap((g): OpCase[] => {
  const { x, w, y } = sizes(g)
  const size = g.size
  return [
    op(
      `conv ${g.name}`,
      g.bias ? [x, w, [g.outputs]] : [x, w],
      (a, b, c) => ops.conv(a, b, c, options(g)),
      (a, b, c) => convReference(g, a, b, c),
    ),
    op(
      `convTranspose ${g.name}`,
      g.bias ? [y, w, [g.channels]] : [y, w],
      (a, b, c) => ops.convTranspose(a, b, c, { ...options(g), size }),
      (a, b, c) => transposeReference(g, a, b, c),
    ),
    op(
      `convWeight ${g.name}`,
      [x, y],
      (a, b) => ops.convWeight(a, b, g.kernel, options(g)),
      (a, b) => weightReference(g, a, b),
    ),
  ]
})

/** PyTorch's ConvTranspose2d: every input pixel stamps the kernel, scaled, at stride times its place. */
function stamped(dy: NdArray, w: NdArray, stride: number): NdArray {
  const [batch, , rows, cols] = dy.shape
  const [inputs, outputs, kh, kw] = w.shape
  return nd([batch, outputs, (rows - 1) * stride + kh, (cols - 1) * stride + kw], (b, o, i, j) =>
    sigma([inputs, rows, cols], (c, p, q) => {
      const [k, l] = [i - p * stride, j - q * stride]
      return k >= 0 && k < kh && l >= 0 && l < kw ? dy.at(b, c, p, q) * w.at(c, o, k, l) : 0
    }),
  )
}

const layers = [
  op(
    'convTranspose as a layer, kernel = stride',
    [
      [1, 2, 2, 3],
      [2, 3, 2, 2],
    ],
    (a, b) => ops.convTranspose(a, b, undefined, { stride: 2 }),
    (a, b) => stamped(a, b, 2),
  ),
  op(
    'convTranspose as a layer, kernel = stride = 4',
    [
      [1, 2, 2, 2],
      [2, 1, 4, 4],
    ],
    (a, b) => ops.convTranspose(a, b, undefined, { stride: 4 }),
    (a, b) => stamped(a, b, 4),
  ),
  op(
    'convTranspose as a layer, overlapping',
    [
      [1, 2, 2, 3],
      [2, 1, 3, 3],
    ],
    (a, b) => ops.convTranspose(a, b, undefined, { stride: 2 }),
    (a, b) => stamped(a, b, 2),
  ),
  op(
    'convTranspose as a layer of stride 1',
    [
      [1, 2, 3, 2],
      [2, 2, 3, 2],
    ],
    (a, b) => ops.convTranspose(a, b),
    (a, b) => stamped(a, b, 1),
  ),
]

testOps([...family, ...layers])

test.each<[string, (x: Tensor, w: Tensor, b: Tensor) => unknown, string]>([
  [
    'other channels',
    (x, w) => ops.conv(w, x),
    'conv(w:float32[4,2,3,3], x:float32[1,2,5,6]): the kernel is larger than the padded image',
  ],
  [
    'channels that do not fit the groups',
    (x, w) => ops.conv(x, w, undefined, { groups: 2 }),
    'conv(x:float32[1,2,5,6], w:float32[4,2,3,3]): 2 channels do not fit the weight with 2 groups',
  ],
  [
    'a bias of another length',
    (x, w, b) => ops.conv(x, w, b),
    'b:float32[3]): the bias needs one value per output channel',
  ],
  [
    'a kernel over the edge',
    (x, w) => ops.conv(ops.slice(x, 2, 0, 2), w),
    'the kernel is larger than the padded image',
  ],
  [
    'a fractional stride',
    (x, w) => ops.conv(x, w, undefined, { stride: 1.5 }),
    'stride 1.5 and groups 1 must be positive integers',
  ],
  [
    'negative padding',
    (x, w) => ops.conv(x, w, undefined, { padding: [0, -1, 0, 0] }),
    'padding [0,-1,0,0] must not be negative',
  ],
  [
    'a map of three axes',
    (x, w) => ops.conv(ops.reshape(x, [2, 5, 6]), w),
    'needs maps B,C,H,W and weights of four axes',
  ],
  ['two dtypes', (x, w) => ops.conv(x, ops.cast(w, 'float64')), 'needs equal float dtypes'],
  [
    'a transpose of other channels',
    (x, w) => ops.convTranspose(x, w),
    'convTranspose(x:float32[1,2,5,6], w:float32[4,2,3,3]): 2 channels do not fit the weight',
  ],
  [
    'a transpose to a size that no convolution gives',
    (x, w) => ops.convTranspose(x, ops.slice(w, 0, 0, 2), undefined, { stride: 2, size: [20, 20] }),
    'no 20×20 map has this image',
  ],
  [
    'a transpose with a bias of another length',
    (x, w, b) => ops.convTranspose(x, ops.slice(w, 0, 0, 2), b),
    'the bias needs one value per output channel',
  ],
  [
    'a weight gradient of two batches',
    (x, w) => ops.convWeight(x, w, [3, 3]),
    'convWeight(x:float32[1,2,5,6], w:float32[4,2,3,3]): batches differ',
  ],
  [
    'a weight gradient of maps that do not belong together',
    (x) => ops.convWeight(x, x, [3, 3]),
    'convWeight(x:float32[1,2,5,6], x:float32[1,2,5,6]): a 3×3 kernel makes 3×4 of the first',
  ],
  [
    'a weight gradient in groups that do not divide',
    (x) => ops.convWeight(x, x, [1, 1], { groups: 3 }),
    '2 and 2 channels do not divide into 3 groups',
  ],
])('%s: the message names the op, its operands and their shapes', (_name, call, message) => {
  const graph = new Graph()
  const run = () => call(graph.input('x', [1, 2, 5, 6]), graph.input('w', [4, 2, 3, 3]), graph.input('b', [3]))
  expect(run).toThrow(message)
})
