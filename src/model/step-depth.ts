/**
 * From the state of a step to its depth (algorithm sections 6 and 7), for each kind of bins: windows that are cut from step to step
 * (mtbin.ts), the soft tree, which cuts none (soft-tree.ts), and no bins at all. What a step leaves to the next one, its window or its
 * scores, is kept here.
 */
import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { binFeatures, centreFeatures } from './bin-features.ts'
import { treeScores, windowScores } from './bin-scores.ts'
import { type CutWindowConfig, type DarConfig, type SoftTreeConfig, usesBins } from './config.ts'
import { Injection } from './injection.ts'
import { binCentres, depthSpread, expectedDepth, moveWindow, nextWindow, type Window, wholeRange } from './mtbin.ts'
import { lastDepth, type Reading, readScores, splitScores } from './soft-tree.ts'

/** What a step gives. */
export interface StepDepth {
  /** g_k, the state after the GRU, B,G,grid. Without bins it is h_k. */
  readonly g: Tensor
  /** D_k, B,1,grid, metres. */
  readonly depth: Tensor
  /** σ_k, B,1,grid, metres; null without bins. */
  readonly sigma: Tensor | null
  /** z_k of the soft tree, B,N_k,grid; else null. */
  readonly scores: Tensor | null
}

/** One step after the other, k from 1. h: h_k = tanh(a_k), B,G,grid. Intermediates are handed to `record`. */
export type StepReader = (h: Tensor, k: number, record: (name: string, value: Tensor) => void) => StepDepth

/** memory: B,M,mh,mw   grids: the grid of each step's bins. */
export function stepReader(graph: Graph, memory: Tensor, grids: readonly ops.Size[], config: DarConfig): StepReader {
  const fixed: ops.Size | null = config.binGrid === 'memory' ? [memory.shape[2], memory.shape[3]] : null
  const injection = new Injection(graph, config, memory, fixed)
  const { window } = config
  if (window.kind === 'soft') return treeReader(injection, window, memory, grids, config)
  return usesBins(config) ? windowReader(injection, window, memory, grids, config) : plainReader(config)
}

/** z_k = split(z_{k−1}) + Δ_k, read as depth and σ; the step before tells its depth and σ. */
function treeReader(
  injection: Injection,
  tree: SoftTreeConfig,
  memory: Tensor,
  grids: readonly ops.Size[],
  config: DarConfig,
): StepReader {
  const { graph } = memory
  let before: (Reading & { readonly scores: Tensor }) | null = null
  return (h, k, record) => {
    const grid = grids[k - 1]
    const last = before
    const told = graph.scope('bins', () => lastDepth(last, memory, grid, config))
    const fBin = binFeatures(graph, told, config)
    const g = injection.inject(h, fBin, k)
    const change = treeScores(graph, g, k, tree, config)
    const scores = last
      ? graph.scope('bins', () => ops.add(ops.resize(splitScores(last.scores), grid), change))
      : change
    const reading = readScores(scores, config)
    before = { ...reading, scores }
    record('f_bin', fBin)
    record('scores', scores)
    record('prob', reading.probabilities)
    record('sigma', reading.sigma)
    return { g, depth: reading.depth, sigma: reading.sigma, scores }
  }
}

/** p = softmax over the bins of the window, read as depth and σ, by which the next window is cut. */
function windowReader(
  injection: Injection,
  { bins }: CutWindowConfig,
  memory: Tensor,
  grids: readonly ops.Size[],
  config: DarConfig,
): StepReader {
  const { graph } = memory
  let window: Window = wholeRange(memory, grids[0], config)
  return (h, k, record) => {
    const centres = binCentres(window, bins)
    const fBin = centreFeatures(graph, centres, config)
    const g = injection.inject(h, fBin, k)
    const probabilities = ops.softmax(windowScores(graph, g, k, bins, config), 1)
    const depth = expectedDepth(probabilities, centres)
    const sigma = depthSpread(probabilities, centres, depth)
    record('window_lo', window.lo)
    record('window_hi', window.hi)
    record('centres', centres)
    record('f_bin', fBin)
    record('prob', probabilities)
    record('sigma', sigma)
    if (k < config.steps) window = moveWindow(nextWindow(window, depth, sigma, config), grids[k])
    return { g, depth, sigma, scores: null }
  }
}

/** D_k = dmax·sigmoid of one score. */
function plainReader(config: DarConfig): StepReader {
  return (g, k) => {
    const depth = ops.mul(ops.sigmoid(windowScores(g.graph, g, k, 1, config)), config.dMax)
    return { g, depth, sigma: null, scores: null }
  }
}
