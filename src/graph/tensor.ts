/**
 * Symbolic tensors, and the graph that records them.
 *
 * A `Tensor` has a dtype, a static shape and the node that produces it; a `Graph` hands out leaves (inputs, parameters,
 * constants) and records nodes in the order in which they were made, which is a topological order by construction.
 * A node carries, as closures written side by side in one op's file, how it becomes ONNX (`emit`) and its
 * vector–Jacobian product (`vjp`). Nothing here computes: values exist only on the engine (src/runtime).
 */
import { assert } from '../support/errors.ts'

/** Type of the values of a tensor. */
export type DType = 'float32' | 'float64' | 'int64' | 'bool'
/** The dtypes that have gradients. float64 is for gradient checks. */
export type FloatType = 'float32' | 'float64'
/** Lengths of the axes, all known when the graph is built. */
export type Shape = readonly number[]
/** Values of a tensor, row-major; a bool is a byte. */
export type TensorData = Float32Array | Float64Array | BigInt64Array | Uint8Array

/** How a parameter starts when no checkpoint gives it: the recipe of its distribution. */
export type Init =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly deviation: number }
  /** U(−b, b) with b = gain/√fanIn; fan-in is the product of all axes but the first. */
  | { readonly kind: 'fan-in'; readonly gain: number }

/** Of an ONNX node. A number is an integer unless it is wrapped as a float. */
export type Attribute = number | string | readonly number[] | { readonly float: number }

/** What an op's `emit` may do. Names are those of ONNX values. */
export interface Emitter {
  /** Adds an ONNX node and returns the names of its outputs; `outputs` are given names, or how many new ones to make. */
  node(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[] | number,
    attributes?: Readonly<Record<string, Attribute>>,
  ): readonly string[]
  /** The name of an initializer with these values; equal constants are stored once. */
  constant(data: TensorData, shape: Shape, dtype: DType): string
  /** int64 vector, as shapes and axes are passed. */
  ints(values: readonly number[]): string
  /** A scalar of a float dtype. */
  scalar(value: number, dtype: DType): string
  /** The name of the op's result i, also where nobody reads it: for operators that want every output named. */
  result(i: number): string
}

/** What a node makes. */
export interface OutputSpec {
  readonly shape: Shape
  readonly dtype: DType
}

/** An op at work: what it reads and makes, how it is emitted, and its gradient. */
export interface NodeSpec {
  readonly op: string
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly OutputSpec[]
  /** Writes the op as ONNX nodes whose results have the names `outputs`. */
  readonly emit: (emitter: Emitter, inputs: readonly string[], outputs: readonly string[]) => void
  /**
   * Multiplications that are added up, for one run: those of matrix products and convolutions. Absent: none. Element-wise
   * work, reductions and moves are not counted, as everywhere in this field: they are bound by memory.
   */
  readonly multiplyAdds?: number
  /** Values of the largest set of temporaries that `emit` needs at once besides inputs and outputs. Absent: none. */
  readonly workspace?: number
  /** No gradient passes this node, whatever it is made of: everything before it is a constant for the loss. */
  readonly stopsGradient?: boolean
  /**
   * Gradients of the inputs, given those of the outputs (null where an output has none). A null result says that no
   * gradient flows to that input. Absent: the op has no gradient at all.
   */
  readonly vjp?: (gradients: readonly (Tensor | null)[], needs: readonly boolean[]) => readonly (Tensor | null)[]
}

/** A stretch of a graph whose values reverse mode may compute again instead of keeping them; see `Graph.checkpoint`. */
export interface Span {
  /** The span that this one lies in. */
  readonly outer: Span | null
}

/** An op as a graph holds it. */
export interface Node extends NodeSpec {
  readonly id: number
  readonly name: string
  readonly results: readonly Tensor[]
  /** The innermost span that it was made in. */
  readonly span: Span | null
}

/** Where the values of a tensor come from. */
export type Source =
  | { readonly kind: 'input' }
  | { readonly kind: 'parameter'; readonly init: Init }
  | { readonly kind: 'constant'; readonly data: TensorData }
  | { readonly kind: 'node'; readonly node: Node }

/** A symbolic tensor: a shape, a dtype and what makes it. It has no values until a compiled graph runs. */
export class Tensor {
  readonly size: number

