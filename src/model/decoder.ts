/**
 * The DAR transformer (algorithm section 5; paper eq. 3): K token maps, coarse to fine, under the patch-wise causal mask.
 *
 * The tokens of step k may read those of steps 1..k only. The hidden states of earlier steps therefore never change,
 * and a key/value cache is exact. Three forms of execution:
 *   cached    only the new tokens run; keys and values of earlier steps are remembered
 *   masked    the inputs of steps 1..k run again with an additive −∞ mask: must equal `cached`
 *   unmasked  the same without a mask, what the authors' release does: for the ablation
 */

import type { Graph, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import {
  crossAttention,
  KeyValueCache,
  layerNorm,
  linear,
  memoryKeyValues,
  mlp,
  Scope,
  SMALL_NORMAL,
  selfAttention,
  toTokens,
} from '../nn/index.ts'
import type { DarConfig } from './config.ts'
import { positionTensor } from './steps.ts'

const EPSILON = 1e-5

export class Decoder {
  private readonly at: Scope
  /** Blocks on each side of the long skips: the first `half` push, the last `half` pop. */
  private readonly half: number
  private readonly memory: readonly { k: Tensor; v: Tensor }[]
  private readonly caches: readonly KeyValueCache[]
  private readonly inputs: Tensor[] = []

  /** memoryTokens: B,mh·mw,M, position code included. */
  constructor(
    private readonly graph: Graph,
    private readonly config: DarConfig,
    memoryTokens: Tensor,
  ) {
    this.at = new Scope(graph, 'decoder')
    this.half = config.longSkip ? Math.floor(config.layers / 2) : 0
    const layers = Array.from({ length: config.layers }, (_, n) => this.at.sub('blocks').sub(n))
    this.memory = layers.map((at) =>
      memoryKeyValues(at.sub('cross_attn'), layerNorm(at.sub('norm_c'), memoryTokens, EPSILON), config.width),
    )
    this.caches = layers.map(() => new KeyValueCache())
  }

  /**
   * Input of step k (from 1), B,T_k,M: the start vector or r_{k−1} at this size, plus level[k] and position, and with a
   * memory, B,M,mh,mw (`tokenContext`), linear(memory at this size).
   */
  input(k: number, size: ops.Size, batch: number, previous: Tensor | null, memory: Tensor | null = null): Tensor {
    const { memoryWidth, steps, level, position } = this.config
    const start = this.at.parameter('start', [memoryWidth], SMALL_NORMAL)
    const count = size[0] * size[1]
    let x = previous
      ? toTokens(this.at.run(() => ops.resizeTokens(previous, size)))
      : ops.expand(ops.reshape(start, [1, 1, memoryWidth]), [batch, count, memoryWidth])
    if (level) {
      const table = this.at.parameter('level', [steps, memoryWidth], SMALL_NORMAL)
      x = ops.add(x, ops.slice(table, 0, k - 1, k))
    }
    if (position) x = ops.add(x, positionTensor(this.graph, size, memoryWidth))
    if (!memory) return x
    const seen = toTokens(this.at.run(() => ops.resizeTokens(memory, size)))
    return ops.add(x, linear(this.at.sub('seen'), seen, memoryWidth))
  }

  /** y_out of the newest step from its input, B,T_k,M → B,T_k,M. Call once per step, in order. */
  output(input: Tensor): Tensor {
    this.inputs.push(input)
    if (this.config.form === 'cached') return this.run(input, { caches: this.caches })
    return ops.slice(this.rerun(this.config.form), 1, -input.shape[1])
  }

  /**
   * y of every token so far, B,ΣT,M, with the inputs of all steps run again. The forms without a cache take the newest
   * step from it. Under the mask, the rows of earlier steps do not change when later steps are added.
   */
  rerun(form: 'masked' | 'unmasked'): Tensor {
    const counts = this.inputs.map((x) => x.shape[1])
    const mask = form === 'masked' ? stepMask(this.graph, counts) : undefined
    return this.run(ops.concat(this.inputs, 1), { mask })
  }

  private run(
    tokens: Tensor,
    { mask, caches }: { readonly mask?: Tensor; readonly caches?: readonly KeyValueCache[] },
  ): Tensor {
    const { layers, width, finalNorm } = this.config
    let x = linear(this.at.sub('proj_in'), tokens, width)
    const stack: Tensor[] = []
    for (let n = 0; n < layers; n++) {
      const at = this.at.sub('blocks').sub(n)
      const popped = n >= layers - this.half ? stack.pop() : undefined // last in, first out
      if (popped) x = linear(at.sub('skip'), ops.concat([x, popped], 2), width)
      x = this.graph.checkpoint(() => this.block(at, x, n, { mask, cache: caches?.[n] }))
      if (n < this.half) stack.push(x)
    }
    if (finalNorm) x = layerNorm(this.at.sub('norm'), x, EPSILON)
    return linear(this.at.sub('proj_out'), x, this.config.memoryWidth)
  }

  /** x += selfAttn(norm1(x));  x += crossAttn(normQ(x), normC(memory));  x += mlp(norm2(x)) */
  private block(at: Scope, x: Tensor, n: number, self: { mask?: Tensor; cache?: KeyValueCache }): Tensor {
    const { heads } = this.config
    const a = ops.add(x, selfAttention(at.sub('self_attn'), layerNorm(at.sub('norm1'), x, EPSILON), heads, self))
    const q = layerNorm(at.sub('norm_q'), a, EPSILON)
    const b = ops.add(a, crossAttention(at.sub('cross_attn'), q, this.memory[n], heads))
    return ops.add(b, mlp(at.sub('mlp'), layerNorm(at.sub('norm2'), b, EPSILON)))
  }
}

/** T,T: 0 where level(j) ≤ level(i), −∞ elsewhere. counts: tokens of each step. */
export function stepMask(graph: Graph, counts: readonly number[]): Tensor {
  const levels = counts.flatMap((n, k) => Array<number>(n).fill(k))
  const values = levels.flatMap((i) => levels.map((j) => (j <= i ? 0 : Number.NEGATIVE_INFINITY)))
  return graph.constant(values, [levels.length, levels.length])
}
