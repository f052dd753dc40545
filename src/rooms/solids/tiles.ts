/**
 * Which solids each small square of the image can see. Camera rays come in bundles: solids outside a square's pyramid
 * are excluded once for all its pixels, and the rest are sorted by distance. The loop over them ends at the first one
 * that begins behind the nearest hit so far. This is several times faster than walking the hierarchy for every pixel.
 */
import type { Viewpoint } from './camera.ts'
import { type Primitives, QUAD } from './primitives.ts'

/** Side of a square, pixels. */
export const TILE = 8

export interface Tiles {
  readonly columns: number
  /** Solids by tile, nearest first: those of tile k are `list[first[k] .. first[k + 1]]`. */
  readonly list: Int32Array
  readonly first: Int32Array
  /** Lower bound of the z-depth of each solid. */
  readonly near: Float64Array
}

export function buildTiles(solids: Primitives, view: Viewpoint, width: number, height: number): Tiles {
  const { count } = solids
  const columns = Math.ceil(width / TILE)
  const rows = Math.ceil(height / TILE)
  const near = new Float64Array(count)
  const { fx, fy, cx, cy } = view.intrinsics
  const inColumn = new Uint8Array(count * columns)
  const inRow = new Uint8Array(count * rows)
  const corners = new Float64Array(24)
  for (let i = 0; i < count; i++) {
    near[i] = cornersInCamera(solids, i, view, corners)
    if (near[i] === Infinity) continue
    // Half a pixel more on each side, for rays between pixel centres.
    for (let c = 0; c < columns; c++)
      inColumn[i * columns + c] = overlaps(corners, 0, (c * TILE - 1 - cx) / fx, (c * TILE + TILE - cx) / fx) ? 1 : 0
    for (let r = 0; r < rows; r++)
      inRow[i * rows + r] = overlaps(corners, 1, (r * TILE - 1 - cy) / fy, (r * TILE + TILE - cy) / fy) ? 1 : 0
  }
  const order = Int32Array.from({ length: count }, (_, i) => i).sort((a, b) => near[a] - near[b] || a - b)
  const first = new Int32Array(columns * rows + 1)
  const list: number[] = []
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      for (let k = 0; k < count; k++) {
        const i = order[k]
        if (inColumn[i * columns + c] !== 0 && inRow[i * rows + r] !== 0) list.push(i)
      }
      first[r * columns + c + 1] = list.length
    }
  return { columns, list: Int32Array.from(list), first, near }
}

/**
 * Whether the hull of the corners may overlap a < (x or y)/z < b. Corners behind the camera are handled by signs alone.
 */
function overlaps(corners: Float64Array, axis: number, a: number, b: number): boolean {
  let below = true
  let above = true
  for (let k = 0; k < 24; k += 3) {
    const v = corners[k + axis]
    const z = corners[k + 2]
    if (v > a * z) below = false
    if (v < b * z) above = false
  }
  return !below && !above
}

/**
 * Corners of the solid's own box in the camera frame (right, down, forward), stride 3, into `out`. Returns the least depth
 * of any, at least 0, or Infinity if all are behind the camera.
 */
function cornersInCamera(solids: Primitives, i: number, view: Viewpoint, out: Float64Array): number {
  const { toLocal, shape, half, taper } = solids
  const m = 12 * i
  const h = 3 * i
  const { right, down, forward, position: p } = view
  const wide = Math.max(1, taper[i])
  const axes = [right, down, forward]
  // Rows of the world-to-local matrix are axis/half, so axis·half = row·half²; the centre is where local is 0.
  const centre = [0, 0, 0]
  for (let k = 0; k < 3; k++) {
    const k2 = half[h + k] * half[h + k]
    for (let c = 0; c < 3; c++) centre[c] -= toLocal[m + 4 * k + 3] * toLocal[m + 4 * k + c] * k2
  }
  let nearest = Infinity
  let farthest = -Infinity
  for (let corner = 0; corner < 8; corner++) {
    const at = [centre[0] - p[0], centre[1] - p[1], centre[2] - p[2]]
    for (let k = 0; k < 3; k++) {
      const side = (corner >> k) & 1 ? 1 : -1
      const reach = k === 2 ? (shape[i] === QUAD ? 0 : 1) : wide
      const f = side * reach * half[h + k] * half[h + k]
      for (let c = 0; c < 3; c++) at[c] += f * toLocal[m + 4 * k + c]
    }
    for (let c = 0; c < 3; c++) out[3 * corner + c] = axes[c][0] * at[0] + axes[c][1] * at[1] + axes[c][2] * at[2]
    nearest = Math.min(nearest, out[3 * corner + 2])
    farthest = Math.max(farthest, out[3 * corner + 2])
  }
  // A small tolerance for rounding.
  return farthest <= 0 ? Infinity : Math.max(nearest - 1e-6, 0)
}
