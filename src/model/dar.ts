/**
 * DAR, from a normalised image to K depth maps (spec sections 2 to 7), read top to bottom like the paper; or another head on
 * the same encoder and neck (section 12).
 *
 * What is unusual: two orders are autoregressive at once. Token maps r_1 … r_K grow from coarse to fine (the transformer), and
 * each pixel's depth range is divided anew at every step (the bins), all on one working grid.
 */

import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { toMap, toTokens } from '../nn/index.ts'
import { type DarConfig, usesBins, usesTokens } from './config.ts'
import { Decoder } from './decoder.ts'
import { encode } from './encoder.ts'
import { dornHead, dptHead, type HeadOutput, ord2seqHead } from './heads/index.ts'
import { Injection } from './injection.ts'
import { binCentres, depthSpread, expectedDepth, moveWindow, nextWindow, type Window, wholeRange } from './mtbin.ts'
import { fuse, remember } from './neck.ts'
import { positionTensor, stepSizes } from './steps.ts'
import type { Trace } from './trace.ts'
import { convexUpsample, convexWeights } from './upsample.ts'

export interface DarOutput {
  /** D_1 … D_K, B,1,grid each, metres; of a head without steps its one map. */
  readonly depths: readonly Tensor[]
  /** σ_1 … σ_K, metres; empty for a head without bins. */
  readonly sigmas: readonly Tensor[]
  /** The last depth map at its native size: D_K, the convex ×8 map, or that of a head without steps. */
  readonly output: Tensor
  /** a_1 … a_K, B,G,grid, where h_k = tanh(a_k) is what the transformer says of a step; empty for a head without steps. */
  readonly hidden: readonly Tensor[]
  /** `output` at the image's size, B,1,H,W. */
  readonly depth: Tensor
  /** Every named intermediate of the specification. */
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
  const output =
    config.upsample === 'convex'
      ? convexUpsample(steps.depths[steps.depths.length - 1], convexWeights(graph, steps.g))
      : steps.depths[steps.depths.length - 1]
  const depth = graph.scope('upsample', () => ops.resize(output, size))
  trace.set('output', output)
  trace.set('depth_full', depth)
  const { depths, sigmas, hidden } = steps
  return { depths, sigmas, hidden, output, depth, trace, ownLosses: null }
}

/** A head without steps: one map, at the image's size. */
function baseline({ depth, ownLosses }: HeadOutput, trace: Trace): DarOutput {
  trace.set('depth_full', depth)
  return { depths: [depth], sigmas: [], hidden: [], output: depth, depth, trace, ownLosses }
}

/** The K steps; g is the last hidden state, B,G,grid. */
function runSteps(graph: Graph, memory: Tensor, config: DarConfig, trace: Trace) {
  const [batch, width, rows, cols] = memory.shape
  const grid: ops.Size = [rows, cols]
  const sizes = config.sizes ?? stepSizes(grid, config.steps)
  const grids = config.binGrid === 'step' ? sizes : sizes.map(() => grid)
  const withPosition = config.position
    ? ops.add(toTokens(memory), positionTensor(graph, grid, width))
    : toTokens(memory)
  const decoder = usesTokens(config) ? new Decoder(graph, config, withPosition) : null
  const injection = new Injection(graph, config, memory, config.binGrid === 'step' ? null : grid)
  const depths: Tensor[] = []
  const sigmas: Tensor[] = []
  const hidden: Tensor[] = []
  let window: Window = wholeRange(memory, grids[0], config)
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
    if (usesBins(config)) {
      const centres = binCentres(window, config.bins)
      const fBin = injection.encodeCentres(centres)
      g = injection.inject(g, fBin, sizes[k - 1])
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
  return { depths, sigmas, hidden, g }
}
