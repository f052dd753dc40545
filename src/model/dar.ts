/**
 * DAR, from a normalised image to K depth maps (algorithm sections 2 to 7), in the order of the paper. Also the other
 * heads on the same encoder and neck (section 12).
 *
 * Unusual: the model is autoregressive in two orders at once. Token maps r_1 … r_K grow from coarse to fine (the
 * transformer), and each pixel's depth range is divided again at every step (the bins).
 */

import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { toMap, toTokens } from '../nn/index.ts'
import { type DarConfig, isSoft, usesBins, usesTokens } from './config.ts'
import { Decoder } from './decoder.ts'
import { encode } from './encoder.ts'
import { fineScores, sharpen } from './fine.ts'
import { dornHead, dptHead, type HeadOutput, ord2seqHead } from './heads/index.ts'
import { Injection } from './injection.ts'
import { binCentres, depthSpread, expectedDepth, moveWindow, nextWindow, type Window, wholeRange } from './mtbin.ts'
import { fuse, remember } from './neck.ts'
import { lastDepth, type Reading, readScores, splitScores } from './soft-tree.ts'
import { positionTensor, stepSizes } from './steps.ts'
import type { Trace } from './trace.ts'
import { convexUpsample, convexWeights } from './upsample.ts'

/** The results of a model. */
export interface DarOutput {
  /** D_1 … D_K, B,1,grid each, metres; of a head without steps its one map. */
  readonly depths: readonly Tensor[]
  /** σ_1 … σ_K, metres, the last that of `output`; empty for a head without bins. */
  readonly sigmas: readonly Tensor[]
  /** The last depth map at its native size: D_K, the convex ×8 map, that of `fine`, or that of a head without steps. */
  readonly output: Tensor
  /** a_1 … a_K, B,G,grid; h_k = tanh(a_k) is the transformer's output for step k. Empty for a head without steps. */
  readonly hidden: readonly Tensor[]
  /** `output` at the image's size, B,1,H,W. */
  readonly depth: Tensor
  /** Every named intermediate. */
  readonly trace: Trace
  /** The loss of a head that is not scored by its depth maps; see `stepLosses`. */
  readonly ownLosses: HeadOutput['ownLosses']
}

/** image: B,3,H,W, normalised for the config's encoder (`normaliseImage`). */
export function buildDar(image: Tensor, config: DarConfig): DarOutput {
  const { graph } = image
  const trace: Trace = new Map()
  const size: ops.Size = [image.shape[2], image.shape[3]]
  const paths = fuse(graph, encode(graph, image, config, trace), config, trace)
  if (config.head === 'dpt') return baseline(dptHead(paths[0], size, config), trace)
  const memory = remember(graph, paths, size, config, trace)
  if (config.head === 'dorn') return baseline(dornHead(memory, size, config, trace), trace)
  if (config.head === 'ord2seq') return baseline(ord2seqHead(memory, size, config, trace), trace)
  const steps = runSteps(graph, memory, config, trace)
  const { output, sigma } = finish(graph, steps, paths[0], size, config, trace)
  const depth = graph.scope('upsample', () => ops.resize(output, size))
  trace.set('output', output)
  trace.set('depth_full', depth)
  const { depths, hidden } = steps
  const sigmas = sigma ? [...steps.sigmas.slice(0, -1), sigma] : steps.sigmas
  return { depths, sigmas, hidden, output, depth, trace, ownLosses: null }
}

/** From the last step to the output at its native size, and σ of that output where it is not the last step's. */
function finish(
  graph: Graph,
  { depths, g, scores }: Steps,
  path1: Tensor,
  size: ops.Size,
  config: DarConfig,
  trace: Trace,
): { output: Tensor; sigma: Tensor | null } {
  const last = depths[depths.length - 1]
  if (config.upsample === 'convex') return { output: convexUpsample(last, convexWeights(graph, g)), sigma: null }
  if (!config.fine || !scores) return { output: last, sigma: null }
  const { z, y } = fineScores(graph, path1, g, scores, config)
  trace.set('fine.scores', z)
  const { depth, sigma } = graph.scope('fine', () => readScores(z, config))
  return { output: config.detail ? sharpen(graph, depth, y, size) : depth, sigma }
}

