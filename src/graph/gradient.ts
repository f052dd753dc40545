/**
 * Reverse-mode differentiation. The gradient is built as new nodes of the same graph. It walks the nodes behind the loss backwards, asks each for its vector–Jacobian
 * product and adds up where a tensor is used more than once. Only nodes on a path from `wrt` to the loss are visited.
 */
import { add } from './ops/elementwise.ts'
import { Recomputation } from './recompute.ts'
import { isFloat, type Node, nodesBehind, ShapeError, type Tensor } from './tensor.ts'

/** What a gradient does with the values of the forward half that it reads. */
export interface GradientOptions {
  /**
   * `keep`: they stay in memory until they are read. `recompute`: those inside a span (`Graph.checkpoint`) are computed again, from
   * what the span reads. The gradient is the same bit for bit, takes less memory, and costs the spans a second forward pass. Default `keep`.
   */
  readonly checkpoints?: 'keep' | 'recompute'
}

/**
 * ∂loss/∂t for each t of `wrt`, each of t's shape. The loss is a scalar.
 *
 * Throws when a t does not influence the loss (through a path that passes gradients): such a parameter would silently
 * never learn.
 */
export function gradient(
  loss: Tensor,
  wrt: readonly Tensor[],
  { checkpoints = 'keep' }: GradientOptions = {},
): Tensor[] {
  if (loss.size !== 1) throw new ShapeError('gradient', [loss], 'the loss must be a scalar')
  if (!isFloat(loss.dtype)) throw new ShapeError('gradient', [loss], 'the loss must be a float')
  const nodes = nodesBehind([loss])
  const targets = new Set(wrt)
  const depends = influenced(nodes, targets)
  const gradients = new Map<Tensor, Tensor>()
  const spans = new Recomputation(checkpoints === 'recompute' ? nodes : [], gradients)
  const accumulate = (tensor: Tensor, value: Tensor) => {
    const known = gradients.get(tensor)
    gradients.set(tensor, known ? add(known, value) : value)
  }
  accumulate(loss, loss.graph.constant([1], loss.shape, loss.dtype))

  for (const node of nodes.reverse()) {
    if (!depends.has(node)) continue
    if (node.results.every((result) => !gradients.has(result))) continue
    const { graph } = loss
    const copies = spans.goTo(node)
    const incoming = node.results.map((result) => gradients.get(result) ?? null)
    if (!node.vjp) throw new Error(`gradient: ${node.op} (${node.name}) has no gradient; put stopGradient before it`)
    const needs = node.inputs.map((input) => targets.has(input) || (input.node !== null && depends.has(input.node)))
    const outgoing = graph.scope('gradient', () => graph.replacing(copies, () => node.vjp?.(incoming, needs))) ?? []
    node.inputs.forEach((input, i) => {
      const found = outgoing[i]
      const dx = found && (copies.get(found) ?? found)
      if (!dx || !needs[i]) return
      if (dx.shape.join() !== input.shape.join())
        throw new ShapeError(`gradient of ${node.name}`, [input, dx], 'a gradient must have the shape of its tensor')
      accumulate(input, dx)
    })
  }

  return wrt.map((tensor) => {
    const result = gradients.get(tensor)
    if (!result) throw new Error(`gradient: ${tensor} does not influence the loss`)
    return result
  })
}

/** Nodes that depend on a tensor of `wrt` through floats all the way, with no stop between. */
function influenced(nodes: readonly Node[], targets: ReadonlySet<Tensor>): Set<Node> {
  const found = new Set<Node>()
  for (const node of nodes) {
    if (node.stopsGradient || !node.results.some((result) => isFloat(result.dtype))) continue
    if (node.inputs.some((input) => targets.has(input) || (input.node && found.has(input.node)))) found.add(node)
  }
  return found
}
