/**
 * Least squares for a layer that loses inputs: which inputs to keep, and what the weights of the others become, so that the outputs
 * change least on given samples.
 *
 *     A = Σ x·xᵀ + λ·I    B = Σ x·yᵀ    W = A⁻¹·B                x: an input and a constant 1, y: the outputs wanted
 *     cost of leaving input c out = ‖W_c‖² / [A⁻¹]_cc            after which W and A⁻¹ are those of the inputs that are left
 *
 * Optimal brain surgeon (Hassibi & Stork 1993), input by input, the cheapest first. Exact: after every step W is the least-squares solution.
 */
import { Random } from '../../src/data/index.ts'

/** Σ x·xᵀ and Σ x·yᵀ of samples. The last input is the constant 1 of the bias. */
export class Moments {
  readonly a: Float64Array
  readonly b: Float64Array
  samples = 0

  constructor(
    readonly inputs: number,
    readonly outputs: number,
  ) {
    this.a = new Float64Array((inputs + 1) ** 2)
    this.b = new Float64Array((inputs + 1) * outputs)
  }

  /** x: inputs, y: outputs. */
  add(x: Float32Array | Float64Array, y: Float32Array | Float64Array): void {
    const { a, b, inputs, outputs } = this
    const n = inputs + 1
    for (let i = 0; i < n; i++) {
      const xi = i < inputs ? x[i] : 1
      if (xi === 0) continue
      for (let j = 0; j <= i; j++) a[i * n + j] += xi * (j < inputs ? x[j] : 1)
      for (let k = 0; k < outputs; k++) b[i * outputs + k] += xi * y[k]
    }
    this.samples++
  }
}

/** A layer after it has lost inputs. */
export interface Reconstruction {
  /** Inputs that stay, ascending. */
  readonly kept: readonly number[]
  /** outputs×inputs; 0 for inputs that are gone. */
  readonly weight: Float32Array<ArrayBuffer>
  readonly bias: Float32Array<ArrayBuffer>
}

/** λ, as a part of the mean of A's diagonal. */
const RIDGE = 1e-3

/** Keeps `count` inputs. */
export function reconstruct({ a, b, inputs, outputs }: Moments, count: number): Reconstruction {
  const n = inputs + 1
  const full = new Float64Array(n * n)
  let trace = 0
  for (let i = 0; i < inputs; i++) trace += a[i * n + i]
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) full[i * n + j] = full[j * n + i] = a[i * n + j]
    if (i < inputs) full[i * n + i] += (RIDGE * trace) / inputs
  }
  const inverse = invert(full, n)
  const w = product(inverse, b, n, outputs)
  const left = new Set(Array.from({ length: inputs }, (_, i) => i))
  while (left.size > count) {
    let [cheapest, least] = [-1, Number.POSITIVE_INFINITY]
    for (const c of left) {
      let squares = 0
      for (let k = 0; k < outputs; k++) squares += w[c * outputs + k] ** 2
      const cost = squares / inverse[c * n + c]
      if (cost < least) [cheapest, least] = [c, cost]
    }
    remove(inverse, w, { n, outputs, left: [...left, inputs], c: cheapest })
    left.delete(cheapest)
  }
  const weight = new Float32Array(outputs * inputs)
  for (const c of left) for (let k = 0; k < outputs; k++) weight[k * inputs + c] = w[c * outputs + k]
  const bias = Float32Array.from({ length: outputs }, (_, k) => w[inputs * outputs + k])
  return { kept: [...left].sort((p, q) => p - q), weight, bias }
}

/** W −= A⁻¹_c·W_cᵀ/d, A⁻¹ −= A⁻¹_c·A⁻¹_cᵀ/d with d = [A⁻¹]_cc, for the inputs that are left. */
function remove(
  inverse: Float64Array,
  w: Float64Array,
  { n, outputs, left, c }: { n: number; outputs: number; left: readonly number[]; c: number },
): void {
  const column = Float64Array.from({ length: n }, (_, i) => inverse[i * n + c])
  const lost = w.slice(c * outputs, (c + 1) * outputs)
  const d = column[c]
  for (const i of left) {
    const factor = column[i] / d
    if (factor === 0) continue
    for (const j of left) inverse[i * n + j] -= factor * column[j]
    for (let k = 0; k < outputs; k++) w[i * outputs + k] -= factor * lost[k]
  }
}

/** Of a symmetric positive definite matrix n×n, by Gauss-Jordan in place. */
function invert(matrix: Float64Array, n: number): Float64Array {
  const m = matrix.slice()
  for (let p = 0; p < n; p++) {
    const pivot = m[p * n + p]
    m[p * n + p] = 1
    for (let j = 0; j < n; j++) m[p * n + j] /= pivot
    for (let i = 0; i < n; i++) {
      if (i === p) continue
      const factor = m[i * n + p]
      if (factor === 0) continue
      m[i * n + p] = 0
      for (let j = 0; j < n; j++) m[i * n + j] -= factor * m[p * n + j]
    }
  }
  return m
}

/** n×n times n×m. */
function product(p: Float64Array, q: Float64Array, n: number, m: number): Float64Array {
  const result = new Float64Array(n * m)
  for (let i = 0; i < n; i++)
    for (let l = 0; l < n; l++) {
      const factor = p[i * n + l]
      for (let k = 0; k < m; k++) result[i * m + k] += factor * q[l * m + k]
    }
  return result
}

/** The `count` directions in which samples are longest: orthonormal, n×count, of their Σ y·yᵀ, n×n. By subspace iteration. */
export function directions(moment: Float64Array, n: number, count: number, { rounds = 30 } = {}): Float64Array {
  // Begins with the axes that vary most, which is near already.
  const order = Array.from({ length: n }, (_, i) => i).sort((p, q) => moment[q * n + q] - moment[p * n + p])
  // The rest is for axes that vary together, which would become one direction.
  const random = new Random(1)
  let basis = Float64Array.from({ length: n * count }, () => random.uniform(-0.1, 0.1))
  for (let k = 0; k < count; k++) basis[order[k] * count + k] += 1
  for (let round = 0; round < rounds; round++) basis = orthonormal(product(moment, basis, n, count), n, count)
  return basis
}

/** Gram-Schmidt over the columns, twice for rounding. */
function orthonormal(m: Float64Array, n: number, count: number): Float64Array<ArrayBuffer> {
  const columns = Array.from({ length: count }, (_, k) => Float64Array.from({ length: n }, (_, i) => m[i * count + k]))
  const dot = (p: Float64Array, q: Float64Array) => p.reduce((sum, value, i) => sum + value * q[i], 0)
  columns.forEach((column, k) => {
    for (let pass = 0; pass < 2; pass++)
      for (let before = 0; before < k; before++) {
        const along = dot(column, columns[before])
        for (let i = 0; i < n; i++) column[i] -= along * columns[before][i]
      }
    const length = Math.sqrt(dot(column, column)) || 1
    for (let i = 0; i < n; i++) column[i] /= length
  })
  const result = new Float64Array(n * count)
  columns.forEach((column, k) => {
    column.forEach((value, i) => {
      result[i * count + k] = value
    })
  })
  return result
}
