/**
 * What is computed for each row alone, or from a few rows around it, computed for some rows at a time: with less memory, and the same values to
 * rounding.
 */
import type { Graph, Tensor } from '../tensor.ts'
import { concat, split } from './shape.ts'

/**
 * `run` for parts of an axis, put together again along the same axis. Parts are as long as the graph's `valuesAtOnce` allows, where
 * `values` is how many temporary values each position of the axis takes. Without a limit: `run` for all.
 */
export function inBlocks(
  x: Tensor,
  axis: number,
  { values }: { readonly values: number },
  run: (block: Tensor, begin: number) => Tensor,
): Tensor {
  const blocks = blocksOf(x.graph, x.shape[axis], { values })
  if (blocks.length === 1) return run(x, 0)
  const parts = split(
    x,
    axis,
    blocks.map(({ begin, end }) => end - begin),
  )
  return concat(
    parts.map((part, i) => run(part, blocks[i].begin)),
    axis,
  )
}

/** Positions begin, …, end − 1 of an axis. */
export interface Block {
  readonly begin: number
  readonly end: number
}

/** The blocks into which `inBlocks` cuts an axis of `length`; for callers whose blocks read more than their own positions. One without a limit. */
export function blocksOf(graph: Graph, length: number, { values }: { readonly values: number }): readonly Block[] {
  const block = blockLength(length, Math.max(1, Math.floor(graph.valuesAtOnce / values)))
  return Array.from({ length: Math.ceil(length / block) }, (_, i) => ({
    begin: i * block,
    end: Math.min((i + 1) * block, length),
  }))
}

/** The longest block of at most `most` that divides the length, for blocks of one shape share memory; one of half as many at least, else `most`. */
function blockLength(length: number, most: number): number {
  if (most >= length) return length
  for (let block = most; 2 * block >= most; block--) if (length % block === 0) return block
  return most
}
