/**
 * The `dorn` head (algorithm section 12; DORN, Fu et al. 2018): C two-way decisions «is the label above i?» per pixel.
 *
 *     z = conv1x1(memory), 2C channels        δ_i = z_{2i+1} − z_{2i}        P_i = P(label > i) = σ(δ_i)
 *     loss   = −mean[ Σ_{i<l} ln P_i + Σ_{i≥l} ln(1 − P_i) ]        over the valid pixels
 *     l̂     = #(P_i ≥ ½),  depth = (t_l̂ + t_{l̂+1})/2               (l̂ = C reads the last bin)
 *
 * The decisions are resized first (to the ground truth's size for the loss, to the image's for the output), then scored
 * or decoded. The resize is linear, so resizing the differences δ gives the same as resizing the logits, at half the
 * cost.
 */
import type { Tensor } from '../../graph/index.ts'
import * as ops from '../../graph/ops/index.ts'
import { conv, Scope, UNIT } from '../../nn/index.ts'
import type { DarConfig, DornConfig } from '../config.ts'
import type { Trace } from '../intermediates.ts'
import { type Pool, wholeBatch } from '../pool.ts'
import type { HeadOutput } from './head.ts'
import { decisionLoss, depthOfLabel, logLabel, meanOfValid } from './ordinal.ts'

/** memory: B,M,mh,mw; size: the image's. */
export function dornHead(
  memory: Tensor,
  size: ops.Size,
  { bins: count }: DornConfig,
  config: DarConfig,
  trace: Trace,
): HeadOutput {
  const { graph } = memory
  const at = new Scope(graph, 'head')
  const logits = conv(at.sub('logits'), memory, 2 * count, { kernel: 1, init: UNIT })
  const margins = at.run(() => ops.sub(ops.slice(logits, 1, 1, undefined, 2), ops.slice(logits, 1, 0, undefined, 2)))
  trace.set('logits', logits) // B,2C,mh,mw

  const decode = (): Tensor => {
    const above = ops.cast(ops.greaterEqual(ops.resize(margins, size), 0), graph.float) // B,C,H,W
    const label = ops.minimum(ops.sum(above, [1], { keepAxes: true }), count - 1)
    return depthOfLabel(ops.cast(label, 'int64'), config, count)
  }
  const loss = (gt: Tensor, valid: Tensor, pool: Pool): Tensor => {
    const fine = ops.resize(margins, [gt.shape[2], gt.shape[3]])
    const thresholds = graph.constant([...Array(count).keys()], [1, count, 1, 1])
    const above = ops.cast(ops.less(thresholds, logLabel(gt, valid, config, count)), graph.float) // B,C,H',W'
    return meanOfValid(ops.sum(decisionLoss(fine, above), [1], { keepAxes: true }), valid, pool)
  }
  return { depth: at.run(decode), ownLosses: (gt, valid, pool = wholeBatch) => [at.run(() => loss(gt, valid, pool))] }
}
