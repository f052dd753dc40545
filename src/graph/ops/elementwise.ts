/**
 * Element-wise ops with NumPy broadcasting: arithmetic, comparisons, activations.
 *
 * float64 is only for gradient checks. Where the engine has no float64 kernel (Erf, Gelu) the same function is emitted
 * in ops that have one, to full double precision.
 */
import { type DType, type Emitter, isFloat, type Shape, ShapeError, sameShape, Tensor } from '../tensor.ts'
import { expand, sumTo } from './broadcast.ts'
import { legendre } from './legendre.ts'
import { cast } from './shape.ts'

/** A tensor, or a number that takes the dtype of the other operand. */
export type Operand = Tensor | number

/** The shape both operands are broadcast to. */
function broadcastShape(op: string, operands: readonly Tensor[]): Shape {
  const rank = Math.max(...operands.map((x) => x.rank))
  return Array.from({ length: rank }, (_, i) => {
    const axes = operands.map((x) => x.shape[i - rank + x.rank] ?? 1)
    const n = axes.find((m) => m !== 1) ?? 1
    if (axes.some((m) => m !== 1 && m !== n)) throw new ShapeError(op, operands, 'shapes cannot be broadcast together')
    return n
  })
}

function operands(op: string, a: Operand, b: Operand): [Tensor, Tensor] {
  if (a instanceof Tensor && b instanceof Tensor) {
    if (a.dtype !== b.dtype) throw new ShapeError(op, [a, b], 'dtypes differ')
    return [a, b]
  }
  if (a instanceof Tensor) return [a, a.graph.scalar(b as number, a.dtype)]
  if (b instanceof Tensor) return [b.graph.scalar(a, b.dtype), b]
  throw new Error(`${op}: at least one operand must be a tensor`)
}

type Vjp = (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => [() => Tensor, () => Tensor]

function binary(op: string, onnx: string, a: Operand, b: Operand, vjp: Vjp): Tensor {
  const [x0, x1] = operands(op, a, b)
  if (!isFloat(x0.dtype) && x0.dtype !== 'int64') throw new ShapeError(op, [x0, x1], 'needs numbers')
  const [y] = x0.graph.apply({
    op,
    inputs: [x0, x1],
    outputs: [{ shape: broadcastShape(op, [x0, x1]), dtype: x0.dtype }],
    emit: (e, inputs, y) => e.node(onnx, inputs, y),
    vjp: ([dy], needs) => {
      if (!dy) return [null, null]
      const [d0, d1] = vjp(dy, x0, x1, y)
      return [needs[0] ? sumTo(d0(), x0.shape) : null, needs[1] ? sumTo(d1(), x1.shape) : null]
    },
  })
  return y
}

/** a + b */
export function add(a: Operand, b: Operand): Tensor {
  return binary('add', 'Add', a, b, (dy) => [() => dy, () => dy])
}

/** a − b */
export function sub(a: Operand, b: Operand): Tensor {
  return binary('sub', 'Sub', a, b, (dy) => [() => dy, () => neg(dy)])
}

/** a · b */
export function mul(a: Operand, b: Operand): Tensor {
  return binary('mul', 'Mul', a, b, (dy, a, b) => [() => mul(dy, b), () => mul(dy, a)])
}

/** d(a/b) = da/b − (a/b)·db/b */
export function div(a: Operand, b: Operand): Tensor {
  return binary('div', 'Div', a, b, (dy, _, b, y) => [() => div(dy, b), () => neg(div(mul(dy, y), b))])
}

/** Larger of the two; where they are equal the gradient goes to a. */
export function maximum(a: Operand, b: Operand): Tensor {
  return binary('maximum', 'Max', a, b, (dy, a, b) => [
    () => mul(dy, cast(greaterEqual(a, b), dy.dtype)),
    () => mul(dy, cast(less(a, b), dy.dtype)),
  ])
}

/** Smaller of the two; where they are equal the gradient goes to a. */
export function minimum(a: Operand, b: Operand): Tensor {
  return binary('minimum', 'Min', a, b, (dy, a, b) => [
    () => mul(dy, cast(lessEqual(a, b), dy.dtype)),
    () => mul(dy, cast(greater(a, b), dy.dtype)),
  ])
}

/** x limited to [low, high]; the gradient passes where x lies inside, borders included. */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  if (!(low <= high)) throw new ShapeError('clamp', [x], `[${low}, ${high}] is empty`)
  const upper = Number.isFinite(high) ? minimum(x, high) : x
  return Number.isFinite(low) ? maximum(upper, low) : upper
}

