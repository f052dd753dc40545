/**
 * Moves the soft edges of a map to the photo's own. A network's edge is a ramp a few of its pixels wide, dozens of pixels of a large photo;
 * the photo knows to the pixel where one thing ends. As in trimap matting (and in joint upsampling: Kopf et al., SIGGRAPH 2007), the colours
 * beyond both ends of the ramp decide to which side each pixel of it belongs.
 *
 * For a pixel p and the square of radius r around it, with the smallest and the largest ln d in it, m and M:
 *
 *     flat       M − m below ln 1.08: p stays as it is
 *     near, far  the pixels with ln d in the lowest or the highest 15 % of m … M: mean depths D_n, D_f, mean colours C_n, C_f
 *     t          = |I_p − C_n|² and |I_p − C_f|² compared:  σ( 10·(e_n − e_f) / (e_n + e_f) ),  0 is near, 1 far
 *     ln d'      = (1 − c)·ln d + c·(D_n + t·(D_f − D_n)),     c = min(1, |C_n − C_f|² / 0.01)
 *
 * c: where both sides look alike the ramp stays. Colours are sRGB from 0 to 1.
 *
 * Left out: where colours vary within a side, only their means are known; a pixel coloured like the other side goes there.
 */
import type { DepthImage, RgbImage } from '../image/types.ts'
import { assert } from '../support/errors.ts'

export interface SnapOptions {
  /** In pixels: about the width of an edge's ramp. */
  readonly radius: number
}

const FLAT = Math.log(1.08)
const SIDE = 0.15
const HARDNESS = 10
const ENOUGH_CONTRAST = 0.01
/** The square is read at no more than about so many steps a side. */
const STEPS = 20
/** Rows that are worked on together. */
const BAND = 64

/** Changes `map`, which holds ln d at the size of `image`, in its own memory. */
export function* snapEdges(
  map: DepthImage,
  image: RgbImage,
  { radius }: SnapOptions,
): Generator<void, void, undefined> {
  const { width, height, data } = map
  assert(width === image.width && height === image.height, 'a map at another size than its image')
  // The rows above a band as they were: their own band has changed them.
  let above = new Float32Array(0)
  for (let top = 0; top < height; top += BAND) {
    const end = Math.min(height, top + BAND)
    const first = Math.max(0, top - radius)
    const last = Math.min(height, end + radius)
    const before = new Float32Array((last - first) * width)
    before.set(above)
    before.set(data.subarray(top * width, last * width), (top - first) * width)
    const rows = { first, before, top, end }
    snapBand(map, image, rows, radius)
    const keep = Math.max(0, end - radius)
    above = before.slice((keep - first) * width, (end - first) * width)
    yield
  }
}

interface Band {
  /** Row of the picture that `before` begins with. */
  readonly first: number
  /** The band as it was, and up to `radius` rows above and below it. */
  readonly before: Float32Array
  readonly top: number
  readonly end: number
}

function snapBand({ width, data }: DepthImage, { data: rgb }: RgbImage, band: Band, radius: number): void {
  const { first, before, top, end } = band
  const rows = before.length / width
  const least = slidingExtreme(before, width, rows, radius, Math.min)
  const most = slidingExtreme(before, width, rows, radius, Math.max)
  const step = Math.max(1, Math.round((2 * radius) / STEPS))
  const near = new Float64Array(5)
  const far = new Float64Array(5)
  for (let y = top; y < end; y++) {
    const [y0, y1] = [Math.max(0, y - first - radius), Math.min(rows - 1, y - first + radius)]
    for (let x = 0; x < width; x++) {
      const at = (y - first) * width + x
      const [low, high] = [least[at], most[at]]
      if (high - low < FLAT) continue
      const [belowNear, aboveFar] = [low + SIDE * (high - low), high - SIDE * (high - low)]
      near.fill(0)
      far.fill(0)
      const [x0, x1] = [Math.max(0, x - radius), Math.min(width - 1, x + radius)]
      for (let j = y0; j <= y1; j += step)
        for (let i = x0; i <= x1; i += step) {
          const value = before[j * width + i]
          if (value <= belowNear) add(near, value, rgb, 3 * ((j + first) * width + i))
          else if (value >= aboveFar) add(far, value, rgb, 3 * ((j + first) * width + i))
        }
      if (near[0] > 0 && far[0] > 0) data[y * width + x] = decided(before[at], near, far, rgb, 3 * (y * width + x))
    }
  }
}

/** Count, Σ ln d, Σ of the three colours. */
function add(side: Float64Array, value: number, rgb: Uint8Array, at: number): void {
  side[0]++
  side[1] += value
  side[2] += rgb[at]
  side[3] += rgb[at + 1]
  side[4] += rgb[at + 2]
}

function decided(value: number, near: Float64Array, far: Float64Array, rgb: Uint8Array, at: number): number {
  let [toNear, toFar, apart] = [0, 0, 0]
  for (let c = 0; c < 3; c++) {
    const [n, f] = [near[2 + c] / near[0] / 255, far[2 + c] / far[0] / 255]
    const own = rgb[at + c] / 255
    toNear += (own - n) ** 2
    toFar += (own - f) ** 2
    apart += (n - f) ** 2
  }
  const t = 1 / (1 + Math.exp((-HARDNESS * (toNear - toFar)) / (toNear + toFar + 1e-4)))
  const share = Math.min(1, apart / ENOUGH_CONTRAST)
  const [nearest, farthest] = [near[1] / near[0], far[1] / far[0]]
  return (1 - share) * value + share * (nearest + t * (farthest - nearest))
}

/** The least or the largest value of the square around each pixel, along x, then along y (van Herk, Gil and Werman: three comparisons each). */
function slidingExtreme(
  data: Float32Array,
  width: number,
  height: number,
  radius: number,
  pick: (a: number, b: number) => number,
): Float32Array {
  const out = data.slice()
  const most = Math.max(width, height) + 2 * radius
  const scratch = { line: new Float32Array(most), forward: new Float32Array(most), backward: new Float32Array(most) }
  for (let y = 0; y < height; y++) extremeOfLine(out, y * width, 1, width, radius, pick, scratch)
  for (let x = 0; x < width; x++) extremeOfLine(out, x, width, height, radius, pick, scratch)
  return out
}

function extremeOfLine(
  data: Float32Array,
  from: number,
  stride: number,
  length: number,
  radius: number,
  pick: (a: number, b: number) => number,
  { line, forward, backward }: Readonly<Record<'line' | 'forward' | 'backward', Float32Array>>,
): void {
  // The border repeats, so that every window is whole: it then ends in its own block or in the next.
  const block = 2 * radius + 1
  const padded = length + 2 * radius
  for (let i = 0; i < padded; i++) {
    line[i] = data[from + Math.min(Math.max(i - radius, 0), length - 1) * stride]
    forward[i] = i % block === 0 ? line[i] : pick(forward[i - 1], line[i])
  }
  for (let i = padded - 1; i >= 0; i--)
    backward[i] = i === padded - 1 || i % block === block - 1 ? line[i] : pick(backward[i + 1], line[i])
  for (let i = 0; i < length; i++) data[from + i * stride] = pick(backward[i], forward[i + 2 * radius])
}
