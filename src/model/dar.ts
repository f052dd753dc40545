/**
 * DAR, from a normalised image to K depth maps (algorithm sections 2 to 7), in the order of the paper. Also the other
 * heads on the same encoder and neck (section 12).
 *
 * Unusual: the model is autoregressive in two orders at once. Token maps r_1 … r_K grow from coarse to fine (the
 * transformer), and each pixel's depth range is divided again at every step (the bins).
 */

import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { type DropPath, toMap, toTokens } from '../nn/index.ts'
import { type DarConfig, usesTokens } from './config.ts'
import { Decoder } from './decoder.ts'
import { encode } from './encoder.ts'
import { fineScores, sharpen, sharpenAtHalf } from './fine.ts'
import { dornHead, dptHead, type HeadOutput, ord2seqHead } from './heads/index.ts'
import { hiddenInput, tokenMap } from './hidden.ts'
import type { Trace } from './intermediates.ts'
import { fuse, remember } from './neck.ts'
import { readScores } from './soft-tree.ts'
import { type StepDepth, stepReader } from './step-depth.ts'
import { positionTensor, stepSizes } from './steps.ts'
import { convexUpsample, convexWeights } from './upsample.ts'

/** The results of a model. */
export interface DarOutput {
  /** D_1 … D_K, B,1,grid each, metres; of a head without steps its one map. */
  readonly stepMaps: readonly Tensor[]
  /** σ_1 … σ_K, metres, the last that of `nativeMap`; empty for a head without bins. */
  readonly sigmas: readonly Tensor[]
  /** The last depth map at its native size: D_K, a convex map, that of `fine`, or that of a head without steps. */
  readonly nativeMap: Tensor
  /** a_1 … a_K, B,G,grid. h_k = tanh(a_k) is the initial state of the GRU at step k. Empty for a head without steps. */
  readonly hidden: readonly Tensor[]
  /** `nativeMap` resized to the image, B,1,H,W. */
  readonly imageMap: Tensor
  /** Every named intermediate. */
  readonly trace: Trace
  /** The loss of a head that is not scored by its depth maps; see `stepLosses`. */
  readonly ownLosses: HeadOutput['ownLosses']
}

/** image: B,3,H,W, normalised for the config's encoder (`normaliseImage`). `drop` is for training. */
export function buildDar(
  image: Tensor,
  config: DarConfig,
  { drop = null }: { readonly drop?: DropPath | null } = {},
): DarOutput {
  const trace: Trace = new Map()
  const taps = encode(image.graph, image, config, trace, drop)
  return buildOnTaps(taps, [image.shape[2], image.shape[3]], config, trace)
}

/** What stands on the encoder. taps: its maps (`encode`)   size: H,W of the image. */
export function buildOnTaps(
  taps: readonly Tensor[],
  size: ops.Size,
  config: DarConfig,
  trace: Trace = new Map(),
): DarOutput {
  const [{ graph }] = taps
  const paths = fuse(graph, taps, config, trace)
  const { head } = config
  if (head.kind === 'dpt') return baseline(dptHead(paths[0], size, head, config), trace)
  const memory = remember(graph, paths, size, config, trace)
  if (head.kind === 'dorn') return baseline(dornHead(memory, size, head, config, trace), trace)
  if (head.kind === 'ord2seq') return baseline(ord2seqHead(memory, size, config, trace), trace)
  const { results, hidden } = runSteps(graph, memory, config, trace)
  const last = results[results.length - 1]
  const { nativeMap, sigma } = finish(graph, last, { path1: paths[0], half: taps.at(4) ?? null, size }, config, trace)
  const imageMap = graph.scope('upsample', () => ops.resize(nativeMap, size))
  trace.set('output', nativeMap)
  trace.set('depth_full', imageMap)
  const stepMaps = results.map(({ depth }) => depth)
  const ofSteps = results.flatMap((result) => result.sigma ?? [])
  const sigmas = sigma ? [...ofSteps.slice(0, -1), sigma] : ofSteps
  return { stepMaps, sigmas, hidden, nativeMap, imageMap, trace, ownLosses: null }
}