function compare(op: string, onnx: string, a: Operand, b: Operand): Tensor {
  const [x0, x1] = operands(op, a, b)
  const [y] = x0.graph.apply({
    op,
    inputs: [x0, x1],
    outputs: [{ shape: broadcastShape(op, [x0, x1]), dtype: 'bool' }],
    emit: (e, inputs, y) => e.node(onnx, inputs, y),
  })
  return y
}

/** a = b as bools. */
export const equal = (a: Operand, b: Operand): Tensor => compare('equal', 'Equal', a, b)
/** a < b as bools. */
export const less = (a: Operand, b: Operand): Tensor => compare('less', 'Less', a, b)
/** a ≤ b as bools. */
export const lessEqual = (a: Operand, b: Operand): Tensor => compare('lessEqual', 'LessOrEqual', a, b)
/** a > b as bools. */
export const greater = (a: Operand, b: Operand): Tensor => compare('greater', 'Greater', a, b)
/** a ≥ b as bools. */
export const greaterEqual = (a: Operand, b: Operand): Tensor => compare('greaterEqual', 'GreaterOrEqual', a, b)

/** a ∧ b of bools. */
export function and(a: Tensor, b: Tensor): Tensor {
  if (a.dtype !== 'bool' || b.dtype !== 'bool') throw new ShapeError('and', [a, b], 'needs bool tensors')
  return compare('and', 'And', a, b)
}

/** a ∨ b of bools. */
export function or(a: Tensor, b: Tensor): Tensor {
  if (a.dtype !== 'bool' || b.dtype !== 'bool') throw new ShapeError('or', [a, b], 'needs bool tensors')
  return compare('or', 'Or', a, b)
}

/** ¬x of bools. */
export function not(x: Tensor): Tensor {
  if (x.dtype !== 'bool') throw new ShapeError('not', [x], 'needs a bool tensor')
  const [y] = x.graph.apply({
    op: 'not',
    inputs: [x],
    outputs: [{ shape: x.shape, dtype: 'bool' }],
    emit: (e, inputs, y) => e.node('Not', inputs, y),
  })
  return y
}

