/**
 * For tests only: how an op is proved. Every case of a file goes into one graph per dtype, which runs once;
 * then each case is compared with
 *
 *     values      float64 and float32 against a reference in plain loops over `NdArray`
 *     gradients   of ⟨y, cotangent⟩ in float64 against central differences (f(x+h) − f(x−h))/2h of the same graph, and in
 *                 float32 (which is emitted differently for some ops) against float64
 *
 * Cases are independent of each other, so one pair of runs moves the n-th number of every case at once. Not exported from
 * the package; it imports the engine, which code of this room must not.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { gradient } from '../src/graph/gradient.ts'
import { compile, type PortInfo } from '../src/graph/onnx.ts'
import { mul, reshape, stopGradient, sum } from '../src/graph/ops/index.ts'
import { type DType, type FloatType, Graph, type Shape, sizeOf, type Tensor } from '../src/graph/tensor.ts'
import { Engine } from '../src/runtime/engine.ts'
import type { PortData } from '../src/runtime/protocol.ts'
import { Random } from '../src/support/random.ts'

/** Values and a shape, with slow and checked access. */
export class NdArray {
  constructor(
    readonly shape: Shape,
    readonly data: Float64Array,
  ) {}

  private offset(index: readonly number[]): number | null {
    if (index.length !== this.shape.length) throw new Error(`[${index}] does not index [${this.shape}]`)
    return index.reduce<number | null>(
      (offset, i, axis) =>
        offset === null || !(i >= 0 && i < this.shape[axis]) ? null : offset * this.shape[axis] + i,
      0,
    )
  }

  at(...index: number[]): number {
    const offset = this.offset(index)
    if (offset === null) throw new Error(`[${index}] is outside [${this.shape}]`)
    return this.data[offset]
  }

  /** 0 outside: zero padding. */
  padded(...index: number[]): number {
    const offset = this.offset(index)
    return offset === null ? 0 : this.data[offset]
  }
}

/** Every index of a shape, row-major. */
export function indices(shape: Shape): number[][] {
  return shape.reduce<number[][]>((all, n) => all.flatMap((i) => Array.from({ length: n }, (_, j) => [...i, j])), [[]])
}

/** The array whose entry at (i, j, …) is value(i, j, …). */
export function nd(shape: Shape, value: (...index: number[]) => number): NdArray {
  return new NdArray(
    shape,
    Float64Array.from(indices(shape), (index) => value(...index)),
  )
}

/** Σ_i Σ_j … term(i, j, …) with i below counts[0], j below counts[1], … */
export function sigma(counts: Shape, term: (...index: number[]) => number): number {
  return indices(counts).reduce((total, index) => total + term(...index), 0)
}

interface OperandSpec {
  readonly shape: Shape
  readonly dtype?: 'int64' | 'bool'
  /** Given values, or a range to draw from; default: ±[0.2, 1.7], away from the kink at 0. */
  readonly values?: readonly number[]
  readonly range?: readonly [number, number]
}

export const between = (low: number, high: number, shape: Shape): OperandSpec => ({ shape, range: [low, high] })
export const given = (values: readonly number[], shape: Shape = [values.length]): OperandSpec => ({ shape, values })
export const ints = (values: readonly number[], shape: Shape = [values.length]): OperandSpec => ({
  shape,
  values,
  dtype: 'int64',
})
export const bools = (values: readonly number[], shape: Shape = [values.length]): OperandSpec => ({
  shape,
  values,
  dtype: 'bool',
})

export interface OpCase {
  readonly name: string
  readonly operands: readonly OperandSpec[]
  readonly build: (...operands: Tensor[]) => Tensor
  readonly reference: (...operands: NdArray[]) => NdArray
  /** Positions of the operands to differentiate in. */
  readonly differentiable: readonly number[]
}

/** A case; an operand given as a bare shape takes the default values. Differentiated in all floats unless told otherwise. */
export function op(
  name: string,
  operands: readonly (Shape | OperandSpec)[],
  build: OpCase['build'],
  reference: OpCase['reference'],
  { gradient }: { readonly gradient?: 'none' | readonly number[] } = {},
): OpCase {
  const specs = operands.map((o): OperandSpec => ('shape' in o ? o : { shape: o }))
  const floats = specs.flatMap(({ dtype }, i) => (dtype ? [] : [i]))
  return { name, operands: specs, build, reference, differentiable: gradient === 'none' ? [] : (gradient ?? floats) }
}

/** Exact float32 numbers, the same at every run. */
function draw({ shape, values, range }: OperandSpec, random: Random): Float64Array {
  if (values) return Float64Array.from(values)
  const number = () =>
    range ? random.uniform(range[0], range[1]) : random.uniform(0.2, 1.7) * (random.chance(0.5) ? 1 : -1)
  return Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(number()))
}

function toPort(values: Float64Array, dtype: DType): PortData {
  if (dtype === 'float64') return values
  if (dtype === 'float32') return Float32Array.from(values)
  if (dtype === 'bool') return Uint8Array.from(values)
  return BigInt64Array.from(values, (v) => BigInt(v))
}

