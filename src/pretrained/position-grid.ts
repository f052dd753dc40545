/**
 * The stored table of learned positions, [1, 1 + rows·cols, E]: which grid it has, and how it is resized to another
 * (algorithm section 2: bicubic, a = −0.75, half-pixel centres, no antialias, DINOv2's +0.1 offset not used). Resizing
 * once when the table is loaded gives the same positions as resizing at every run. It is for a model that will be
 * trained at another grid, or that should be small.
 */
import { resizeMatrix, type Size } from '../graph/index.ts'
import { assert } from '../support/errors.ts'

export interface PositionTable {
  readonly grid: Size
  /** Tokens before the grid: the class token, or none (timm's `no_embed_class`), which then has no position to add. */
  readonly classRows: 0 | 1
}

/**
 * The grid of a table of `rows` rows: the `stated` one if it fits, else a square with a class position, as every public DINOv2
 * and Depth Anything has, else the `assumed` one, else a square without; null if none fits. A file of another project does not
 * store its grid.
 */
export function positionTable(
  rows: number,
  { stated, assumed }: { readonly stated: Size | null; readonly assumed: Size },
): PositionTable | null {
  const fits = (grid: Size | null): grid is Size => grid !== null && rows === 1 + grid[0] * grid[1]
  const square = (count: number): Size | null => {
    const side = Math.round(Math.sqrt(count))
    return side > 0 && side * side === count ? [side, side] : null
  }
  for (const grid of [stated, square(rows - 1), assumed]) if (fits(grid)) return { grid, classRows: 1 }
  const bare = square(rows)
  return bare && { grid: bare, classRows: 0 }
}

/** → [1, 1 + rows·cols, width]: y = R·x·Cᵀ for every channel, in double precision; the class position is copied. */
export function resizePositions(
  values: Float32Array,
  width: number,
  { grid, classRows }: PositionTable,
  [rows, cols]: Size,
): Float32Array<ArrayBuffer> {
  const [rows0, cols0] = grid
  assert(values.length === (classRows + rows0 * cols0) * width, 'a position table of another size')
  const result = new Float32Array((1 + rows * cols) * width)
  result.set(values.subarray(0, classRows * width))
  const table = Float64Array.from(values.subarray(classRows * width))
  const along = combine(resizeMatrix('bicubic', rows0, rows), table, rows, rows0, cols0 * width)
  const across = resizeMatrix('bicubic', cols0, cols)
  for (let i = 0; i < rows; i++) {
    const line = along.subarray(i * cols0 * width, (i + 1) * cols0 * width)
    result.set(combine(across, line, cols, cols0, width), (1 + i * cols) * width)
  }
  return result
}

/** M·x; matrix: m×n, x: n×length → m×length */
function combine(matrix: Float64Array, x: Float64Array, m: number, n: number, length: number): Float64Array {
  const y = new Float64Array(m * length)
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const weight = matrix[i * n + j]
      if (weight === 0) continue
      for (let k = 0; k < length; k++) y[i * length + k] += weight * x[j * length + k]
    }
  }
  return y
}