  constructor(
    readonly graph: Graph,
    readonly name: string,
    readonly shape: Shape,
    readonly dtype: DType,
    readonly source: Source,
  ) {
    this.size = sizeOf(shape)
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length
  }

  /** What makes it; null for an input, a parameter or a constant. */
  get node(): Node | null {
    return this.source.kind === 'node' ? this.source.node : null
  }

  /** `name:float32[2,3]`, for messages. */
  toString(): string {
    return `${this.name}:${this.dtype}[${this.shape.join(',')}]`
  }
}

/** Number of values. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, n) => product * n, 1)
}

/** Whether two shapes have the same axes. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i])
}

/** Whether a dtype has gradients. */
export function isFloat(dtype: DType): dtype is FloatType {
  return dtype === 'float32' || dtype === 'float64'
}

/** A wrong use of an op: names the op, the operands with their shapes, and what is wrong. */
export class ShapeError extends Error {
  override name = 'ShapeError'

  constructor(op: string, operands: readonly Tensor[], problem: string) {
    super(`${op}(${operands.join(', ')}): ${problem}`)
  }
}

/** Inputs, parameters and the nodes between them and the outputs. It only grows. */
export class Graph {
  /** The dtype of parameters and real constants: float64 is for gradient checks. */
  readonly float: FloatType
  /**
   * Most temporary values in memory at once of what is computed row by row, which then runs in blocks of rows (ops/blocks.ts): the scores
   * of an attention, the hidden layer of an MLP. For prediction; a gradient needs them all anyway.
   */
  readonly valuesAtOnce: number
  readonly inputs = new Map<string, Tensor>()
  readonly parameters = new Map<string, Tensor>()
  private nodeCount = 0
  private constantCount = 0
  private readonly scopes: string[] = []
  private span: Span | null = null
  private replacements: ReadonlyMap<Tensor, Tensor> = new Map()

  constructor({
    float = 'float32',
    valuesAtOnce = Number.POSITIVE_INFINITY,
  }: { readonly float?: FloatType; readonly valuesAtOnce?: number } = {}) {
    this.float = float
    this.valuesAtOnce = valuesAtOnce
  }

  /** A tensor that is fed at every run. Throws when the name is taken. */
  input(name: string, shape: Shape, dtype: DType = this.float): Tensor {
    checkShape(`input ${name}`, shape)
    if (this.inputs.has(name) || this.parameters.has(name)) throw new Error(`graph: the name ${name} is taken`)
    const tensor = new Tensor(this, name, [...shape], dtype, { kind: 'input' })
    this.inputs.set(name, tensor)
    return tensor
  }

  /** The parameter of this name; asking again gives the same tensor (weights shared between steps), of the same shape. */
  parameter(name: string, shape: Shape, init: Init): Tensor {
    const known = this.parameters.get(name)
    if (known) {
      if (!sameShape(known.shape, shape))
        throw new Error(`graph: parameter ${known} asked for again with shape [${shape.join(',')}]`)
      return known
    }
    checkShape(`parameter ${name}`, shape)
    if (this.inputs.has(name)) throw new Error(`graph: the name ${name} is taken by an input`)
    const tensor = new Tensor(this, name, [...shape], this.float, { kind: 'parameter', init })
    this.parameters.set(name, tensor)
    return tensor
  }

  /** A constant; numbers take the graph's float type unless `dtype` says otherwise. */
  constant(values: readonly number[] | TensorData, shape: Shape, dtype: DType = this.float): Tensor {
    checkShape('constant', shape)
    const data = toData(values, dtype)
    if (data.length !== sizeOf(shape))
      throw new Error(`constant: ${data.length} values do not fill shape [${shape.join(',')}]`)
    const name = `constant_${this.constantCount++}`
    return new Tensor(this, name, [...shape], dtype, { kind: 'constant', data })
  }

  /** A constant without axes. */
  scalar(value: number, dtype: DType = this.float): Tensor {
    return this.constant([value], [], dtype)
  }

  /** Nodes made inside `body` carry `name` in their names, so that an engine error says where in the model it arose. */
  scope<T>(name: string, body: () => T): T {
    this.scopes.push(name)
    try {
      return body()
    } finally {
      this.scopes.pop()
    }
  }

