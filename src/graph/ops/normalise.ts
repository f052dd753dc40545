/** Layer and group normalisation. Statistics are those of the biased variance, as everywhere in this field. */
import { type Emitter, isFloat, ShapeError, type Tensor } from '../tensor.ts'
import { expand, sum } from './broadcast.ts'
import { add, div, mul, sqrt, square, sub } from './elementwise.ts'
import { mean } from './reduce.ts'
import { reshape } from './shape.ts'

/**
 * Over the last axis:  y = x̂·weight + bias,  x̂ = (x − μ)·s,  s = 1/√(σ² + ε).
 * Gradient, with g = dy·weight:  dx = s·(g − mean(g) − x̂·mean(g·x̂))
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: number): Tensor {
  const operands = [x, weight, bias]
  const n = x.shape.at(-1)
  if (!isFloat(x.dtype) || operands.some((t) => t.dtype !== x.dtype))
    throw new ShapeError('layerNorm', operands, 'needs equal float dtypes')
  if (x.rank < 1 || [weight, bias].some((t) => t.rank !== 1 || t.shape[0] !== n))
    throw new ShapeError('layerNorm', operands, 'weight and bias need one value per entry of the last axis')
  const leading = x.shape.map((_, i) => i).slice(0, -1)
  const statistics = { shape: x.shape.with(-1, 1), dtype: x.dtype }
  const [y, mu, s] = x.graph.apply({
    op: 'layerNorm',
    inputs: operands,
    outputs: [{ shape: x.shape, dtype: x.dtype }, statistics, statistics],
    emit: (e, inputs, outputs) => {
      if (x.dtype === 'float64') layerNorm64(e, inputs, outputs, epsilon)
      else e.node('LayerNormalization', inputs, outputs, { axis: -1, epsilon: { float: epsilon } })
    },
    // μ and s are read by the gradient below, so they have gradients of their own when that is differentiated in turn:
    // ∂μ/∂x = 1/n,  ∂s/∂x = −s²·x̂/n
    vjp: ([dy, dMu, dS], needs) => {
      const normal = mul(sub(x, mu), s)
      const dx = () => {
        const terms: Tensor[] = []
        if (dy) {
          const g = mul(dy, weight)
          const keep = { keepAxes: true }
          terms.push(mul(s, sub(sub(g, mean(g, [-1], keep)), mul(normal, mean(mul(g, normal), [-1], keep)))))
        }
        if (dMu) terms.push(expand(mul(dMu, 1 / x.shape[x.rank - 1]), x.shape))
        if (dS) terms.push(mul(mul(dS, mul(square(s), -1 / x.shape[x.rank - 1])), normal))
        return terms.reduce((total, term) => add(total, term))
      }
      return [
        needs[0] ? dx() : null,
        dy && needs[1] ? sum(mul(dy, normal), leading) : null,
        dy && needs[2] ? sum(dy, leading) : null,
      ]
    },
  })
  return y
}

/** The engine's float64 kernel keeps its statistics in float32, so gradient checks get the formula spelled out. */
function layerNorm64(
  e: Emitter,
  [x, weight, bias]: readonly string[],
  outputs: readonly string[],
  epsilon: number,
): void {
  const axis = e.ints([-1])
  const named = (i: number) => (outputs[i] ? [outputs[i]] : 1)
  const [mu] = e.node('ReduceMean', [x, axis], named(1), { keepdims: 1 })
  const [centred] = e.node('Sub', [x, mu], 1)
  const [variance] = e.node('ReduceMean', [e.node('Mul', [centred, centred], 1)[0], axis], 1, { keepdims: 1 })
  const [root] = e.node('Sqrt', [e.node('Add', [variance, e.scalar(epsilon, 'float64')], 1)[0]], 1)
  const [s] = e.node('Reciprocal', [root], named(2))
  const [scaled] = e.node('Mul', [e.node('Mul', [centred, s], 1)[0], weight], 1)
  e.node('Add', [scaled, bias], [outputs[0]])
}

/** x: B,C,H,W; mean and variance over each image's C/groups channels and all pixels; weight, bias: C. */
export function groupNorm(x: Tensor, groups: number, weight: Tensor, bias: Tensor, epsilon: number): Tensor {
  const operands = [x, weight, bias]
  if (x.rank !== 4) throw new ShapeError('groupNorm', operands, 'needs maps B,C,H,W')
  const [batch, channels] = x.shape
  if (channels % groups !== 0)
    throw new ShapeError('groupNorm', operands, `${channels} channels do not make ${groups} groups`)
  if ([weight, bias].some((t) => t.rank !== 1 || t.shape[0] !== channels))
    throw new ShapeError('groupNorm', operands, 'weight and bias need one value per channel')
  const rows = reshape(x, [batch, groups, x.size / (batch * groups)])
  const keep = { keepAxes: true }
  const centred = sub(rows, mean(rows, [-1], keep))
  const deviation = sqrt(add(mean(square(centred), [-1], keep), epsilon))
  const normal = reshape(div(centred, deviation), x.shape)
  const perChannel = [1, channels, 1, 1]
  return add(mul(normal, reshape(weight, perChannel)), reshape(bias, perChannel))
}
