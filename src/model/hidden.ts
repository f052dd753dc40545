/**
 * Conversions between the transformer and the state of the bins (algorithm section 7). The transformer's output at a step
 * becomes h, the initial state. The state then becomes the token map that the transformer reads at the next step.
 * All steps share the weights; `level_k` tells the network which step it is.
 */
import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { conv, Scope, ZEROS } from '../nn/index.ts'
import type { DarConfig } from './config.ts'

const EPSILON = 1e-5

/**
 * a of h = tanh(a),  a = resize(conv1x1(y_out)) + level_k, with `hiddenNorm` divided by √(mean_c a² + ε).
 * y_out: B,M,h_k,w_k → B,G,grid
 */
export function hiddenInput(graph: Graph, yOut: Tensor, k: number, grid: ops.Size, config: DarConfig): Tensor {
  const at = new Scope(graph, 'bins')
  const narrow = conv(at.sub('hidden'), yOut, config.gruWidth, { kernel: 1 })
  const resized = at.run(() => ops.resize(narrow, grid))
  const a = config.level ? ops.add(resized, levelOf(at, k, config)) : resized
  if (!config.hiddenNorm) return a
  const squares = ops.mean(ops.square(a), [1], { keepAxes: true })
  return ops.div(a, ops.sqrt(ops.add(squares, EPSILON)))
}

/** level_k: 1,G,1,1 */
function levelOf(at: Scope, k: number, { steps, gruWidth }: DarConfig): Tensor {
  const table = at.parameter('level', [steps, gruWidth], ZEROS)
  return ops.reshape(ops.slice(table, 0, k - 1, k), [1, gruWidth, 1, 1])
}

/** r_k = conv1x1(g_k): B,G,grid → B,M,grid, the next step's input. */
export function tokenMap(graph: Graph, g: Tensor, { memoryWidth }: DarConfig): Tensor {
  return conv(new Scope(graph, 'bins').sub('token'), g, memoryWidth, { kernel: 1 })
}
