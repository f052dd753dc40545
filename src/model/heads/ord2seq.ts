/**
 * The `ord2seq` head (algorithm section 12; Ord2Seq, Wang et al. 2023, in dense form): a binary tree over 64 leaves,
 * evenly spaced in log depth. Six decisions per pixel in sequence; an embedding tells each decision its node.
 *
 *     f = conv1x1(memory)  (M → G), resized      node = 2^j − 1 + (first j bits of the leaf, 1 = farther half)
 *     z_j = conv1x1(ReLU(conv1x1(f + embed[node])))                                        j = 0..5,  G → G → 1
 *     loss = Σ_j mean over valid pixels of BCE(σ(z_j), bit_j)
 *
 * In training the bits come from the label (teacher forcing), at inference from the decisions themselves, bit_j = [z_j
 * ≥ 0]. A half that was rejected is never reached again. A 1×1 convolution is linear and commutes with a bilinear
 * resize, whose weights add up to 1. The hidden layer therefore runs once on the memory grid and once per node, not at
 * every pixel and level.
 */
import type { Tensor } from '../../graph/index.ts'
import * as ops from '../../graph/ops/index.ts'
import { conv, HE, Scope, SMALL_NORMAL, toTokens, UNIT, ZEROS } from '../../nn/index.ts'
import type { DarConfig } from '../config.ts'
import type { Trace } from '../intermediates.ts'
import { type Pool, wholeBatch } from '../pool.ts'
import type { HeadOutput } from './head.ts'
import { decisionLoss, depthOfLabel, logLabel, meanOfValid } from './ordinal.ts'

/** Decisions per pixel. */
export const ORD2SEQ_LEVELS = 6
const LEAVES = 2 ** ORD2SEQ_LEVELS

/** memory: B,M,mh,mw; size: the image's. */
export function ord2seqHead(memory: Tensor, size: ops.Size, config: DarConfig, trace: Trace): HeadOutput {
  const at = new Scope(memory.graph, 'head')
  const features = conv(at.sub('features'), memory, config.gruWidth, { kernel: 1, init: UNIT })
  const hidden = conv(at.sub('hidden'), features, config.gruWidth, { kernel: 1, init: HE })
  trace.set('features', features) // B,G,mh,mw

  const depth = at.run(() => {
    const tree = new Tree(at, hidden, size)
    let prefix = tree.root()
    for (let j = 0; j < ORD2SEQ_LEVELS; j++) {
      const z = tree.decide(j, prefix)
      trace.set(`level${j}.logit`, z)
      prefix = ops.add(ops.mul(prefix, 2), ops.cast(ops.greaterEqual(z, 0), 'int64'))
    }
    return depthOfLabel(prefix, config, LEAVES)
  })

  const ownLosses = (gt: Tensor, valid: Tensor, pool: Pool = wholeBatch): Tensor[] =>
    at.run(() => {
      const tree = new Tree(at, hidden, [gt.shape[2], gt.shape[3]])
      const leaf = logLabel(gt, valid, config, LEAVES)
      const firstBits = (j: number) => ops.floor(ops.mul(leaf, 2 ** (j - ORD2SEQ_LEVELS)))
      return Array.from({ length: ORD2SEQ_LEVELS }, (_, j) => {
        const bit = ops.sub(firstBits(j + 1), ops.mul(firstBits(j), 2))
        const z = tree.decide(j, ops.cast(firstBits(j), 'int64'))
        trace.set(`level${j}.forced_logit`, z)
        return meanOfValid(decisionLoss(z, bit), valid, pool)
      })
    })
  return { depth, ownLosses }
}

/** The decisions at one size of output. */
class Tree {
  /** W·f + b of every pixel, B,h·w,G: the hidden layer without its node. */
  private readonly pixels: Tensor
  /** W·embed, one row per node, 63,G. */
  private readonly nodes: Tensor

  constructor(
    private readonly at: Scope,
    hidden: Tensor,
    private readonly size: ops.Size,
  ) {
    const width = hidden.shape[1]
    this.pixels = toTokens(ops.resize(hidden, size))
    const embed = at.sub('embed').parameter('weight', [LEAVES - 1, width], SMALL_NORMAL)
    const weight = at.sub('hidden').parameter('weight', [width, width, 1, 1], HE)
    this.nodes = ops.linear(embed, ops.reshape(weight, [width, width]))
  }

  /** No bits yet: 0 at every pixel, B,1,h,w int64. */
  root(): Tensor {
    const { graph, shape } = this.pixels
    return ops.expand(graph.scalar(0, 'int64'), [shape[0], 1, ...this.size])
  }

  /** z_j, B,1,h,w, of pixels whose first j bits are `prefix`, B,1,h,w int64. */
  decide(j: number, prefix: Tensor): Tensor {
    const [batch, count, width] = this.pixels.shape
    const level = ops.slice(this.nodes, 0, 2 ** j - 1, 2 ** (j + 1) - 1) // 2^j,G
    const node = ops.gather(level, 0, ops.reshape(prefix, [batch, count])) // B,h·w,G
    const at = this.at.sub('decision')
    const weight = ops.reshape(at.parameter('weight', [1, width, 1, 1], UNIT), [1, width])
    const z = ops.linear(ops.relu(ops.add(this.pixels, node)), weight, at.parameter('bias', [1], ZEROS))
    return ops.reshape(z, [batch, 1, ...this.size])
  }
}
