/**
 * The mathematics of a map from tiles: where they lie, how each is brought to the scale of the whole picture, how they are blended.
 * `predictTiled` (predict-tiled.ts) uses them.
 *
 * **Layout.** All tiles have one size, of the shape in which the network sees the picture, so a tile is not squeezed. With `across` = n its
 * longer reach over the picture is 1/n of it. Neighbours share at least `overlap` of a side, and the first and the last end at the picture's edges.
 *
 * The network's map has a faint grid: tokens of c of its pixels, between which it steps. Neighbours that begin a whole number of tokens apart have
 * their grids on top of each other, and where one tile ends another has such a step. So tiles begin half a token from the grid of
 * the one before, (k + ½)·c network pixels apart: grids interleave, and blending halves the steps. For that, tiles become larger by up to
 * a few percent (L = picture / (1 + gaps·(k + ½)·c / network's side)), by nearly the same along both axes.
 *
 * **Alignment.** A tile shows less than the picture, so the network judges its distances worse: through a lens n times as long, without the
 * room around it. Its scale, a shift in log depth, is taken from the global map, by `robustLine` with slope 1:
 *
 *     ln d_global ≈ ln d_tile + b        over a grid of points
 *
 * A slope is not fitted. Points of a tile are noisy, and a line through them is too flat: slopes of 0 to 0.5 took the tile's edges with them.
 *
 * **Blending.** Along x a tile's weight rises from 0 to 1 over the overlap as sin², and so along y; w is their product. At the picture's
 * edges it stays 1. The weights are divided by their sum, which is a product too, because tiles lie on a grid:
 *
 *     ln d = Σ_t ŵ_t·(ln d_t + b_t),     ŵ_t(x, y) = ŵx(x)·ŵy(y),     Σ_t ŵ_t = 1
 *
 * ŵ is continuous, so where tiles agree to ε the map has no step, and where they do not the difference is spread over the overlap.
 *
 * **Means.** Then the means over cells are made those of the global map (`keepMeans`): it knows the room, tiles know details. With D the difference of
 * the means of ln d in each cell of 8×8 of its pixels, smoothed over 3×3 cells (1 2 1) and interpolated bilinearly:
 *
 *     ln d ← ln d + D(x, y)
 */
import type { Crop } from '../image/resize.ts'
import type { DepthImage } from '../image/types.ts'
import { assert } from '../support/errors.ts'
import { robustLine } from './robust-line.ts'
import type { Size } from './types.ts'

/** Where tiles begin along one axis, and how long each is, pixels. */
export interface TileAxis {
  readonly starts: readonly number[]
  readonly length: number
}

/** A grid of tiles: every start of `x` with every start of `y`. */
export interface TileGrid {
  readonly x: TileAxis
  readonly y: TileAxis
}

/**
 * `shape`: of the network's input; `token`: of one of its tokens, in its pixels (0: it has none). `across`: how often a tile fits into the
 * picture along the axis that limits it.
 */
export function layoutTiles(
  { width, height }: Size,
  {
    shape,
    across,
    overlap,
    token = { width: 0, height: 0 },
  }: { readonly shape: Size; readonly across: number; readonly overlap: number; readonly token?: Size },
): TileGrid {
  const scale = Math.min(width / shape.width, height / shape.height) / across
  const axis = (whole: number, side: number, cell: number) =>
    axisOf(whole, Math.min(whole, Math.ceil(side * scale)), { overlap, side, cell })
  return { x: axis(width, shape.width, token.width), y: axis(height, shape.height, token.height) }
}

