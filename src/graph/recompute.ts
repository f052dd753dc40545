/**
 * Gradient checkpointing (Chen et al., "Training deep nets with sublinear memory cost", 2016): what the gradient needs of the
 * values inside a span (`Graph.checkpoint`) is computed again from what the span reads, instead of being kept since the forward
 * half.
 *
 * An engine undoes that in three ways if it can, and ONNX Runtime does:
 *   - it merges nodes that have the same op and the same inputs, so the copies would be the originals again;
 *   - it may run copies right after the originals, as they need nothing else;
 *   - it may put off the gradients of the parameters, which nobody reads, to the end, and keep all copies until then.
 *
 * So the order is made a matter of what reads what. Where the originals read x, the copies of a span read x behind a signal: x bit for
 * bit, but it cannot be computed before the gradients that arrive at the span, nor before those that the span differentiated before gave
 * to its parameters. The gradient itself is made of the same nodes as without.
 */
import { cast, concat, reshape, slice } from './ops/shape.ts'
import type { Graph, Node, Span, Tensor } from './tensor.ts'

/** What stands for which tensor inside a span. */
type Copies = ReadonlyMap<Tensor, Tensor>

const NONE: Copies = new Map()

/** The spans of a graph while its gradient is built, from the last node to the first. */
export class Recomputation {
  private readonly members = new Map<Span, Node[]>()
  private readonly varying: ReadonlySet<Tensor>
  /** Spans that the walk is in, the outermost first. */
  private readonly open: { readonly span: Span; readonly copies: Copies }[] = []
  /** Gradients that spans gave to what they read, since a span was last entered. */
  private readonly left = new Set<Tensor>()

  /** nodes: all that the loss depends on, in an order in which they can be computed. gradients: those known so far, by tensor. */
  constructor(
    nodes: readonly Node[],
    private readonly gradients: Map<Tensor, Tensor>,
  ) {
    const varying = new Set<Tensor>()
    for (const node of nodes) {
      if (node.inputs.some((input) => input.source.kind === 'input' || varying.has(input)))
        for (const result of node.results) varying.add(result)
      for (const span of outermostFirst(node.span)) {
        const known = this.members.get(span)
        if (known) known.push(node)
        else this.members.set(span, [node])
      }
    }
    this.varying = varying
  }

  /**
   * Goes on to a node that has a gradient. Leaves and enters spans on the way. Gives what the gradient of the node has to read instead
   * of the originals.
   */
  goTo(node: Node): Copies {
    const spans = outermostFirst(node.span).filter((span) => this.members.has(span))
    while (this.open.some(({ span }, i) => span !== spans[i])) this.leave()
    for (const span of spans.slice(this.open.length)) this.open.push({ span, copies: this.recompute(span) })
    return this.copies
  }

  private get copies(): Copies {
    return this.open.at(-1)?.copies ?? NONE
  }

  /** The values inside a span, once more. */
  private recompute(span: Span): Copies {
    const outer = this.copies
    const nodes = this.members.get(span) ?? []
    const arriving = nodes.flatMap(({ results }) => results).flatMap((result) => this.gradients.get(result) ?? [])
    const inputs = inputsOf(nodes).filter((x) => this.varies(x))
    const [first] = arriving
    if (!first || inputs.length === 0) return outer
    const { graph } = first
    return graph.scope('recomputed', () => {
      const signal = nothingOf([...new Set([...arriving, ...this.left])])
      this.left.clear()
      const copies = new Map(outer)
      for (const input of inputs) copies.set(input, after(outer.get(input) ?? input, signal))
      const copied = new Set(inputs)
      for (const node of nodes) {
        // What is made of parameters and constants alone keeps its only value.
        if (!node.inputs.some((input) => copied.has(input))) continue
        const made = graph.replacing(copies, () => within(graph, node.name, () => graph.apply(node)))
        for (const [i, result] of node.results.entries()) {
          copies.set(result, made[i])
          copied.add(result)
        }
      }
      return copies
    })
  }

  /** Ends the innermost span. */
  private leave(): void {
    const left = this.open.pop()
    if (!left) return
    for (const input of inputsOf(this.members.get(left.span) ?? [])) {
      const dx = this.gradients.get(input)
      if (dx) this.left.add(dx)
    }
  }

  /** Whether it depends on what is fed. Parameters do not: they are there all the time. */
  private varies(x: Tensor): boolean {
    return x.source.kind === 'input' || this.varying.has(x)
  }
}

/** Runs `body` in the scopes that the name of a node says. */
function within<T>(graph: Graph, name: string, body: () => T): T {
  const end = name.lastIndexOf('/')
  return end < 0 ? body() : graph.scope(name.slice(0, end), body)
}

function outermostFirst(innermost: Span | null): Span[] {
  const spans: Span[] = []
  for (let span = innermost; span; span = span.outer) spans.unshift(span)
  return spans
}

/** What the nodes read of the rest of the graph, each once. */
function inputsOf(nodes: readonly Node[]): Tensor[] {
  const inside = new Set(nodes.flatMap(({ results }) => results))
  return [...new Set(nodes.flatMap(({ inputs }) => inputs))].filter((input) => !inside.has(input))
}

/** A vector of no values that can be computed once all of `tensors` are. */
function nothingOf(tensors: readonly Tensor[]): Tensor {
  return concat(
    tensors.map((x) => cast(slice(reshape(x, [-1]), 0, 0, 0), tensors[0].dtype)),
    0,
  )
}

/** x, bit for bit, that can be computed only once `signal` is: the values of x, and none of the signal behind them. */
function after(x: Tensor, signal: Tensor): Tensor {
  const none = signal.dtype === x.dtype ? signal : cast(signal, x.dtype)
  return reshape(concat([reshape(x, [-1]), none], 0), x.shape)
}
