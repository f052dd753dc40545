/** DINOv2-style ViT (algorithm section 2): four tapped blocks of a pre-LN transformer with LayerScale. */

import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import {
  conv,
  type DropPath,
  dropBranch,
  layerNorm,
  mlp,
  ONES,
  type Scope,
  SMALL_NORMAL,
  selfAttention,
  toMap,
  toTokens,
  UNIT,
} from '../nn/index.ts'
import type { VitConfig } from './config.ts'
import type { Trace } from './intermediates.ts'

const EPSILON = 1e-6

/** Block i of four: ⌊depth·(i+1)/4⌋ − 1; depth 24 keeps Depth Anything V2's 4, 11, 17, 23. */
export function defaultTaps(depth: number): number[] {
  return depth === 24 ? [4, 11, 17, 23] : [1, 2, 3, 4].map((i) => Math.floor((depth * i) / 4) - 1)
}

/** image: B,3,H,W, ImageNet-normalised → four maps B,E,H/patch,W/patch. */
export function visionTransformer(
  at: Scope,
  image: Tensor,
  config: VitConfig,
  trace: Trace,
  drop: DropPath | null = null,
): Tensor[] {
  const patches =
    config.stem === 'conv' ? convStem(at.sub('patch_embed'), image, config) : patchEmbed(at, image, config)
  const [batch, width, rows, cols] = patches.shape
  const cls = at.parameter('cls_token', [1, 1, width], SMALL_NORMAL)
  let x = ops.add(
    ops.concat([ops.expand(cls, [batch, 1, width]), toTokens(patches)], 1),
    positions(at, config, [rows, cols]),
  )
  trace.set('encoder.embed', x) // B,1+gh·gw,E

  const tapped = config.taps ?? defaultTaps(config.depth)
  const taps: Tensor[] = []
  for (let n = 0; n < config.depth; n++) {
    x = at.graph.checkpoint(() => block(at.sub('blocks').sub(n), x, config, n, drop))
    if (!tapped.includes(n)) continue
    // The final norm goes to every tap; the class token is dropped.
    const tap = ops.slice(layerNorm(at.sub('norm'), x, EPSILON), 1, 1)
    trace.set(`encoder.tap${taps.length}`, tap)
    taps.push(toMap(tap, [rows, cols]))
  }
  return taps
}

/** x += ls1·attn(norm1(x));  x += ls2·mlp(norm2(x)) */
function block(at: Scope, x: Tensor, config: VitConfig, n: number, drop: DropPath | null): Tensor {
  const place = { block: n, blocks: config.depth }
  const scaled = (name: string, y: Tensor) =>
    config.layerScale ? ops.mul(y, at.sub(name).parameter('gamma', [config.width], ONES)) : y
  const attended = selfAttention(at.sub('attn'), layerNorm(at.sub('norm1'), x, EPSILON), config.heads)
  const y = ops.add(x, dropBranch(scaled('ls1', attended), drop, { ...place, column: 2 * n }))
  const fed = mlp(at.sub('mlp'), layerNorm(at.sub('norm2'), y, EPSILON))
  return ops.add(y, dropBranch(scaled('ls2', fed), drop, { ...place, column: 2 * n + 1 }))
}

/** A patch×patch convolution of that stride is a linear layer on the patches, laid out channel, row, column. */
function patchEmbed(at: Scope, image: Tensor, { patch, width }: VitConfig): Tensor {
  return conv(at.sub('patch_embed'), image, width, {
    kernel: patch,
    stride: patch,
    padding: [0, 0, 0, 0],
    init: UNIT,
  })
}

/** log2(patch) 3×3 convolutions of stride 2, widths E/2^(s−1), …, E/2, E; GELU between them, none after the last. */
function convStem(at: Scope, image: Tensor, { patch, width }: VitConfig): Tensor {
  const count = Math.round(Math.log2(patch))
  let x = image
  for (let n = 0; n < count; n++)
    x = conv(at.sub(n), n === 0 ? x : ops.gelu(x), Math.floor(width / 2 ** (count - 1 - n)), { stride: 2 })
  return x
}

/** 1,1+gh·gw,E: the class token's own position, then the table resized to the patch grid (bicubic). */
function positions(at: Scope, { width, posGrid }: VitConfig, grid: ops.Size): Tensor {
  const table = at.parameter('pos_embed', [1, 1 + posGrid[0] * posGrid[1], width], SMALL_NORMAL)
  const map = toMap(ops.slice(table, 1, 1), posGrid)
  return ops.concat([ops.slice(table, 1, 0, 1), toTokens(ops.resize(map, grid, 'bicubic'))], 1)
}
