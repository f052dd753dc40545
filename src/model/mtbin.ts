/**
 * Multiway tree bins (algorithm section 6; paper eq. 4–10). Bins inside a pixel's window are uniform, so the state of a pixel
 * is its window [lo, hi], B,1,h,w each, in metres:
 *
 *     w = (hi − lo)/N      c_i = lo + (i + ½)·w      D = Σ_i c_i·p_i      σ = √(Σ_i p_i (c_i − D)²)
 *
 * Windows, centres and the depth that moves a window are constants for the gradient. The tree without windows (`soft`) is in
 * soft-tree.ts.
 */

import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { assert } from '../support/errors.ts'
import type { CutWindowConfig, DarConfig } from './config.ts'

export interface Window {
  readonly lo: Tensor
  readonly hi: Tensor
}

/** The first window: [dmin, dmax] at every pixel. */
export function wholeRange(like: Tensor, grid: ops.Size, { dMin, dMax }: DarConfig): Window {
  const shape = [like.shape[0], 1, ...grid]
  return { lo: ops.full(like, shape, dMin), hi: ops.full(like, shape, dMax) }
}

export function binWidth({ lo, hi }: Window, count: number): Tensor {
  return ops.mul(ops.sub(hi, lo), 1 / count)
}

/** B,1,h,w windows → B,N,h,w centres. */
export function binCentres(window: Window, count: number): Tensor {
  const offsets = window.lo.graph.constant(
    Array.from({ length: count }, (_, i) => i + 0.5),
    [1, count, 1, 1],
  )
  return ops.add(window.lo, ops.mul(offsets, binWidth(window, count)))
}

export function expectedDepth(probabilities: Tensor, centres: Tensor): Tensor {
  return ops.sum(ops.mul(probabilities, centres), [1], { keepAxes: true })
}

/** σ, the uncertainty map. */
export function depthSpread(probabilities: Tensor, centres: Tensor, depth: Tensor): Tensor {
  return ops.sqrt(ops.sum(ops.mul(probabilities, ops.square(ops.sub(centres, depth))), [1], { keepAxes: true }))
}

/** A window on another grid, by nearest neighbour: it stays one of the windows that the tree made. */
export function moveWindow({ lo, hi }: Window, grid: ops.Size): Window {
  return { lo: ops.resize(lo, grid, 'nearest'), hi: ops.resize(hi, grid, 'nearest') }
}

/** `cut`: how windows are cut; `range`: the config, for dmin and dmax. */
type NextWindow = (window: Window, depth: Tensor, sigma: Tensor, cut: CutWindowConfig, range: DarConfig) => Window

/** The window of step k+1, on the grid of step k, from the depth and σ of step k. */
export function nextWindow(window: Window, depth: Tensor, sigma: Tensor, config: DarConfig): Window {
  const cut = config.window
  assert(cut.kind !== 'soft', 'the soft tree has no windows')
  return WINDOWS[cut.kind](window, ops.stopGradient(depth), ops.stopGradient(sigma), cut, config)
}

const WINDOWS: Readonly<Record<CutWindowConfig['kind'], NextWindow>> = {
  paper: treeWindow,
  neighbourhood: (window, depth, sigma, cut) => widen(treeWindow(window, depth, sigma, cut)),
  elastic: elasticWindow,
  fixed: ({ lo }, _depth, _sigma, _cut, range) => wholeRange(lo, [lo.shape[2], lo.shape[3]], range),
}

/**
 * The bin that d falls in and `expand` bins on each side, clipped to the window:
 * t = clamp(⌊(d − lo)/w⌋, 0, N−1);  lo' = lo + max(t − e, 0)·w;  hi' = lo + min(t + 1 + e, N)·w
 */
function treeWindow(window: Window, depth: Tensor, _sigma: Tensor, { bins, expand }: CutWindowConfig): Window {
  const width = binWidth(window, bins)
  const t = ops.clamp(ops.floor(ops.div(ops.sub(depth, window.lo), width)), 0, bins - 1)
  const edge = (index: Tensor) => ops.add(window.lo, ops.mul(index, width))
  return {
    lo: edge(ops.maximum(ops.sub(t, expand), 0)),
    hi: edge(ops.minimum(ops.add(t, 1 + expand), bins)),
  }
}

/** lo ← min, hi ← max over the 3×3 neighbours that exist: cells on a depth edge keep both sides in reach. */
function widen({ lo, hi }: Window): Window {
  const neighbours = { stride: 1, padding: 1 }
  return { lo: ops.neg(ops.maxPool(ops.neg(lo), 3, neighbours)), hi: ops.maxPool(hi, 3, neighbours) }
}

/** Half-width max(σ, 1.5·w) around d, clipped to [dmin, dmax] (after IEBins). */
function elasticWindow(
  window: Window,
  depth: Tensor,
  sigma: Tensor,
  { bins }: CutWindowConfig,
  { dMin, dMax }: DarConfig,
): Window {
  const half = ops.maximum(sigma, ops.mul(binWidth(window, bins), 1.5))
  return { lo: ops.maximum(ops.sub(depth, half), dMin), hi: ops.minimum(ops.add(depth, half), dMax) }
}
