/** Self- and cross-attention layers, with the key/value cache that makes the step-by-step decoder exact (algorithm section 5). */

import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { linear } from './layers.ts'
import type { Scope } from './scope.ts'

/** Keys and values of the tokens seen so far, for one layer. */
export class KeyValueCache {
  private readonly keys: Tensor[] = []
  private readonly values: Tensor[] = []

  /** Appends the keys and values of the newest tokens. Returns all of them, B,T,C each. */
  append(k: Tensor, v: Tensor): { k: Tensor; v: Tensor } {
    this.keys.push(k)
    this.values.push(v)
    return { k: ops.concat(this.keys, 1), v: ops.concat(this.values, 1) }
  }
}

/** x: B,T,C → B,T,C. With a cache, keys and values of earlier tokens come first. mask: additive, T,Tk. */
export function selfAttention(
  at: Scope,
  x: Tensor,
  heads: number,
  { mask, cache }: { readonly mask?: Tensor; readonly cache?: KeyValueCache } = {},
): Tensor {
  const width = x.shape[2]
  const qkv = linear(at.sub('qkv'), x, 3 * width) // rows: q, then k, then v
  const mixed = at.run(() => {
    const [q, k, v] = ops.split(qkv, 2, [width, width, width])
    const all = cache ? cache.append(k, v) : { k, v }
    return ops.attention(q, all.k, all.v, heads, mask)
  })
  return linear(at.sub('proj'), mixed, width)
}

/** Keys and values of the memory for one layer: B,T,M → two of B,T,width. Computed once and used at every step. */
export function memoryKeyValues(at: Scope, memory: Tensor, width: number): { k: Tensor; v: Tensor } {
  const kv = linear(at.sub('kv'), memory, 2 * width) // rows: k, then v
  const [k, v] = at.run(() => ops.split(kv, 2, [width, width]))
  return { k, v }
}

/** x: B,T,C → B,T,C, reading from `memoryKeyValues`. */
export function crossAttention(at: Scope, x: Tensor, memory: { k: Tensor; v: Tensor }, heads: number): Tensor {
  const width = x.shape[2]
  const q = linear(at.sub('q'), x, width)
  const mixed = at.run(() => ops.attention(q, memory.k, memory.v, heads))
  return linear(at.sub('proj'), mixed, width)
}
