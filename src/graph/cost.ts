/**
 * What a graph costs to run, from the graph itself: floating-point operations.
 *
 * **FLOPs here are two per multiply-add of a matrix product or convolution**, and nothing else: normalisation, activations,
 * softmax and moves are a few per cent of the arithmetic of this family and are bound by memory, not by arithmetic. Every op
 * states its multiply-adds beside its shape rule (`NodeSpec.multiplyAdds`), so a new op is counted where it is written.
 * Resampling is counted as the engine runs it, as two products with constant matrices.
 *
 * Nodes that depend on no input are computed once, when the engine loads the graph, and cost a run nothing.
 */
import { type Node, nodesBehind, type Tensor } from './tensor.ts'

/** FLOPs of one run of a node. */
export function flopsOf(node: Node): number {
  return 2 * (node.multiplyAdds ?? 0)
}

/** How a graph is run, for what it costs. */
export interface RunOptions {
  /** Whether parameters are fed at every run, as in training, or fixed when the graph is loaded. Default: fixed. */
  readonly parameters?: 'fixed' | 'fed'
  /** Tensors that are fed instead of computed, as in `CompileOptions`; default: none. */
  readonly given?: Pick<ReadonlySet<Tensor>, 'has'>
}

/** The nodes behind `outputs` that every run computes, in an order in which they can be. */
export function nodesPerRun(
  outputs: readonly Tensor[],
  { parameters = 'fixed', given = new Set() }: RunOptions = {},
): Node[] {
  const varies = (tensor: Tensor): boolean =>
    given.has(tensor) ||
    tensor.source.kind === 'input' ||
    (tensor.source.kind === 'parameter' && parameters === 'fed') ||
    (tensor.node !== null && varying.has(tensor.node))
  const varying = new Set<Node>()
  for (const node of nodesBehind(outputs, given)) if (node.inputs.some(varies)) varying.add(node)
  return [...varying]
}

/** FLOPs of one run, added up by what `key` makes of each node; keys in the order in which they are first met. */
export function flopsBy<K>(
  outputs: readonly Tensor[],
  key: (node: Node) => K,
  options: RunOptions = {},
): ReadonlyMap<K, number> {
  const sums = new Map<K, number>()
  for (const node of nodesPerRun(outputs, options)) {
    const flops = flopsOf(node)
    if (flops > 0) sums.set(key(node), (sums.get(key(node)) ?? 0) + flops)
  }
  return sums
}

/** FLOPs of one run. */
export function totalFlops(outputs: readonly Tensor[], options: RunOptions = {}): number {
  return nodesPerRun(outputs, options).reduce((sum, node) => sum + flopsOf(node), 0)
}
