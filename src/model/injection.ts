/**
 * Bins injection (algorithm section 7): a ConvGRU combines the output of the transformer with the bins of every pixel.
 * All steps share its weights. With `context` the GRU also gets the memory as an input.
 */
import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { conv, Scope, SepConvGru } from '../nn/index.ts'
import { type DarConfig, usesBins } from './config.ts'
import { stepSizes } from './steps.ts'

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

  /** g_k = SepConvGRU(h, [f_bin, ctx]).  All B,G,grid. */
  inject(h: Tensor, fBin: Tensor, k: number): Tensor {
    return h.graph.checkpoint(() => this.run(h, fBin, k))
  }

  private run(h: Tensor, fBin: Tensor, k: number): Tensor {
    const grid: ops.Size = [h.shape[2], h.shape[3]]
    const gru = this.gru ?? this.makeGru(grid)
    if (!this.context || !this.byStep) return gru.step(h, fBin)
    // ctx_k = resize(pool(ctx, ⌈mh/2^(K−k)⌉×⌈mw/2^(K−k)⌉), grid): the sizes are halved from the whole memory, not from the last token map
    const whole = this.context
    const { steps, contextGrid } = this.config
    const seen = contextGrid === 'ahead' ? Math.min(k + 1, steps) : k
    const size = stepSizes([whole.shape[2], whole.shape[3]], steps)[seen - 1]
    const ctx = this.at.run(() => ops.resize(ops.resizeTokens(whole, size), grid))
    return gru.step(h, ops.concat([fBin, ctx], 1))
  }

  private makeGru(grid: ops.Size): SepConvGru {
    const { gruWidth } = this.config
    const at = this.at.sub('gru')
    if (!this.context) return new SepConvGru(at, gruWidth, gruWidth)
    if (this.byStep) return new SepConvGru(at, gruWidth, 2 * gruWidth)
    return new SepConvGru(at, gruWidth, gruWidth, ops.resize(this.context, grid))
  }

  private get byStep(): boolean {
    return this.config.contextGrid !== 'memory'
  }
}
