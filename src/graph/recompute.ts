/**
 * Gradient checkpointing (Chen et al., "Training deep nets with sublinear memory cost", 2016): what the gradient needs of the
 * values inside a span (`Graph.checkpoint`) is computed again from what the span reads, instead of being kept since the forward
 * half.
 *
 * An engine undoes that in two ways if it can. It merges nodes that have the same op and the same inputs, so the copies
 * would be the originals again. And it runs a node as soon as it likes, so copies could run right after the originals. Both
 * need that the copies read the same inputs. So they do not: they read `after(x, dy)`, which is x bit for bit and which cannot
 * exist before dy, the gradient that arrives at the span.
 */
import { cast, concat, reshape, slice } from './ops/shape.ts'
import { type Node, type Span, type Tensor } from './tensor.ts'

/** What stands for which tensor inside a span. */
export type Copies = ReadonlyMap<Tensor, Tensor>

const NONE: Copies = new Map()

/** Knows the nodes of a graph by span, and makes each span's copies when they are first asked for. */
export class Recomputation {
  private readonly members = new Map<Span, Node[]>()
  private readonly entered = new Map<Span, Copies>()
  private readonly varying: ReadonlySet<Tensor>

  /** nodes: all that the loss depends on, in an order in which they can be computed. */
  constructor(nodes: readonly Node[]) {
    const varying = new Set<Tensor>()
    for (const node of nodes) {
      if (node.inputs.some((input) => input.source.kind === 'input' || varying.has(input)))
        for (const result of node.results) varying.add(result)
      for (let span = node.span; span; span = span.outer) {
        const known = this.members.get(span)
        if (known) known.push(node)
        else this.members.set(span, [node])
      }
    }
    this.varying = varying
  }

  /**
   * What the gradient of a node of this span has to read instead of the originals. gradients: those known now. Call it from the last
   * node of the graph to the first: at a span's first call, only what lies behind the span has been differentiated.
   */
  copies(span: Span | null, gradients: ReadonlyMap<Tensor, Tensor>): Copies {
    if (!span) return NONE
    const known = this.entered.get(span)
    if (known) return known
    const made = this.recompute(this.members.get(span) ?? [], this.copies(span.outer, gradients), gradients)
    this.entered.set(span, made)
    return made
  }

  private recompute(nodes: readonly Node[], outer: Copies, gradients: ReadonlyMap<Tensor, Tensor>): Copies {
    const inside = new Set(nodes.flatMap(({ results }) => results))
    const arriving = [...inside].flatMap((result) => gradients.get(result) ?? [])
    const inputs = new Set(nodes.flatMap((node) => node.inputs).filter((x) => !inside.has(x) && this.varies(x)))
    const [first] = arriving
    if (!first || inputs.size === 0) return outer
    const { graph } = first
    return graph.scope('recomputed', () => {
      const signal = nothingOf(arriving)
      const own = new Map<Tensor, Tensor>()
      for (const input of inputs) own.set(input, after(outer.get(input) ?? input, signal))
      for (const node of nodes) {
        // What is made of parameters and constants alone has the same value wherever it is made.
        if (!node.inputs.some((input) => own.has(input))) continue
        graph.replacing(new Map([...outer, ...own]), () => {
          graph.apply(node).forEach((result, i) => own.set(node.results[i], result))
        })
      }
      return new Map([...outer, ...own])
    })
  }

  /** Whether it depends on what is fed. Parameters do not: they are there all the time. */
  private varies(x: Tensor): boolean {
    return x.source.kind === 'input' || this.varying.has(x)
  }
}

/** A vector of no values that exists when all of `tensors` do. */
function nothingOf(tensors: readonly Tensor[]): Tensor {
  return concat(
    tensors.map((x) => slice(reshape(x, [-1]), 0, 0, 0)),
    0,
  )
}

/** x, bit for bit, that exists only once `signal` does: its values with the none of the signal behind them. */
function after(x: Tensor, signal: Tensor): Tensor {
  const none = signal.dtype === x.dtype ? signal : cast(signal, x.dtype)
  return reshape(concat([reshape(x, [-1]), none], 0), x.shape)
}
