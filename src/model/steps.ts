/** Sizes of the token maps and the position code (algorithm section 4). */
import type { Graph, Tensor } from '../graph/index.ts'
import type { Size } from '../graph/ops/index.ts'

/** h_k = max(1, ⌈⌈mh / finest⌉ / 2^(K−k)⌉), w_k likewise; with `finest` 1 the last step is the memory grid. */
export function stepSizes([rows, cols]: Size, steps: number, finest = 1): Size[] {
  const shrink = (n: number, k: number) => Math.max(1, Math.ceil(Math.ceil(n / finest) / 2 ** (steps - k)))
  return Array.from({ length: steps }, (_, i) => [shrink(rows, i + 1), shrink(cols, i + 1)] as const)
}

/**
 * T,C, row-major over the grid: [sin(2π·8·v·ω), cos(…v…), sin(2π·8·u·ω), cos(…u…)] with ω_m = 100^(−m/(C/4)), u = (i +
 * ½)/h for row i, v = (j + ½)/w for column j. The coordinates are normalised, so a code means the same place at every
 * size.
 */
export function positionCode([rows, cols]: Size, channels: number): Float64Array {
  const count = Math.floor(channels / 4)
  const code = new Float64Array(rows * cols * 4 * count)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++)
      for (let m = 0; m < count; m++) {
        const omega = 100 ** (-m / count)
        const row = 2 * Math.PI * 8 * ((i + 0.5) / rows) * omega
        const col = 2 * Math.PI * 8 * ((j + 0.5) / cols) * omega
        const at = (i * cols + j) * 4 * count + m
        code[at] = Math.sin(col)
        code[at + count] = Math.cos(col)
        code[at + 2 * count] = Math.sin(row)
        code[at + 3 * count] = Math.cos(row)
      }
  return code
}

/** The position code as a constant, 1,T,C. */
export function positionTensor(graph: Graph, size: Size, channels: number): Tensor {
  const code = positionCode(size, channels)
  // Built without an intermediate list: at 896×672 the memory grid's code has 14 million values.
  return graph.constant(graph.float === 'float64' ? code : Float32Array.from(code), [1, size[0] * size[1], channels])
}
