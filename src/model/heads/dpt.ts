/**
 * The `dpt` head (algorithm section 12; Depth Anything V2, metric): directly from path1 to depth. It does not read the
 * memory.
 *
 *     path1 → 3×3 (F → F/2) → bilinear to H×W → 3×3 (→ 32) → ReLU → 1×1 → sigmoid × dmax
 *
 * With `dptResize: 'corners'` (which the neck reads too) it is Depth Anything's own head (dpt.py of its V2 repository).
 * With `dptOutput: 'relative'` the last activation is a ReLU: inverse depth without a unit, larger is nearer. `dptNorm`
 * is this project's: a GroupNorm after the first convolution. Without it, on an encoder without a final norm, the head
 * saturates at its first update and stays so.
 */
import type { Tensor } from '../../graph/index.ts'
import * as ops from '../../graph/ops/index.ts'
import { conv, groupNorm, HE, Scope, UNIT } from '../../nn/index.ts'
import type { DarConfig, DptConfig } from '../config.ts'
import { NORM_GROUPS } from '../flat-config.ts'
import type { HeadOutput } from './head.ts'

const HIDDEN = 32

/** path1: B,F,h,w; size: the image's. */
export function dptHead(
  path1: Tensor,
  size: ops.Size,
  { output, resize, norm }: DptConfig,
  { neckFeatures, dMax }: Pick<DarConfig, 'neckFeatures' | 'dMax'>,
): HeadOutput {
  const at = new Scope(path1.graph, 'head')
  const bare = conv(at.sub('conv1'), path1, Math.floor(neckFeatures / 2), { init: UNIT })
  const narrow = norm ? groupNorm(at.sub('norm'), bare, NORM_GROUPS, 1e-5) : bare
  const fine = at.run(() => ops.resize(narrow, size, resize === 'corners' ? 'corners' : 'bilinear')) // B,F/2,H,W
  const inner = ops.relu(conv(at.sub('conv2'), fine, HIDDEN, { init: HE }))
  const z = conv(at.sub('conv3'), inner, 1, { kernel: 1, init: UNIT })
  const depth = at.run(() => (output === 'relative' ? ops.relu(z) : ops.mul(ops.sigmoid(z), dMax)))
  return { depth, ownLosses: null }
}
