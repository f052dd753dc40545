/**
 * Resizing, the four kinds this project needs, in plain TypeScript so that Node and the browser give the same numbers.
 *
 * - photos to the network's size: bilinear with antialias, as Pillow's BILINEAR and PyTorch's
 *   `interpolate(mode='bilinear', antialias=True)`: a triangle filter as wide as the reduction, so that no pixel is skipped;
 * - predictions to the output size: bilinear without antialias (algorithm section 3);
 * - measured depth: the nearest pixel, because a mean across a hole or an edge is a depth that nothing has.
 *
 * All use half-pixel centres (align_corners = false). Left out: bicubic, Lanczos, and 8-bit fixed-point tricks.
 */
import { DarError } from '../support/errors.ts'
import type { DepthImage, RgbImage } from './types.ts'

/** The taps of every output index of one axis: `weights[first[i] + j]` weighs input `start[i] + j`. */
interface Taps {
  readonly start: Int32Array
  readonly first: Int32Array
  readonly weights: Float32Array
}

/**
 * For output i of `to`, made of the stretch of an axis of `from` pixels that begins at b and is l long, with s = l/to and
 * support r = max(s, 1):
 *
 *     c = b + (i + ½)·s    w_j ∝ max(0, 1 − |j + ½ − c| / r),   ⌊c − r + ½⌋ ≤ j < ⌊c + r + ½⌋,   Σ w_j = 1
 */
function triangleTaps(from: number, to: number, begin = 0, length = from): Taps {
  const scale = length / to
  const support = Math.max(scale, 1)
  const start = new Int32Array(to)
  const first = new Int32Array(to + 1)
  const weights = new Float32Array(to * (Math.ceil(2 * support) + 1))
  let used = 0
  for (let i = 0; i < to; i++) {
    const centre = begin + (i + 0.5) * scale
    const lo = Math.max(0, Math.floor(centre - support + 0.5))
    const hi = Math.min(from, Math.floor(centre + support + 0.5))
    start[i] = lo
    first[i] = used
    let sum = 0
    for (let j = lo; j < hi; j++) sum += Math.max(0, 1 - Math.abs(j + 0.5 - centre) / support)
    for (let j = lo; j < hi; j++) weights[used++] = Math.max(0, 1 - Math.abs(j + 0.5 - centre) / support) / sum
  }
  first[to] = used
  return { start, first, weights }
}

/**
 * Bilinear with antialias: `H × W × 3` bytes → `height × width × 3` floats in [0, 1].
 * @throws DarError when a size is not a positive integer.
 */
export function resizeRgb(image: RgbImage, width: number, height: number): Float32Array {
  const out = planesFor(3, width, height)
  antialias(image, whole(image), { width, height }, { out, pixelStride: 3, channelStride: 1 })
  return out
}

