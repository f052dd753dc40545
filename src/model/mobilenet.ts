/**
 * MobileNetV2 (Sandler et al., 2018) with batch norm folded, the light encoder of dar-nano (algorithm section 2). Tapped at
 * strides 4, 8, 16 and 32, and at 2 where `detail` works there. Layer names are torchvision's; padding is TensorFlow's SAME, as the weights were trained.
 */

import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { conv, type DropPath, dropBranch, HE, type Scope, UNIT } from '../nn/index.ts'
import type { MobileNetConfig } from './config.ts'
import type { Trace } from './intermediates.ts'

/** Expansion, channels and blocks of the published stages. */
const PUBLISHED: NonNullable<MobileNetConfig['stages']> = [
  [1, 16, 1],
  [6, 24, 2],
  [6, 32, 3],
  [6, 64, 4],
  [6, 96, 3],
  [6, 160, 3],
  [6, 320, 1],
]
/** Stride of a stage's first block. */
const STRIDES = [1, 2, 2, 2, 1, 2, 1]
/** The stages whose last block the neck reads, from 0. The last of them is also the last that is built. */
const TAPPED = [1, 2, 4, 6]

/** features.1 to the last, with and without a residual branch. */
export const mobileNetBlocks = ({ stages }: MobileNetConfig): number =>
  (stages ?? PUBLISHED).reduce((sum, [, , count]) => sum + count, 0)

/** SAME: the output has ⌈n/stride⌉ rows; the odd row of padding goes to the bottom and right. */
function samePadding(x: Tensor, kernel: number, stride: number): ops.Padding {
  const [rows, cols] = x.shape.slice(2).map((n) => {
    const total = Math.max((Math.ceil(n / stride) - 1) * stride + kernel - n, 0)
    return { before: Math.floor(total / 2), after: Math.ceil(total / 2) }
  })
  return [rows.before, cols.before, rows.after, cols.after]
}

/** 1×1 expansion (absent if 1; rounded down to whole channels), depthwise 3×3, 1×1 projection; ReLU6 after all but the projection; + x if it fits. */
function invertedResidual(
  at: Scope,
  x: Tensor,
  [expansion, outputs, stride]: readonly [number, number, number],
  skip: (branch: Tensor) => Tensor,
): Tensor {
  const layers = at.sub('conv')
  let n = 0
  let y = x
  if (expansion > 1)
    y = ops.relu6(conv(layers.sub(n++).sub(0), y, Math.floor(x.shape[1] * expansion), { kernel: 1, init: HE }))
  const padding = samePadding(y, 3, stride)
  const channels = y.shape[1]
  y = ops.relu6(conv(layers.sub(n++).sub(0), y, channels, { stride, padding, groups: channels, init: HE }))
  y = conv(layers.sub(n), y, outputs, { kernel: 1, init: UNIT })
  return stride === 1 && x.shape[1] === outputs ? ops.add(x, skip(y)) : y
}

/** image: B,3,H,W in [−1, 1] → four maps at strides 4, 8, 16, 32; with `half` a fifth one, at stride 2. */
export function mobileNetV2(
  at: Scope,
  image: Tensor,
  config: MobileNetConfig,
  { half, trace, drop }: { readonly half: boolean; readonly trace: Trace; readonly drop: DropPath | null },
): Tensor[] {
  const wide = (channels: number) => Math.max(1, Math.floor(channels * config.multiplier))
  const features = at.sub('features')
  const stem = conv(features.sub(0).sub(0), image, wide(32), { stride: 2, padding: samePadding(image, 3, 2), init: HE })
  let x = ops.relu6(stem)
  const taps: Tensor[] = []
  const fifth: Tensor[] = []
  let n = 1
  for (const [stage, [expansion, channels, count]] of (config.stages ?? PUBLISHED).entries())
    for (let i = 0; i < count; i++, n++) {
      const place = { column: n - 1, block: n - 1, blocks: mobileNetBlocks(config) }
      const shape = [expansion, wide(channels), i === 0 ? STRIDES[stage] : 1] as const
      x = at.graph.checkpoint(() =>
        invertedResidual(features.sub(n), x, shape, (branch) => dropBranch(branch, drop, place)),
      )
      if (half && stage === 0 && i === count - 1) fifth.push(x)
      if (i < count - 1 || !TAPPED.includes(stage)) continue
      trace.set(`encoder.tap${taps.length}`, x)
      taps.push(x)
    }
  return [...taps, ...fifth]
}
