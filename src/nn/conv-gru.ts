/**
 * Separable convolutional GRU (algorithm section 7; RAFT, Teed & Deng 2020): a pass along rows (1×5), then along columns (5×1).
 *
 *     z = σ(Wz[h,x])   r = σ(Wr[h,x])   q = tanh(Wq[r⊙h, x])   h ← (1−z)⊙h + z⊙q
 *
 * A convolution of a concatenation is the sum of the convolutions of its parts, so W[h,x] = Wₕh + Wₓx. The parts of x
 * are convolved for all three gates at once. The context, which is the same at every step, is convolved once for all
 * steps.
 */

import type { Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import { type Scope, UNIT, ZEROS } from './scope.ts'

interface Pass {
  readonly padding: ops.Padding
  /** [2G, G, kh, kw]: z and r from h. */
  readonly zrFromHidden: Tensor
  /** [G, G, kh, kw]: q from r⊙h. */
  readonly qFromHidden: Tensor
  /** [3G, X, kh, kw]: z, r and q from the input that changes with the step. */
  readonly fromInput: Tensor
  /** [3G]; with a context, its contribution B,3G,h,w, biases included. */
  readonly fixed: { readonly bias: Tensor } | { readonly map: Tensor }
}

export class SepConvGru {
  private readonly passes: readonly Pass[]

  /** `hidden` = G channels; each step's input has `inputs` channels; `context`: B,X',h,w, the same at every step. */
  constructor(
    private readonly at: Scope,
    private readonly hidden: number,
    inputs: number,
    context?: Tensor,
  ) {
    this.passes = at.run(() => [
      this.makePass(1, [1, 5], [0, 2, 0, 2], inputs, context),
      this.makePass(2, [5, 1], [2, 0, 2, 0], inputs, context),
    ])
  }

  private makePass(
    n: number,
    kernel: readonly [number, number],
    padding: ops.Padding,
    inputs: number,
    context: Tensor | undefined,
  ): Pass {
    const g = this.hidden
    const width = g + inputs + (context ? context.shape[1] : 0)
    const gates = ['z', 'r', 'q'].map((gate) => {
      const at = this.at.sub(`${gate}${n}`)
      return { weight: at.parameter('weight', [g, width, ...kernel], UNIT), bias: at.parameter('bias', [g], ZEROS) }
    })
    const parts = [g, inputs, ...(context ? [context.shape[1]] : [])]
    const [z, r, q] = gates.map(({ weight }) => ops.split(weight, 1, parts)) // of h, of the input, of the context
    const stacked = (part: number) => ops.concat([z[part], r[part], q[part]], 0)
    const bias = ops.concat(
      gates.map((gate) => gate.bias),
      0,
    )
    return {
      padding,
      zrFromHidden: ops.concat([z[0], r[0]], 0),
      qFromHidden: q[0],
      fromInput: stacked(1),
      fixed: context ? { map: ops.conv(context, stacked(2), bias, { padding }) } : { bias },
    }
  }

  /** h: B,G,h,w   x: B,inputs,h,w → the next h. */
  step(h: Tensor, x: Tensor): Tensor {
    return this.at.run(() => this.passes.reduce((state, pass) => this.onePass(pass, state, x), h))
  }

  private onePass({ padding, zrFromHidden, qFromHidden, fromInput, fixed }: Pass, h: Tensor, x: Tensor): Tensor {
    const g = this.hidden
    const input =
      'map' in fixed
        ? ops.add(ops.conv(x, fromInput, undefined, { padding }), fixed.map)
        : ops.conv(x, fromInput, fixed.bias, { padding })
    const [zrInput, qInput] = ops.split(input, 1, [2 * g, g])
    const zr = ops.sigmoid(ops.add(ops.conv(h, zrFromHidden, undefined, { padding }), zrInput))
    const [z, r] = ops.split(zr, 1, [g, g])
    const q = ops.tanh(ops.add(ops.conv(ops.mul(r, h), qFromHidden, undefined, { padding }), qInput))
    return ops.add(h, ops.mul(z, ops.sub(q, h)))
  }
}
