/** What is computed for each row alone, computed for some rows at a time: with less memory, and the same values to rounding. */
import type { Tensor } from '../tensor.ts'
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
  const length = x.shape[axis]
  const block = blockLength(length, Math.max(1, Math.floor(x.graph.valuesAtOnce / values)))
  if (block >= length) return run(x, 0)
  const lengths = Array.from({ length: Math.ceil(length / block) }, (_, i) => Math.min(block, length - i * block))
  return concat(
    split(x, axis, lengths).map((part, i) => run(part, i * block)),
    axis,
  )
}

/** The longest block of at most `most` that divides the length, for blocks of one shape share memory; one of half as many at least, else `most`. */
function blockLength(length: number, most: number): number {
  if (most >= length) return length
  for (let block = most; 2 * block >= most; block--) if (length % block === 0) return block
  return most
}