const toNumbers = (data: PortData): Float64Array => Float64Array.from(data as ArrayLike<number>, Number)

/** max|a − b| / max|b|; for an all-zero b the largest |a|. Equal infinities agree; NaN where the other has none is NaN. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let difference = 0
  let scale = 0
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i])) {
      if (Number.isFinite(expected[i])) scale = Math.max(scale, Math.abs(expected[i]))
      continue
    }
    if (!Number.isFinite(actual[i]) || !Number.isFinite(expected[i])) return Number.NaN
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]))
    scale = Math.max(scale, Math.abs(expected[i]))
  }
  return scale === 0 ? difference : difference / scale
}

interface Outcome {
  readonly shape: Shape
  readonly value: Float64Array
  /** By operand; null where none was asked for. */
  readonly gradients: readonly (Float64Array | null)[]
}

/** One graph with every case in it, running on one engine. */
class Bench {
  private readonly graph: Graph
  private readonly outputs: Record<string, Tensor> = {}
  private readonly losses: Record<string, Tensor> = {}
  private readonly shapes: Shape[] = []

  constructor(
    private readonly engine: Engine,
    private readonly cases: readonly OpCase[],
    private readonly values: readonly (readonly Float64Array[])[],
    private readonly float: FloatType,
  ) {
    this.graph = new Graph({ float })
    cases.forEach((c, n) => {
      const operands = c.operands.map(({ shape, dtype }, i) => this.graph.input(`${n}/${i}`, shape, dtype))
      const y = c.build(...operands)
      this.outputs[`${n}/y`] = y
      this.shapes.push(y.shape)
      if (c.differentiable.length === 0) return
      const loss = sum(mul(reshape(y, [y.size]), stopGradient(this.cotangent(y, n))))
      this.losses[`${n}/loss`] = loss
      const wrt = c.differentiable.map((i) => operands[i])
      gradient(loss, wrt).forEach((g, j) => {
        this.outputs[`${n}/d${c.differentiable[j]}`] = g
      })
    })
  }

  private cotangent(y: Tensor, n: number): Tensor {
    const random = new Random(n, 7)
    return this.graph.constant(
      Array.from({ length: y.size }, () => Math.fround(random.uniform(0.5, 1.5) * (random.chance(0.5) ? 1 : -1))),
      [y.size],
    )
  }

  /** For the inputs that are used; float64 operands are fed as they are, not copied. */
  private feeds(used: readonly PortInfo[], values: readonly (readonly Float64Array[])[]): Record<string, PortData> {
    const names = new Set(used.map(({ name }) => name))
    return Object.fromEntries(
      this.cases.flatMap((c, n) =>
        c.operands.flatMap(({ dtype }, i) =>
          names.has(`${n}/${i}`) ? [[`${n}/${i}`, toPort(values[n][i], dtype ?? this.float)]] : [],
        ),
      ),
    )
  }

  async outcomes(): Promise<Outcome[]> {
    await using program = await this.engine.load(compile(this.outputs, { name: `all cases in ${this.float}` }))
    const results = await program.run(this.feeds(program.inputs, this.values))
    return this.cases.map((c, n) => ({
      shape: this.shapes[n],
      value: toNumbers(results[`${n}/y`]),
      gradients: c.operands.map((_, i) => (c.differentiable.includes(i) ? toNumbers(results[`${n}/d${i}`]) : null)),
    }))
  }

  async differences(h = 1e-4): Promise<(readonly (Float64Array | null)[])[]> {
    const places = this.cases.map((c, n) =>
      c.differentiable.flatMap((i) => [...this.values[n][i].keys()].map((j) => [i, j])),
    )
    const results = this.cases.map((c, n) =>
      c.operands.map((_, i) => (c.differentiable.includes(i) ? new Float64Array(this.values[n][i].length) : null)),
    )
    if (Object.keys(this.losses).length === 0) return results
    await using program = await this.engine.load(compile(this.losses, { name: 'losses of all cases' }))
    const moved = this.values.map((operands) => operands.map((values) => values.slice()))
    const feeds = this.feeds(program.inputs, moved) // views of `moved`
    const longest = Math.max(...places.map((list) => list.length))
    for (let step = 0; step < longest; step++) {
      const active = places.flatMap((list, n) =>
        step < list.length ? [{ n, i: list[step][0], j: list[step][1] }] : [],
      )
      const run = async (shift: number) => {
        for (const { n, i, j } of active) moved[n][i][j] = this.values[n][i][j] + shift
        return program.run(feeds, { fetch: active.map(({ n }) => `${n}/loss`) })
      }
      const [up, down] = [await run(h), await run(-h)]
      for (const { n, i, j } of active) {
        moved[n][i][j] = this.values[n][i][j]
        results[n][i]![j] = (toNumbers(up[`${n}/loss`])[0] - toNumbers(down[`${n}/loss`])[0]) / (2 * h)
      }
    }
    return results
  }
}

/** float64 values are the same formula in the same precision; float32 ones round. */
const TOLERANCE = { float64: 1e-12, float32: 1e-5, gradient: 1e-6 }

