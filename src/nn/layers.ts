/** Layers as plain functions: parameters declared at a scope, then one op. Weights are laid out as PyTorch's. */

import type { Init, Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { ONES, type Scope, UNIT, ZEROS } from './scope.ts'

/** x: […, in] → […, outputs] */
export function linear(at: Scope, x: Tensor, outputs: number, { init = UNIT }: { init?: Init } = {}): Tensor {
  const weight = at.parameter('weight', [outputs, x.shape[x.rank - 1]], init)
  const bias = at.parameter('bias', [outputs], ZEROS)
  return at.run(() => ops.linear(x, weight, bias))
}

interface ConvLayer {
  readonly kernel?: number
  readonly stride?: number
  /** Top, left, bottom, right; default kernel/2 rounded down on each side. */
  readonly padding?: ops.Padding
  readonly groups?: number
  readonly bias?: boolean
  readonly init?: Init
}

/** x: B,C,H,W → B,outputs,H',W' */
export function conv(at: Scope, x: Tensor, outputs: number, options: ConvLayer = {}): Tensor {
  const { kernel = 3, stride = 1, groups = 1, bias = true, init = UNIT } = options
  const half = Math.floor(kernel / 2)
  const padding = options.padding ?? [half, half, half, half]
  const weight = at.parameter('weight', [outputs, x.shape[1] / groups, kernel, kernel], init)
  const b = bias ? at.parameter('bias', [outputs], ZEROS) : undefined
  return at.run(() => ops.conv(x, weight, b, { stride, padding, groups }))
}

/** Transposed convolution without padding and with kernel = stride: every input pixel becomes a stride×stride block. */
export function convTranspose(at: Scope, x: Tensor, outputs: number, stride: number): Tensor {
  const weight = at.parameter('weight', [x.shape[1], outputs, stride, stride], UNIT)
  const bias = at.parameter('bias', [outputs], ZEROS)
  return at.run(() => ops.convTranspose(x, weight, bias, { stride }))
}

export function layerNorm(at: Scope, x: Tensor, epsilon: number): Tensor {
  const width = x.shape[x.rank - 1]
  const weight = at.parameter('weight', [width], ONES)
  const bias = at.parameter('bias', [width], ZEROS)
  return at.run(() => ops.layerNorm(x, weight, bias, epsilon))
}

export function groupNorm(at: Scope, x: Tensor, groups: number, epsilon: number): Tensor {
  const weight = at.parameter('weight', [x.shape[1]], ONES)
  const bias = at.parameter('bias', [x.shape[1]], ZEROS)
  return at.run(() => ops.groupNorm(x, groups, weight, bias, epsilon))
}

/** C → 4C → GELU(erf) → C.  x: B,T,C */
export function mlp(at: Scope, x: Tensor): Tensor {
  const [batch, , width] = x.shape
  return ops.inBlocks(x, 1, { values: batch * 4 * width }, (tokens) => {
    const hidden = linear(at.sub('fc1'), tokens, 4 * width)
    const active = at.run(() => ops.gelu(hidden))
    return linear(at.sub('fc2'), active, width)
  })
}

/** B,C,h,w → B,h·w,C */
export function toTokens(x: Tensor): Tensor {
  const [batch, channels, h, w] = x.shape
  return ops.transpose(ops.reshape(x, [batch, channels, h * w]), [0, 2, 1])
}

/** B,h·w,C → B,C,h,w */
export function toMap(tokens: Tensor, [h, w]: ops.Size): Tensor {
  const [batch, , channels] = tokens.shape
  return ops.reshape(ops.transpose(tokens, [0, 2, 1]), [batch, channels, h, w])
}