/** From the last step to the last map at its native size, and σ of that map where it is not the last step's. */
function finish(
  graph: Graph,
  { depth: last, g, scores }: StepDepth,
  { path1, half, size }: { readonly path1: Tensor; readonly half: Tensor | null; readonly size: ops.Size },
  config: DarConfig,
  trace: Trace,
): { nativeMap: Tensor; sigma: Tensor | null } {
  const { window, upsample } = config
  const enlarged = (depth: Tensor, x: Tensor, factor: number) =>
    upsample === 'convex' ? convexUpsample(depth, convexWeights(graph, x, { factor }), { factor }) : depth
  if (window.kind !== 'soft' || !window.fine || !scores) return { nativeMap: enlarged(last, g, 8), sigma: null }
  const { z, y } = fineScores(graph, path1, g, scores, config)
  trace.set('fine.scores', z)
  const { depth, sigma } = graph.scope('fine', () => readScores(z, config))
  if (!window.detail) return { nativeMap: enlarged(depth, y, 4), sigma }
  return { nativeMap: half ? sharpenAtHalf(depth, y, half, size) : sharpen(graph, depth, y, size), sigma }
}

/** A head without steps: one map, at the image's size. */
function baseline({ depth, ownLosses }: HeadOutput, trace: Trace): DarOutput {
  trace.set('depth_full', depth)
  return { stepMaps: [depth], sigmas: [], hidden: [], nativeMap: depth, imageMap: depth, trace, ownLosses }
}

/** The grid of each step's bins. */
function gridsOf(memory: ops.Size, sizes: readonly ops.Size[], { binGrid, steps }: DarConfig): readonly ops.Size[] {
  if (binGrid === 'memory') return sizes.map(() => memory)
  return binGrid === 'step' ? sizes : stepSizes(memory, steps)
}

interface Steps {
  /** What each of them gave, from 1 to K. */
  readonly results: readonly StepDepth[]
  /** a_1 … a_K. */
  readonly hidden: readonly Tensor[]
}

/** The K steps. */
function runSteps(graph: Graph, memory: Tensor, config: DarConfig, trace: Trace): Steps {
  const [batch, width, rows, cols] = memory.shape
  const grid: ops.Size = [rows, cols]
  const sizes = config.sizes ?? stepSizes(grid, config.steps, config.finest)
  const grids = gridsOf(grid, sizes, config)
  const withPosition = config.position
    ? ops.add(toTokens(memory), positionTensor(graph, grid, width))
    : toTokens(memory)
  const decoder = usesTokens(config) ? new Decoder(graph, config, withPosition) : null
  const read = stepReader(graph, memory, grids, config)
  const results: StepDepth[] = []
  const hidden: Tensor[] = []
  let fedBack: Tensor | null = null

  for (let k = 1; k <= config.steps; k++) {
    using _step = graph.section(`step${k}`)
    const record = (name: string, value: Tensor) => trace.set(`step${k}.${name}`, value)
    let yOut = memory // `bins`: no transformer
    if (decoder) {
      const tokens = decoder.input(k, sizes[k - 1], batch, fedBack, config.tokenContext ? memory : null)
      const y = decoder.output(tokens)
      record('tokens_in', tokens)
      record('y_out', y)
      yOut = toMap(y, sizes[k - 1])
    }
    const a = hiddenInput(graph, yOut, k, grids[k - 1], config)
    hidden.push(a)
    const result = read(ops.tanh(a), k, record)
    results.push(result)
    record('depth', result.depth)
    record('gru', result.g)
    if (decoder) {
      if (config.feedback === 'y-out') fedBack = yOut
      else if (config.steps > 1) {
        fedBack = tokenMap(graph, result.g, config)
        record('token_map', fedBack)
      }
    }
  }
  return { results, hidden }
}
