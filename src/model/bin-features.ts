/** f_bin: features of every pixel, computed from the bins of a step (algorithm section 7). All steps share the weights. */
import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { conv, HE, Scope } from '../nn/index.ts'
import type { DarConfig } from './config.ts'

/** f_bin of a window. The input is its centres c, scaled to (c − dmin)/(dmax − dmin).  B,N,grid → B,G,grid */
export function centreFeatures(graph: Graph, centres: Tensor, config: DarConfig): Tensor {
  const { dMin, dMax } = config
  return binFeatures(graph, ops.mul(ops.sub(centres, dMin), 1 / (dMax - dMin)), config)
}

/** f_bin = ReLU(conv3x3(ReLU(conv3x3(x)))).  x: B,·,grid → B,G,grid */
export function binFeatures(graph: Graph, x: Tensor, { gruWidth }: DarConfig): Tensor {
  const at = new Scope(graph, 'bins').sub('encode')
  const inner = ops.relu(conv(at.sub(0), x, gruWidth, { init: HE }))
  return ops.relu(conv(at.sub(1), inner, gruWidth, { init: HE }))
}