/** `side` of the network's input, of which a token takes `cell`. */
function axisOf(
  whole: number,
  least: number,
  { overlap, side, cell }: { readonly overlap: number; readonly side: number; readonly cell: number },
): TileAxis {
  const gaps = Math.ceil((whole - least) / (least * (1 - overlap)) - 1e-9)
  const apart = (side * (whole - least)) / (gaps * least)
  const tokens = Math.floor(apart / cell - 0.5) + 0.5
  const isAligned = gaps > 0 && cell > 0 && tokens > 0
  const length = isAligned ? Math.ceil(whole / (1 + (gaps * tokens * cell) / side)) : least
  const starts = Array.from({ length: gaps + 1 }, (_, i) =>
    gaps === 0 ? 0 : Math.round((i * (whole - length)) / gaps),
  )
  return { starts, length }
}

/** The tiles row by row. */
export function tilesOf({ x, y }: TileGrid): (Crop & { readonly column: number; readonly row: number })[] {
  return y.starts.flatMap((top, row) =>
    x.starts.map((left, column) => ({ left, top, width: x.length, height: y.length, column, row })),
  )
}

/** ŵ of every tile of an axis, at the pixels of that tile; at each pixel of the picture they add up to 1. */
export function blendWeights({ starts, length }: TileAxis): Float32Array[] {
  const whole = starts[starts.length - 1] + length
  const raw = starts.map((start, i) => {
    const before = i > 0 ? starts[i - 1] + length - start : 0
    const after = i + 1 < starts.length ? start + length - starts[i + 1] : 0
    const rise = (distance: number, over: number) =>
      over > 0 && distance < over ? Math.sin((Math.PI / 2) * (distance / over)) ** 2 : 1
    return Float64Array.from({ length }, (_, at) => rise(at + 0.5, before) * rise(length - at - 0.5, after))
  })
  const sum = new Float64Array(whole)
  raw.forEach((weights, i) => {
    for (let at = 0; at < length; at++) sum[starts[i] + at] += weights[at]
  })
  return raw.map((weights, i) => Float32Array.from(weights, (weight, at) => weight / sum[starts[i] + at]))
}

/** Points along each side of a tile that alignment compares. */
const GRID = 32
/** Of ln d. Differences below a tenth of a percent are no outliers. */
const LEAST_DEVIATION = 1e-3

/** What is added to a tile to bring it to the global map's scale. Both hold ln d; the global one covers the whole picture of this size. */
export function fitTile(tile: DepthImage, global: DepthImage, crop: Crop, { width, height }: Size): number {
  const xs = new Float64Array(GRID * GRID)
  const ys = new Float64Array(GRID * GRID)
  for (let i = 0; i < GRID * GRID; i++) {
    const [u, v] = [((i % GRID) + 0.5) / GRID, (Math.floor(i / GRID) + 0.5) / GRID]
    xs[i] = sampleAt(tile, u * tile.width - 0.5, v * tile.height - 0.5)
    const [x, y] = [(crop.left + u * crop.width) / width, (crop.top + v * crop.height) / height]
    ys[i] = sampleAt(global, x * global.width - 0.5, y * global.height - 0.5)
  }
  return robustLine(xs, ys, { slope: 1, least: LEAST_DEVIATION }).offset
}

/** Bilinear, at pixel centres counted from 0; beyond the border its value. */
function sampleAt({ width, height, data }: DepthImage, x: number, y: number): number {
  const [cx, cy] = [Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1)]
  const [x0, y0] = [Math.min(Math.floor(cx), Math.max(width - 2, 0)), Math.min(Math.floor(cy), Math.max(height - 2, 0))]
  const [u, v] = [cx - x0, cy - y0]
  const at = y0 * width + x0
  const [right, below] = [width > 1 ? 1 : 0, height > 1 ? width : 0]
  const top = data[at] + u * (data[at + right] - data[at])
  const bottom = data[at + below] + u * (data[at + below + right] - data[at + below])
  return top + v * (bottom - top)
}

/**
 * sum += ŵ·(tile + b) over the crop, the tile resized bilinearly to it. `sum` is `height × width` of the picture, in its own memory.
 */
