/** Four taps → four fused maps → memory on the 1/8 grid (algorithm section 3; DPT, Ranftl et al. 2021). */

import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { conv, convTranspose, groupNorm, HE, Scope, UNIT } from '../nn/index.ts'
import type { DarConfig } from './config.ts'
import type { Trace } from './intermediates.ts'

/** Maps that are fused. An encoder may hand over more, for what comes after the neck. */
const LEVELS = 4

const sizeOfMap = (x: Tensor): ops.Size => [x.shape[2], x.shape[3]]

/** (round(H/8), round(W/8)), halves up. */
export function memoryGrid([height, width]: ops.Size): ops.Size {
  return [Math.floor((height + 4) / 8), Math.floor((width + 4) / 8)]
}

/** Taps → path1..path4, finest first: path_i = out(resize(unit2(path_{i+1} + unit1(level_i)))), top-down. */
export function fuse(graph: Graph, taps: readonly Tensor[], config: DarConfig, trace: Trace): Tensor[] {
  const at = new Scope(graph, 'neck')
  const { encoder, head } = config
  const pyramid = encoder.kind === 'vit' ? reassemble(at, taps, encoder.neckChannels) : taps.slice(0, LEVELS)
  const levels = pyramid.map((tap, i) => conv(at.sub('reduce').sub(i), tap, config.neckFeatures, { bias: false }))
  const corners = head.kind === 'dpt' && head.resize === 'corners'
  const mode = corners ? 'corners' : 'bilinear'
  const [rows, cols] = sizeOfMap(levels[0])
  const fused = (name: string, skip: Tensor, coarse: Tensor | null, size: ops.Size) =>
    graph.checkpoint(() => refine(at.sub(name), skip, coarse, { size, mode, units: config.neckUnits }))
  const path4 = fused('refine4', levels[3], null, sizeOfMap(levels[2]))
  const path3 = fused('refine3', levels[2], path4, sizeOfMap(levels[1]))
  const path2 = fused('refine2', levels[1], path3, [rows, cols])
  // Keeps its own size; in Depth Anything the last fusion doubles it.
  const path1 = fused('refine1', levels[0], path2, corners ? [2 * rows, 2 * cols] : [rows, cols])
  const paths = [path1, path2, path3, path4]
  for (let i = 0; i < 4; i++) {
    trace.set(`neck.level${i + 1}`, levels[i])
    trace.set(`neck.path${i + 1}`, paths[i])
  }
  return paths
}

/** DPT reassemble: 1×1 projection, then ×4, ×2, as is, ×½: patch-grid taps become a pyramid. */
function reassemble(at: Scope, taps: readonly Tensor[], channels: readonly number[]): Tensor[] {
  const projected = taps.map((tap, i) => conv(at.sub('projects').sub(i), tap, channels[i], { kernel: 1 }))
  const resize = at.sub('resize')
  return [
    convTranspose(resize.sub(0), projected[0], channels[0], 4),
    convTranspose(resize.sub(1), projected[1], channels[1], 2),
    projected[2],
    conv(resize.sub(3), projected[3], channels[3], { stride: 2 }),
  ]
}

/** x + conv(ReLU(conv(ReLU(x)))) */
function residualUnit(at: Scope, x: Tensor): Tensor {
  const inner = conv(at.sub('conv1'), ops.relu(x), x.shape[1], { init: HE })
  return ops.add(x, conv(at.sub('conv2'), ops.relu(inner), x.shape[1], { init: UNIT }))
}

interface Fusion {
  readonly size: ops.Size
  readonly mode: ops.ResizeMode
  /** 1: without unit1. */
  readonly units: 1 | 2
}

/** out(resize(unit2(coarse + unit1(skip)))); the top level has only a skip and no unit1. */
function refine(at: Scope, skip: Tensor, coarse: Tensor | null, { size, mode, units }: Fusion): Tensor {
  const joining = coarse && units === 2 ? residualUnit(at.sub('unit1'), skip) : skip
  const x = coarse ? ops.add(coarse, joining) : skip
  const unit = residualUnit(at.sub('unit2'), x)
  const fine = at.run(() => ops.resize(unit, size, mode))
  return conv(at.sub('out'), fine, skip.shape[1], { kernel: 1 })
}

/** concat(path1..path4) on the memory grid: 4F → 1×1 → M → GroupNorm(16) → ReLU. Result B,M,mh,mw. */
export function remember(
  graph: Graph,
  paths: readonly Tensor[],
  imageSize: ops.Size,
  config: DarConfig,
  trace: Trace,
): Tensor {
  const at = new Scope(graph, 'neck.memory')
  const grid = memoryGrid(imageSize)
  const x = ops.concat(
    at.run(() => paths.map((path) => ops.resize(path, grid))),
    1,
  )
  const memory = ops.relu(
    groupNorm(at.sub('norm'), conv(at.sub('conv'), x, config.memoryWidth, { kernel: 1 }), 16, 1e-5),
  )
  trace.set('neck.memory', memory)
  return memory
}
