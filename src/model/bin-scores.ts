/**
 * From a step's state to scores of its bins (algorithm section 7). All steps share a hidden convolution. The last
 * convolution differs between windows and the soft tree.
 */
import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { conv, HE, Scope, UNIT, ZEROS } from '../nn/index.ts'
import type { DarConfig, SoftTreeConfig } from './config.ts'
import { branchCount } from './soft-tree.ts'

const head = (graph: Graph): Scope => new Scope(graph, 'bins').sub('head')

/** ReLU(conv3x3(g)): B,G,grid → B,G,grid */
const hiddenLayer = (at: Scope, g: Tensor, gruWidth: number): Tensor =>
  ops.relu(conv(at.sub(0), g, gruWidth, { init: HE }))

/** conv3x3(ReLU(conv3x3(g))) + bias_k.  B,G,grid → B,N,grid; N: `outputs`, the bins of a window, or 1 for a head without bins. */
export function windowScores(graph: Graph, g: Tensor, k: number, outputs: number, config: DarConfig): Tensor {
  const { gruWidth, steps, level } = config
  const z = conv(head(graph).sub(1), hiddenLayer(head(graph), g, gruWidth), outputs, { init: UNIT })
  if (!level) return z
  const table = new Scope(graph, 'bins').parameter('bias', [steps, outputs], ZEROS)
  return ops.add(z, ops.reshape(ops.slice(table, 0, k - 1, k), [1, outputs, 1, 1]))
}

/** Δ_k = conv3x3_k(ReLU(conv3x3(g))), of the soft tree: a last convolution for each step.  B,G,grid → B,N_k,grid */
export function treeScores(graph: Graph, g: Tensor, k: number, { leaves }: SoftTreeConfig, config: DarConfig): Tensor {
  const inner = hiddenLayer(head(graph), g, config.gruWidth)
  return conv(head(graph).sub(`out${k}`), inner, branchCount(k, { leaves, steps: config.steps }), { init: UNIT })
}