export function addTile(
  sum: DepthImage,
  tile: DepthImage,
  crop: Crop,
  { offset, x: weightX, y: weightY }: { readonly offset: number; readonly x: Float32Array; readonly y: Float32Array },
): void {
  assert(weightX.length === crop.width && weightY.length === crop.height, 'weights of another tile')
  const columns = tapsOf(tile.width, crop.width)
  const rows = tapsOf(tile.height, crop.height)
  const row = new Float32Array(tile.width)
  for (let y = 0; y < crop.height; y++) {
    // First the tile's row at this height, aligned, then along it.
    const upper = rows.low[y] * tile.width
    const lower = tile.height > 1 ? upper + tile.width : upper
    const share = rows.weight[y]
    for (let i = 0; i < row.length; i++) {
      const value = tile.data[upper + i] + share * (tile.data[lower + i] - tile.data[upper + i])
      row[i] = weightY[y] * (value + offset)
    }
    addRow(sum.data, (crop.top + y) * sum.width + crop.left, row, columns, weightX)
  }
}

/** Side of a cell whose mean stays the global map's, in pixels of that map. */
const CELL = 8

/** Gives `sum` the means of the global map, in its own memory. Both hold ln d of the whole picture. */
export function keepMeans(sum: DepthImage, global: DepthImage): void {
  const width = Math.max(1, Math.round(global.width / CELL))
  const height = Math.max(1, Math.round(global.height / CELL))
  const [have, want] = [meansOf(sum, { width, height }), meansOf(global, { width, height })]
  const difference = want.map((mean, i) => mean - have[i])
  const ones = (length: number) => new Float32Array(length).fill(1)
  addTile(
    sum,
    { width, height, data: smooth(difference, { width, height }) },
    { left: 0, top: 0, width: sum.width, height: sum.height },
    { offset: 0, x: ones(sum.width), y: ones(sum.height) },
  )
}

/** Over the cells of a grid; a cell has one pixel at least. */
function meansOf({ width, height, data }: DepthImage, cells: Size): Float64Array {
  const sums = new Float64Array(cells.width * cells.height)
  const counts = new Float64Array(sums.length)
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * cells.height) / height) * cells.width
    for (let x = 0; x < width; x++) {
      const at = row + Math.floor((x * cells.width) / width)
      sums[at] += data[y * width + x]
      counts[at]++
    }
  }
  return sums.map((value, i) => value / counts[i])
}

/** Over 3×3 with the weights 1 2 1 along each side; the border is repeated. */
function smooth(values: Float64Array, { width, height }: Size): Float32Array {
  const within = (at: number, count: number) => Math.min(Math.max(at, 0), count - 1)
  return Float32Array.from(values, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    let value = 0
    for (let dy = -1; dy <= 1; dy++)
      for (let dx = -1; dx <= 1; dx++)
        value +=
          ((2 - Math.abs(dx)) * (2 - Math.abs(dy)) * values[within(y + dy, height) * width + within(x + dx, width)]) /
          16
    return value
  })
}

interface Taps {
  readonly low: Int32Array
  readonly weight: Float32Array
}

/** As `resizeBilinear`: half-pixel centres, the border repeated. */
function tapsOf(from: number, to: number): Taps {
  const low = new Int32Array(to)
  const weight = new Float32Array(to)
  for (let i = 0; i < to; i++) {
    const position = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
    low[i] = Math.min(Math.floor(position), Math.max(from - 2, 0))
    weight[i] = position - low[i]
  }
  return { low, weight }
}

/** The inner loop, on plain arrays. */
function addRow(
  out: Float32Array,
  from: number,
  row: Float32Array,
  { low, weight }: Taps,
  weightX: Float32Array,
): void {
  const right = row.length > 1 ? 1 : 0
  for (let x = 0; x < weightX.length; x++) {
    const value = row[low[x]]
    out[from + x] += weightX[x] * (value + weight[x] * (row[low[x] + right] - value))
  }
}
