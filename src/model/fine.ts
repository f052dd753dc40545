/**
 * The soft tree's last re-weighing, on path1's grid at a quarter of the image (algorithm section 6, `fine`). It shows
 * edges that a grid of an eighth cannot.
 *
 *     x = ReLU(GroupNorm16(conv3x3(path1)))      y = ReLU(conv3x3([x, resize(g_K)]))      z = resize(z_K) + conv3x3(y)
 *
 * With `detail`, a last convolution at the image's own size follows. It works on ln D and is bounded, so that it can
 * sharpen a depth but not replace it:
 *
 *     r = conv1x1(ReLU(conv3x3(resize(GroupNorm8(conv3x3(y))))))      D = resize(D_fine)·exp(½·tanh(0.3·r))
 *
 * With `detailGrid: 'half'` it works at half of the image's size, where it also reads t, the encoder's map at stride 2:
 *
 *     s = GroupNorm8(conv1x1(t))      r = resize(conv1x1(ReLU(conv3x3([resize(GroupNorm8(conv3x3(y))), s]))))
 */
import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { conv, groupNorm, HE, Scope, UNIT } from '../nn/index.ts'
import type { DarConfig } from './config.ts'
import { NORM_GROUPS } from './flat-config.ts'

const EPSILON = 1e-5
/** Channels at the image's own size. One costs as much there as 64 at an eighth. */
const DETAIL_WIDTH = 24
/** Channels of the encoder's map beside them. */
const HALF_WIDTH = 16
/** Largest change of ln D. */
const REACH = 0.5
/** Keeps a fresh head in the middle of the tanh. */
const GAIN = 0.3

/** path1: B,F,h,w   g: B,G,·   scores: z_K, B,N_K,·  →  z and y (F channels) on path1's grid. */
export function fineScores(graph: Graph, path1: Tensor, g: Tensor, scores: Tensor, config: DarConfig) {
  const at = new Scope(graph, 'fine')
  const { neckFeatures } = config
  const grid: ops.Size = [path1.shape[2], path1.shape[3]]
  const x = ops.relu(groupNorm(at.sub('norm'), conv(at.sub('conv'), path1, neckFeatures), 16, EPSILON))
  const state = at.run(() => ops.resize(g, grid))
  const y = ops.relu(conv(at.sub('mix'), ops.concat([x, state], 1), neckFeatures, { init: HE }))
  const z = at.run(() => ops.add(ops.resize(scores, grid), conv(at.sub('out'), y, scores.shape[1], { init: UNIT })))
  return { z, y }
}

/** depth: B,1,h,w   y: B,F,h,w  →  B,1,H,W, metres; size: the image's. */
export function sharpen(graph: Graph, depth: Tensor, y: Tensor, size: ops.Size): Tensor {
  const at = new Scope(graph, 'detail')
  const factor = factorOf(at, narrowed(at, y), size)
  return at.run(() => ops.mul(ops.resize(depth, size), factor))
}

/** `sharpen` with half: the encoder's map at stride 2, B,C,⌈H/2⌉,⌈W/2⌉. */
export function sharpenAtHalf(depth: Tensor, y: Tensor, half: Tensor, size: ops.Size): Tensor {
  const at = new Scope(depth.graph, 'detail')
  const narrow = narrowed(at, y)
  const wide = at.run(() => ops.resize(narrow, [half.shape[2], half.shape[3]]))
  const s = groupNorm(at.sub('half_norm'), conv(at.sub('half'), half, HALF_WIDTH, { kernel: 1 }), NORM_GROUPS, EPSILON)
  const inner = ops.relu(conv(at.sub('conv2'), ops.concat([wide, s], 1), DETAIL_WIDTH, { init: HE }))
  const r = conv(at.sub('conv3'), inner, 1, { kernel: 1 })
  return at.run(() => ops.mul(ops.resize(depth, size), bounded(ops.resize(r, size))))
}

/** GroupNorm8(conv3x3(y)) */
const narrowed = (at: Scope, y: Tensor): Tensor =>
  groupNorm(at.sub('norm'), conv(at.sub('conv1'), y, DETAIL_WIDTH), NORM_GROUPS, EPSILON)

/** exp(½·tanh(0.3·r)) */
const bounded = (r: Tensor): Tensor => ops.exp(ops.mul(ops.tanh(ops.mul(r, GAIN)), REACH))

/**
 * exp(½·tanh(0.3·r)), B,1,H,W, in blocks of rows where the graph has a limit: at the image's size what r is computed from are the largest
 * values of the network.
 */
function factorOf(at: Scope, narrow: Tensor, size: ops.Size): Tensor {
  const [height, width] = size
  const [batch, channels, , columns] = narrow.shape
  /** With rows of zeros above and below. */
  const factorOfRows = (wide: Tensor, above: number, below: number): Tensor => {
    const padding = [above, 1, below, 1] as const
    const inner = ops.relu(conv(at.sub('conv2'), wide, DETAIL_WIDTH, { padding, init: HE }))
    const r = conv(at.sub('conv3'), inner, 1, { kernel: 1 })
    return at.run(() => bounded(r))
  }
  const blocks = ops.blocksOf(narrow.graph, height, { values: 2 * batch * channels * width })
  if (blocks.length === 1) {
    const wide = at.run(() => ops.resize(narrow, size))
    return factorOfRows(wide, 1, 1)
  }
  const tall = at.run(() => ops.resize(narrow, [height, columns]))
  const factors = blocks.map(({ begin, end }) => {
    // The kernel reaches a row further on both sides, or past the image.
    const [from, to] = [Math.max(begin - 1, 0), Math.min(end + 1, height)]
    const wide = at.run(() => ops.resize(ops.slice(tall, 2, from, to), [to - from, width]))
    return factorOfRows(wide, from - (begin - 1), end + 1 - to)
  })
  return at.run(() => ops.concat(factors, 2))
}