/** A head without steps: one map, at the image's size. */
function baseline({ depth, ownLosses }: HeadOutput, trace: Trace): DarOutput {
  trace.set('depth_full', depth)
  return { depths: [depth], sigmas: [], hidden: [], output: depth, depth, trace, ownLosses }
}

/** The grid of each step's bins. */
function gridsOf(memory: ops.Size, sizes: readonly ops.Size[], { binGrid, steps }: DarConfig): readonly ops.Size[] {
  if (binGrid === 'memory') return sizes.map(() => memory)
  return binGrid === 'step' ? sizes : stepSizes(memory, steps)
}

interface Steps {
  readonly depths: readonly Tensor[]
  readonly sigmas: readonly Tensor[]
  readonly hidden: readonly Tensor[]
  /** The last hidden state, B,G,grid. */
  readonly g: Tensor
  /** z_K of the soft tree, B,N_K,grid; else null. */
  readonly scores: Tensor | null
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
  const injection = new Injection(graph, config, memory, config.binGrid === 'memory' ? grid : null)
  const depths: Tensor[] = []
  const sigmas: Tensor[] = []
  const hidden: Tensor[] = []
  let window: Window = wholeRange(memory, grids[0], config)
  let scores: Tensor | null = null
  let last: Reading | null = null
  let fedBack: Tensor | null = null
  let g = memory

  for (let k = 1; k <= config.steps; k++) {
    using _step = graph.section(`step${k}`)
    const record = (name: string, value: Tensor) => trace.set(`step${k}.${name}`, value)
    const here = grids[k - 1]
    let yOut = memory // `bins`: no transformer
    if (decoder) {
      const tokens = decoder.input(k, sizes[k - 1], batch, fedBack)
      const y = decoder.output(tokens)
      record('tokens_in', tokens)
      record('y_out', y)
      yOut = toMap(y, sizes[k - 1])
    }
    const a = injection.beforeHidden(yOut, k, here)
    hidden.push(a)
    g = ops.tanh(a)
    if (isSoft(config)) {
      const before: Reading | null = last
      const fBin = injection.encode(graph.scope('bins', () => lastDepth(before, memory, here, config)))
      g = injection.inject(g, fBin, k)
      const change = injection.reweigh(g, k)
      const parents: Tensor | null = scores
      scores = parents ? graph.scope('bins', () => ops.add(ops.resize(splitScores(parents), here), change)) : change
      last = readScores(scores, config)
      record('f_bin', fBin)
      record('scores', scores)
      record('prob', last.probabilities)
      record('sigma', last.sigma)
      depths.push(last.depth)
      sigmas.push(last.sigma)
    } else if (usesBins(config)) {
      const centres = binCentres(window, config.bins)
      const fBin = injection.encodeCentres(centres)
      g = injection.inject(g, fBin, k)
      const probabilities = ops.softmax(injection.logits(g, k), 1)
      const depth = expectedDepth(probabilities, centres)
      const sigma = depthSpread(probabilities, centres, depth)
      record('window_lo', window.lo)
      record('window_hi', window.hi)
      record('centres', centres)
      record('f_bin', fBin)
      record('prob', probabilities)
      record('sigma', sigma)
      depths.push(depth)
      sigmas.push(sigma)
      if (k < config.steps) window = moveWindow(nextWindow(window, depth, sigma, config), grids[k])
    } else {
      depths.push(ops.mul(ops.sigmoid(injection.logits(g, k)), config.dMax))
    }
    record('depth', depths[k - 1])
    record('gru', g)
    if (decoder) {
      if (config.feedback === 'y-out') fedBack = yOut
      else if (config.steps > 1) {
        fedBack = injection.token(g)
        record('token_map', fedBack)
      }
    }
  }
  return { depths, sigmas, hidden, g, scores }
}