/** A part of an image in pixels, edges anywhere between them. */
export interface Crop {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

const whole = ({ width, height }: RgbImage): Crop => ({ left: 0, top: 0, width, height })

/**
 * As `resizeRgb`, laid out for the network: `3 × height × width` floats in [0, 1]. `out` receives the planes when given
 * (for instance one image of a batch) and is returned. `crop`: the part that is resized, as Pillow's `resize(box=…)`.
 */
export function toPlanes(
  image: RgbImage,
  width: number = image.width,
  height: number = image.height,
  { out = planesFor(3, width, height), crop = whole(image) }: { out?: Float32Array; crop?: Crop } = {},
): Float32Array {
  antialias(image, crop, { width, height }, { out, pixelStride: 1, channelStride: width * height })
  return out
}

/** As `resizeRgb`, rounded back to bytes; keeps what EXIF said of the lens. The same size returns the image itself. */
export function resizeImage(image: RgbImage, width: number, height: number): RgbImage {
  if (width === image.width && height === image.height) return image
  const floats = resizeRgb(image, width, height)
  const data = new Uint8Array(floats.length)
  for (let i = 0; i < data.length; i++) data[i] = Math.round(255 * floats[i])
  return { ...image, width, height, data }
}

/**
 * Two passes, y first, so that one row is all the memory needed. Pixel p, channel c goes to
 * `out[p·pixelStride + c·channelStride]`.
 */
function antialias(
  image: RgbImage,
  crop: Crop,
  { width, height }: { readonly width: number; readonly height: number },
  { out, pixelStride, channelStride }: { out: Float32Array; pixelStride: number; channelStride: number },
): void {
  checkSize(width, height)
  checkLength('out', out.length, 3 * width * height)
  checkLength('image', image.data.length, 3 * image.width * image.height)
  const { left, top } = crop
  const inside = left >= 0 && top >= 0 && left + crop.width <= image.width && top + crop.height <= image.height
  if (!inside || !(crop.width > 0) || !(crop.height > 0))
    throw new DarError(
      `the crop of ${crop.width}×${crop.height} at ${left}, ${top} is not inside the image of ${image.width}×${image.height}`,
    )
  const columns = triangleTaps(image.width, width, left, crop.width)
  const rows = triangleTaps(image.height, height, top, crop.height)
  const across = image.width * 3

  const row = new Float64Array(across)
  for (let y = 0; y < height; y++) {
    // Pass 1, image.width × 3: the rows under output row y, each with one weight.
    row.fill(0)
    const end = rows.first[y + 1]
    let tap = rows.first[y]
    let from = rows.start[y] * across
    for (; tap + 1 < end; tap += 2, from += 2 * across)
      addTwoRows(row, image.data, from, rows.weights[tap] / 255, rows.weights[tap + 1] / 255)
    if (tap < end) addRow(row, image.data, from, rows.weights[tap] / 255)
    // Pass 2, width × 3: that one row shrinks along x.
    sampleRow(row, columns, out, y * width * pixelStride, pixelStride, channelStride)
  }
}

/** row += weight · bytes[from ...]. Small functions on plain arrays: these inner loops are all the time there is. */
function addRow(row: Float64Array, bytes: Uint8Array, from: number, weight: number): void {
  const length = row.length
  for (let i = 0; i < length; i++) row[i] += weight * bytes[from + i]
}

/** Two rows at once: half the traffic on `row`. */
function addTwoRows(row: Float64Array, bytes: Uint8Array, from: number, upper: number, lower: number): void {
  const length = row.length
  const next = from + length
  for (let i = 0; i < length; i++) row[i] += upper * bytes[from + i] + lower * bytes[next + i]
}

function sampleRow(
  row: Float64Array,
  { start, first, weights }: Taps,
  out: Float32Array,
  origin: number,
  pixelStride: number,
  channelStride: number,
): void {
  for (let x = 0, at = origin; x < start.length; x++, at += pixelStride) {
    let r = 0
    let g = 0
    let b = 0
    const end = first[x + 1]
    for (let tap = first[x], from = 3 * start[x]; tap < end; tap++, from += 3) {
      const weight = weights[tap]
      r += weight * row[from]
      g += weight * row[from + 1]
      b += weight * row[from + 2]
    }
    out[at] = r
    out[at + channelStride] = g
    out[at + 2 * channelStride] = b
  }
}

/** For every output index of an axis, the lower of its two neighbours and the weight of the upper one. */
interface LinearTaps {
  readonly low: Int32Array
  readonly weight: Float64Array
}

function linearTaps(from: number, to: number): LinearTaps {
  const low = new Int32Array(to)
  const weight = new Float64Array(to)
  for (let i = 0; i < to; i++) {
    const position = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
    low[i] = Math.min(Math.floor(position), Math.max(from - 2, 0))
    weight[i] = position - low[i]
  }
  return { low, weight }
}

/**
 * Bilinear without antialias: a `height × width` map → `outHeight × outWidth`.
 *
 *     x = clamp((i + ½)·width/outWidth − ½, 0, width − 1),   value = (1−λ)·map[⌊x⌋] + λ·map[⌊x⌋+1],   λ = x − ⌊x⌋
 *
 * Holes are not known here: a map with 0 for "no measurement" belongs to `resizeNearestDepth`.
 * @throws DarError when a size is not a positive integer or the map has another length.
 */
export function resizeBilinear(
  map: Float32Array,
  width: number,
  height: number,
  outWidth: number,
  outHeight: number,
  { out = planesFor(1, outWidth, outHeight) }: { out?: Float32Array } = {},
): Float32Array {
  checkSize(width, height)
  checkSize(outWidth, outHeight)
  checkLength('map', map.length, width * height)
  checkLength('out', out.length, outWidth * outHeight)
  if (width === outWidth && height === outHeight) {
    out.set(map)
    return out
  }
  const columns = linearTaps(width, outWidth)
  const rows = linearTaps(height, outHeight)
  const below = height > 1 ? 1 : 0
  // Rows `low` and `low + below` of the map, resized along x. An enlarged map needs each of them several times.
  let top = rowOf(outWidth)
  let bottom = rowOf(outWidth)
  const across = (row: MapRow, y: number) => {
    if (row.y !== y) resizeRow(row.values, map.subarray(y * width, (y + 1) * width), columns)
    row.y = y
  }
  for (let y = 0; y < outHeight; y++) {
    const low = rows.low[y]
    if (bottom.y === low) [top, bottom] = [bottom, top]
    across(top, low)
    across(bottom, low + below)
    mixRows(top.values, bottom.values, rows.weight[y], out.subarray(y * outWidth, (y + 1) * outWidth))
  }
  return out
}

/** Row `y` of a map, resized along x; at first none. In float64, as in one formula with both axes. */
interface MapRow {
  y: number
  readonly values: Float64Array
}

const rowOf = (length: number): MapRow => ({ y: -1, values: new Float64Array(length) })

function resizeRow(out: Float64Array, row: Float32Array, { low, weight }: LinearTaps): void {
  const right = row.length > 1 ? 1 : 0
  for (let x = 0; x < out.length; x++) {
    const from = low[x]
    out[x] = row[from] + weight[x] * (row[from + right] - row[from])
  }
}

function mixRows(top: Float64Array, bottom: Float64Array, weight: number, out: Float32Array): void {
  for (let x = 0; x < out.length; x++) out[x] = top[x] + weight * (bottom[x] - top[x])
}

/**
 * The nearest measurement: output (x, y) takes input ⌊(x + ½)·w/W⌋, ⌊(y + ½)·h/H⌋, in integers (PyTorch's
 * `nearest-exact`). Holes stay holes, and no depth is made up.
 * @throws DarError when a size is not a positive integer.
 */
export function resizeNearestDepth(depth: DepthImage, width: number, height: number): DepthImage {
  checkSize(width, height)
  checkLength('depth', depth.data.length, depth.width * depth.height)
  const data = new Float32Array(width * height)
  const columns = Int32Array.from({ length: width }, (_, x) => Math.floor(((2 * x + 1) * depth.width) / (2 * width)))
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((2 * y + 1) * depth.height) / (2 * height)) * depth.width
    for (let x = 0; x < width; x++) data[y * width + x] = depth.data[row + columns[x]]
  }
  return { width, height, data }
}

function planesFor(channels: number, width: number, height: number): Float32Array {
  checkSize(width, height)
  return new Float32Array(channels * width * height)
}

function checkSize(width: number, height: number): void {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0))
    throw new DarError(`cannot resize to or from ${width}×${height}; give a width and a height of at least 1 pixel`)
}

function checkLength(what: string, length: number, wanted: number): void {
  if (length !== wanted) throw new DarError(`${what} has ${length} values where ${wanted} are needed; check its size`)
}