/** a where the condition holds, else b; a NaN on the side that is not taken does not leak into value or gradient. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const [x0, x1] = operands('where', a, b)
  if (condition.dtype !== 'bool') throw new ShapeError('where', [condition, x0, x1], 'the condition must be bool')
  const shape = broadcastShape('where', [condition, x0, x1])
  const [y] = x0.graph.apply({
    op: 'where',
    inputs: [condition, x0, x1],
    outputs: [{ shape, dtype: x0.dtype }],
    emit: (e, inputs, y) => e.node('Where', inputs, y),
    vjp: ([dy], needs) => [
      null,
      dy && needs[1] ? sumTo(where(condition, dy, 0), x0.shape) : null,
      dy && needs[2] ? sumTo(where(condition, 0, dy), x1.shape) : null,
    ],
  })
  return y
}

type UnaryVjp = (dy: Tensor, x: Tensor, y: Tensor) => Tensor
type UnaryEmit = (e: Emitter, x: string, y: readonly string[], dtype: DType) => void

function unary(
  op: string,
  x: Tensor,
  onnx: string | UnaryEmit,
  vjp: UnaryVjp | null,
  { workspace }: { readonly workspace?: number } = {},
): Tensor {
  if (!isFloat(x.dtype)) throw new ShapeError(op, [x], 'needs a float tensor')
  const [y] = x.graph.apply({
    op,
    inputs: [x],
    outputs: [{ shape: x.shape, dtype: x.dtype }],
    emit: (e, [name], out) => {
      if (typeof onnx === 'string') e.node(onnx, [name], out)
      else onnx(e, name, out, x.dtype)
    },
    workspace,
    stopsGradient: vjp === null,
    vjp: ([dy]) => [dy && vjp ? vjp(dy, x, y) : null],
  })
  return y
}

/** −x */
export const neg = (x: Tensor): Tensor => unary('neg', x, 'Neg', (dy) => neg(dy))
/** eˣ */
export const exp = (x: Tensor): Tensor => unary('exp', x, 'Exp', (dy, _, y) => mul(dy, y))
/** ln x */
export const log = (x: Tensor): Tensor => unary('log', x, 'Log', (dy, x) => div(dy, x))
/** d√x = dx/(2√x): infinite at 0; callers add the epsilon that their formula states. */
export const sqrt = (x: Tensor): Tensor => unary('sqrt', x, 'Sqrt', (dy, _, y) => div(mul(dy, 0.5), y))
/** x² */
export const square = (x: Tensor): Tensor => mul(x, x)
/** |x|; the gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => unary('abs', x, 'Abs', (dy, x) => mul(dy, sign(x)))
/** −1, 0 or 1, without gradient. */
export const sign = (x: Tensor): Tensor => unary('sign', x, 'Sign', null)
/** Largest integer not above x, without gradient. */
export const floor = (x: Tensor): Tensor => unary('floor', x, 'Floor', null)
/** σ(x) = 1/(1 + e⁻ˣ) */
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid', x, 'Sigmoid', (dy, _, y) => mul(dy, mul(y, sub(1, y))))
/** tanh x */
export const tanh = (x: Tensor): Tensor => unary('tanh', x, 'Tanh', (dy, _, y) => mul(dy, sub(1, mul(y, y))))
/** ln(1 + exp x), without overflow; its slope is σ(x). */
export const softplus = (x: Tensor): Tensor => unary('softplus', x, emitSoftplus, (dy, x) => mul(dy, sigmoid(x)))
/** max(x, 0); the gradient at 0 is 0, as PyTorch's. */
export const relu = (x: Tensor): Tensor => unary('relu', x, 'Relu', (dy, _, y) => where(greater(y, 0), dy, 0))
/** min(max(x, 0), 6); the gradient at 0 and 6 is 0, as PyTorch's. */
export const relu6 = (x: Tensor): Tensor =>
  unary(
    'relu6',
    x,
    (e, x, y, dtype) => e.node('Clip', [x, e.scalar(0, dtype), e.scalar(6, dtype)], y),
    (dy, x) => where(and(greater(x, 0), less(x, 6)), dy, 0),
  )

/** The error function; d erf(x) = 2/√π·exp(−x²) dx */
export const erf = (x: Tensor): Tensor =>
  unary('erf', x, emitErf, (dy, x) => mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))))

/** Exact GELU: x·Φ(x) = ½·x·(1 + erf(x/√2)) */
export const gelu = (x: Tensor): Tensor =>
  unary(
    'gelu',
    x,
    (e, x, y, dtype) => {
      if (dtype === 'float32') e.node('Gelu', [x], y)
      else e.node('Mul', [x, normalCdf(e, x, dtype)], y)
    },
    (dy, x) => mul(dy, geluSlope(x)),
  )

/**
 * d gelu/dx = Φ(x) + x·φ(x), with slope φ(x)·(2 − x²). The engine fuses no element-wise ops, so each one is a pass over
 * memory; here φ = exp(−x²/2 − ln √(2π)) saves the scaling and `normalCdf` one more.
 */
export const geluSlope = (x: Tensor): Tensor =>
  unary(
    'geluSlope',
    x,
    (e, x, y, dtype) => {
      const density = normalDensity(e, x, dtype)
      const [weighted] = e.node('Mul', [x, density], 1)
      e.node('Add', [normalCdf(e, x, dtype), weighted], y)
    },
    (dy, x) => {
      const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
      return mul(dy, mul(density, sub(2, mul(x, x))))
    },
    { workspace: 2 * x.size }, // the density, and its square or the distribution
  )

