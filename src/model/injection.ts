/**
 * Bins injection and prediction (algorithm section 7; paper eq. 9, 11, 12): what the transformer says of a step meets the bins of
 * every pixel in a ConvGRU, whose state gives probabilities and the token map that is fed back. Shared by all steps;
 * `level_k` and `bias_k` tell the modules which step it is.
 */

import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { conv, HE, Scope, SepConvGru, UNIT, ZEROS } from '../nn/index.ts'
import { type DarConfig, usesBins } from './config.ts'
import { branchCount } from './soft-tree.ts'
import { stepSizes } from './steps.ts'

const EPSILON = 1e-5

export class Injection {
  private readonly at: Scope
  private readonly gru: SepConvGru | null
  /** ctx = conv1x1(memory): B,G,mh,mw */
  private readonly context: Tensor | null

  /** memory: B,M,mh,mw; grid: where windows, states and depth maps live (null: each step has its own). */
  constructor(
    graph: Graph,
    private readonly config: DarConfig,
    memory: Tensor,
    grid: ops.Size | null,
  ) {
    this.at = new Scope(graph, 'bins')
    this.context =
      usesBins(config) && config.context ? conv(this.at.sub('context'), memory, config.gruWidth, { kernel: 1 }) : null
    this.gru = usesBins(config) && grid ? this.makeGru(grid) : null
  }

  private makeGru(grid: ops.Size): SepConvGru {
    const { gruWidth } = this.config
    const at = this.at.sub('gru')
    if (!this.context) return new SepConvGru(at, gruWidth, gruWidth)
    if (this.byStep) return new SepConvGru(at, gruWidth, 2 * gruWidth)
    return new SepConvGru(at, gruWidth, gruWidth, ops.resize(this.context, grid))
  }

  private get byStep(): boolean {
    return this.config.contextGrid === 'step'
  }

  /**
   * a of h = tanh(a),  a = resize(conv1x1(y_out)) + level_k, with `hiddenNorm` divided by √(mean_c a² + ε).
   * y_out: B,M,h_k,w_k → B,G,grid
   */
  beforeHidden(yOut: Tensor, k: number, grid: ops.Size): Tensor {
    const { gruWidth, steps, level, hiddenNorm } = this.config
    const narrow = conv(this.at.sub('hidden'), yOut, gruWidth, { kernel: 1 })
    const h = this.at.run(() => ops.resize(narrow, grid))
    const bare = level ? ops.add(h, this.levelOf(k, steps, gruWidth)) : h
    if (!hiddenNorm) return bare
    const squares = ops.mean(ops.square(bare), [1], { keepAxes: true })
    return ops.div(bare, ops.sqrt(ops.add(squares, EPSILON)))
  }

  private levelOf(k: number, steps: number, gruWidth: number): Tensor {
    const table = this.at.parameter('level', [steps, gruWidth], ZEROS)
    return ops.reshape(ops.slice(table, 0, k - 1, k), [1, gruWidth, 1, 1])
  }

  /** f_bin of a window's centres, (c − dmin)/(dmax − dmin).  B,N,grid → B,G,grid */
  encodeCentres(centres: Tensor): Tensor {
    const { dMin, dMax } = this.config
    return this.encode(ops.mul(ops.sub(centres, dMin), 1 / (dMax - dMin)))
  }

  /** f_bin = ReLU(conv3x3(ReLU(conv3x3(x)))), x: what the step is told of its bins, B,·,grid → B,G,grid */
  encode(x: Tensor): Tensor {
    const { gruWidth } = this.config
    const at = this.at.sub('encode')
    const inner = ops.relu(conv(at.sub(0), x, gruWidth, { init: HE }))
    return ops.relu(conv(at.sub(1), inner, gruWidth, { init: HE }))
  }

  /** g_k = SepConvGRU(h, [f_bin, ctx]).  All B,G,grid. */
  inject(h: Tensor, fBin: Tensor, k: number): Tensor {
    const grid: ops.Size = [h.shape[2], h.shape[3]]
    const gru = this.gru ?? this.makeGru(grid)
    if (!this.context || !this.byStep) return gru.step(h, fBin)
    // ctx_k = resize(pool(ctx, ⌈mh/2^(K−k)⌉×⌈mw/2^(K−k)⌉), grid): halved from the whole memory, wherever the token maps end
    const whole = this.context
    const size = stepSizes([whole.shape[2], whole.shape[3]], this.config.steps)[k - 1]
    const ctx = this.at.run(() => ops.resize(ops.resizeTokens(whole, size), grid))
    return gru.step(h, ops.concat([fBin, ctx], 1))
  }

  /** Δ_k = conv3x3_k(ReLU(conv3x3(g))), of the soft tree: a last convolution for each step.  B,G,grid → B,N_k,grid */
  reweigh(g: Tensor, k: number): Tensor {
    const at = this.at.sub('head')
    const inner = ops.relu(conv(at.sub(0), g, this.config.gruWidth, { init: HE }))
    return conv(at.sub(`out${k}`), inner, branchCount(k, this.config), { init: UNIT })
  }

  /** conv3x3(ReLU(conv3x3(g))) + bias_k.  B,G,grid → B,N,grid (one channel for `transformer`) */
  logits(g: Tensor, k: number): Tensor {
    const { gruWidth, bins, steps, level } = this.config
    const outputs = usesBins(this.config) ? bins : 1
    const at = this.at.sub('head')
    const inner = ops.relu(conv(at.sub(0), g, gruWidth, { init: HE }))
    const z = conv(at.sub(1), inner, outputs, { init: UNIT })
    if (!level) return z
    const table = this.at.parameter('bias', [steps, outputs], ZEROS)
    return ops.add(z, ops.reshape(ops.slice(table, 0, k - 1, k), [1, outputs, 1, 1]))
  }

  /** r_k = conv1x1(g_k): B,G,grid → B,M,grid, the next step's input. */
  token(g: Tensor): Tensor {
    return conv(this.at.sub('token'), g, this.config.memoryWidth, { kernel: 1 })
  }
}