/** Registers two tests for each case. */
export function testOps(cases: readonly OpCase[]): void {
  const values = cases.map((c, n) => c.operands.map((spec, i) => draw(spec, new Random(n, i))))
  let double: Outcome[]
  let single: Outcome[]
  let differences: (readonly (Float64Array | null)[])[]

  beforeAll(async () => {
    await using engine = new Engine({ threads: 1 })
    const bench = new Bench(engine, cases, values, 'float64')
    double = await bench.outcomes()
    differences = await bench.differences()
    single = await new Bench(engine, cases, values, 'float32').outcomes()
  }, 240_000)

  const named = cases.map((c, n) => [c.name, c, n] as const)
  describe('gives the values of its definition', () => {
    test.each(named)('%s', (_name, c, n) => {
      const expected = c.reference(...c.operands.map(({ shape }, i) => new NdArray(shape, values[n][i])))
      expect(double[n].shape).toEqual(expected.shape)
      expect(relativeError(double[n].value, expected.data), 'float64').toBeLessThan(TOLERANCE.float64)
      expect(relativeError(single[n].value, expected.data), 'float32').toBeLessThan(TOLERANCE.float32)
    })
  })
  describe('has the gradient of central differences', () => {
    const differentiated = named.filter(([, c]) => c.differentiable.length > 0)
    if (differentiated.length > 0)
      test.each(differentiated)('%s', (_name, c, n) => {
        for (const i of c.differentiable) {
          const exact = double[n].gradients[i]!
          const numeric = differences[n][i]!
          // A case whose gradient vanishes would prove nothing.
          expect(Math.max(...numeric.map(Math.abs)), `operand ${i}: size`).toBeGreaterThan(1e-3)
          expect(relativeError(exact, numeric), `operand ${i}`).toBeLessThan(TOLERANCE.gradient)
          expect(relativeError(single[n].gradients[i]!, exact), `operand ${i} in float32`).toBeLessThan(
            TOLERANCE.float32,
          )
        }
      })
  })
}

/** Runs a graph once: outputs by name, as numbers. `feeds` go to the inputs and parameters of that name. */
export async function evaluate(
  engine: Engine,
  outputs: Readonly<Record<string, Tensor>>,
  feeds: Readonly<Record<string, ArrayLike<number>>> = {},
): Promise<Record<string, Float64Array>> {
  const compiled = compile(outputs, { name: 'test' })
  await using program = await engine.load(compiled)
  const ports = [...compiled.inputs, ...compiled.parameters].map(({ name, dtype }) => {
    if (!(name in feeds)) throw new Error(`evaluate: no values for ${name}`)
    return [name, toPort(Float64Array.from(feeds[name]), dtype)] as const
  })
  const results = await program.run(Object.fromEntries(ports))
  return Object.fromEntries(Object.entries(results).map(([name, data]) => [name, toNumbers(data)]))
}

/** Gradients of a scalar by central differences of the graph itself, for compositions that have no reference. */
export async function differences(
  engine: Engine,
  loss: Tensor,
  feeds: Readonly<Record<string, ArrayLike<number>>>,
  names: readonly string[],
  h = 1e-4,
): Promise<Record<string, Float64Array>> {
  const compiled = compile({ loss }, { name: 'differences' })
  await using program = await engine.load(compiled)
  const ports = [...compiled.inputs, ...compiled.parameters]
  const moved = Object.fromEntries(ports.map(({ name }) => [name, Float64Array.from(feeds[name])]))
  const at = async () => {
    const fed = Object.fromEntries(ports.map(({ name, dtype }) => [name, toPort(moved[name], dtype)]))
    return toNumbers((await program.run(fed)).loss)[0]
  }
  const result: Record<string, Float64Array> = {}
  for (const name of names) {
    const values = moved[name]
    result[name] = new Float64Array(values.length)
    for (let i = 0; i < values.length; i++) {
      const x = values[i]
      values[i] = x + h
      const up = await at()
      values[i] = x - h
      result[name][i] = (up - (await at())) / (2 * h)
      values[i] = x
    }
  }
  return result
}

/** Seeded numbers in ±[0.2, 1.7], exact in float32. */
export function numbers(count: number, seed = 1): Float64Array {
  return draw({ shape: [count] }, new Random(seed, 99))
}

/** Values for every parameter of a graph, of the sizes that their recipes say; constants get noise, so that biases count. */
export function someWeights(graph: Graph, seed = 1): Record<string, Float64Array> {
  const random = new Random(seed, 5)
  const draws = ({ source, shape }: Tensor): (() => number) => {
    if (source.kind !== 'parameter') return () => random.normal()
    const { init } = source
    if (init.kind === 'normal') return () => random.normal(0, init.deviation)
    if (init.kind === 'constant') return () => random.normal(init.value, 0.1)
    const bound = init.gain / Math.sqrt(sizeOf(shape.slice(1)))
    return () => random.uniform(-bound, bound)
  }
  return Object.fromEntries(
    [...graph.parameters].map(([name, parameter]) => {
      const next = draws(parameter)
      return [name, Float64Array.from({ length: parameter.size }, () => Math.fround(next()))]
    }),
  )
}