  /** The same as `scope` up to the end of the block that holds it: `using _ = graph.section('step1')`. */
  section(name: string): Disposable {
    const depth = this.scopes.push(name)
    return {
      [Symbol.dispose]: () => {
        this.scopes.length = depth - 1
      },
    }
  }

  /**
   * Marks the nodes made inside `body` as a span. The mark changes nothing by itself. A gradient that is asked to
   * (`gradient` with `checkpoints: 'recompute'`) keeps only what the span reads from outside, and computes the values in it
   * again when it needs them. A span inside a span is computed again from the values of the outer one.
   */
  checkpoint<T>(body: () => T): T {
    const outer = this.span
    this.span = { outer }
    try {
      return body()
    } finally {
      this.span = outer
    }
  }

  /** Nodes recorded inside `body` read `replacements.get(x)` where they are given an x that has one. For reverse mode. */
  replacing<T>(replacements: ReadonlyMap<Tensor, Tensor>, body: () => T): T {
    const before = this.replacements
    this.replacements = replacements
    try {
      return body()
    } finally {
      this.replacements = before
    }
  }

  /** Records a node; ops call this, models do not. */
  apply(spec: NodeSpec): readonly Tensor[] {
    for (const input of spec.inputs)
      if (input.graph !== this) throw new ShapeError(spec.op, spec.inputs, `${input.name} belongs to another graph`)
    const id = this.nodeCount++
    const name = [...this.scopes, `${spec.op}_${id}`].join('/')
    const results: Tensor[] = []
    const inputs = spec.inputs.map((input) => this.replacements.get(input) ?? input)
    const node: Node = { ...spec, inputs, id, name, results, span: this.span }
    spec.outputs.forEach(({ shape, dtype }, i) => {
      checkShape(spec.op, shape)
      const label = spec.outputs.length === 1 ? name : `${name}.${i}`
      results.push(new Tensor(this, label, [...shape], dtype, { kind: 'node', node }))
    })
    return results
  }
}

/** Nodes that the tensors depend on, in an order in which they can be computed; none of those behind `given` tensors. */
export function nodesBehind(tensors: readonly Tensor[], given: Pick<ReadonlySet<Tensor>, 'has'> = NOTHING): Node[] {
  const found = new Set<Node>()
  const makers = (ones: readonly Tensor[]) => ones.flatMap((tensor) => (given.has(tensor) ? [] : (tensor.node ?? [])))
  const stack = makers(tensors)
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (found.has(node)) continue
    found.add(node)
    stack.push(...makers(node.inputs))
  }
  return [...found].sort((a, b) => a.id - b.id)
}

/** Leaves (inputs, parameters, constants) that the tensors depend on; none of those behind `given` tensors. */
export function leavesBehind(tensors: readonly Tensor[], given: Pick<ReadonlySet<Tensor>, 'has'> = NOTHING): Tensor[] {
  const leaves = new Set<Tensor>()
  for (const tensor of tensors) if (!tensor.node) leaves.add(tensor)
  for (const node of nodesBehind(tensors, given)) for (const input of node.inputs) if (!input.node) leaves.add(input)
  return [...leaves]
}

const NOTHING: ReadonlySet<Tensor> = new Set()

function checkShape(what: string, shape: Shape): void {
  for (const n of shape)
    if (!Number.isInteger(n) || n < 0)
      throw new Error(`${what}: [${shape.join(',')}] is no shape; axes are integers >= 0`)
}

function toData(values: readonly number[] | TensorData, dtype: DType): TensorData {
  if (!Array.isArray(values)) {
    const data = values as TensorData
    assert(data instanceof arrayType(dtype), `constant data of another type than ${dtype}`)
    return data
  }
  if (dtype === 'float32') return Float32Array.from(values)
  if (dtype === 'float64') return Float64Array.from(values)
  if (dtype === 'bool') return Uint8Array.from(values)
  return BigInt64Array.from(values, (v) => BigInt(v))
}

/** The typed array that holds values of a dtype (bool: one byte each). */
export function arrayType(dtype: DType) {
  return { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, bool: Uint8Array }[dtype]
}