/** Φ(x) = ½ + ½·erf(x/√2). HardSigmoid is max(0, min(1, αx + β)): scale, shift and a clip that changes nothing here. */
function normalCdf(e: Emitter, x: string, dtype: DType): string {
  const [scaled] = e.node('Mul', [x, e.scalar(Math.SQRT1_2, dtype)], 1)
  if (dtype === 'float32')
    return e.node('HardSigmoid', e.node('Erf', [scaled], 1), 1, { alpha: { float: 0.5 }, beta: { float: 0.5 } })[0]
  const [half] = e.node('Mul', [erf64(e, scaled), e.scalar(0.5, dtype)], 1)
  return e.node('Add', [half, e.scalar(0.5, dtype)], 1)[0]
}

/** φ(x) = exp(−x²/2)/√(2π) */
function normalDensity(e: Emitter, x: string, dtype: DType): string {
  const [scaled] = e.node('Mul', [x, e.scalar(Math.SQRT1_2, dtype)], 1)
  const [square] = e.node('Mul', [scaled, scaled], 1)
  return e.node('Exp', e.node('Sub', [e.scalar(-0.5 * Math.log(2 * Math.PI), dtype), square], 1), 1)[0]
}

/** max(x, 0) + ln(1 + exp(−|x|)) in float64: no exponent above 0. */
function emitSoftplus(e: Emitter, x: string, y: readonly string[], dtype: DType): void {
  if (dtype === 'float32') {
    e.node('Softplus', [x], y)
    return
  }
  const [decay] = e.node('Exp', e.node('Neg', e.node('Abs', [x], 1), 1), 1)
  const [tail] = e.node('Log', e.node('Add', [decay, e.scalar(1, dtype)], 1), 1)
  e.node('Add', [e.node('Relu', [x], 1)[0], tail], y)
}

function emitErf(e: Emitter, x: string, y: readonly string[], dtype: DType): void {
  if (dtype === 'float32') e.node('Erf', [x], y)
  else e.node('Identity', [erf64(e, x)], y)
}

/** erf(x) = 2x/√π·∫₀¹ exp(−x²t²) dt by 48-point Gauss–Legendre; 1e-15 for |x| < 6, where erf is 1 to double precision. */
function erf64(e: Emitter, input: string): string {
  const { nodes, weights } = legendre(48)
  const [x] = e.node('Clip', [input, e.scalar(-6, 'float64'), e.scalar(6, 'float64')], 1)
  const [column] = e.node('Unsqueeze', [x, e.ints([-1])], 1)
  const [square] = e.node('Mul', [column, column], 1)
  const negatives = e.constant(
    Float64Array.from(nodes, (t) => -t * t),
    [48],
    'float64',
  )
  const [samples] = e.node('Exp', [e.node('Mul', [square, negatives], 1)[0]], 1)
  const [weighted] = e.node('Mul', [samples, e.constant(Float64Array.from(weights), [48], 'float64')], 1)
  const [integral] = e.node('ReduceSum', [weighted, e.ints([-1])], 1, { keepdims: 0 })
  const [scaled] = e.node('Mul', [x, e.scalar(2 / Math.sqrt(Math.PI), 'float64')], 1)
  return e.node('Mul', [integral, scaled], 1)[0]
}

/** The same value, through which no gradient flows (algorithm section 6: windows are constants for the gradient). */
export function stopGradient(x: Tensor): Tensor {
  const [y] = x.graph.apply({
    op: 'stopGradient',
    inputs: [x],
    outputs: [{ shape: x.shape, dtype: x.dtype }],
    emit: (e, inputs, y) => e.node('Identity', inputs, y),
    stopsGradient: true,
  })
  return y
}

/** The value of one tensor, with the gradient of another of the same shape: y = value, dy/dx = 1, dy/dvalue = 0. */
export function withValue(x: Tensor, value: Tensor): Tensor {
  if (x.dtype !== value.dtype || !sameShape(x.shape, value.shape))
    throw new ShapeError('withValue', [x, value], 'dtypes and shapes must be equal')
  const [y] = x.graph.apply({
    op: 'withValue',
    inputs: [x, value],
    outputs: [{ shape: x.shape, dtype: x.dtype }],
    emit: (e, [, value], y) => e.node('Identity', [value], y),
    vjp: ([dy]) => [dy, null],
  })
  return y
}

/** A tensor of one value, broadcast to a shape. */
export function full(like: Tensor, shape: Shape, value: number): Tensor {
  return expand(like.graph.scalar(value, like.dtype), shape)
}
