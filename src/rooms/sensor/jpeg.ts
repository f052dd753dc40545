/**
 * The effect of JPEG on a picture, without a file: 8×8 discrete cosine transforms of Y, Cb, Cr (ITU-T T.81),
 * quantisation with the standard tables scaled by a quality as libjpeg does, and the inverse. Entropy coding is
 * lossless and left out.
 */

const LUMA = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
]
const CHROMA = [
  17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
  99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
  99, 99, 99, 99, 99, 99,
]

/** Orthonormal DCT-II: C[k][n] = √(2/8)·c_k·cos((2n + 1)kπ/16), c_0 = 1/√2. */
const COSINE = Float64Array.from({ length: 64 }, (_, i) => {
  const k = i >> 3
  const n = i & 7
  return 0.5 * (k === 0 ? Math.SQRT1_2 : 1) * Math.cos(((2 * n + 1) * k * Math.PI) / 16)
})

/** libjpeg's scaling of a table for a quality of 1 to 100. */
function quantiser(table: readonly number[], quality: number): Float64Array {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality
  return Float64Array.from(table, (q) => Math.min(Math.max(Math.floor((q * scale + 50) / 100), 1), 255))
}

/** Transforms, quantises and restores a plane in place; borders are padded by repeating the last row and column. */
function squeeze(plane: Float32Array, width: number, height: number, table: Float64Array): void {
  const block = new Float64Array(64)
  const half = new Float64Array(64)
  for (let by = 0; by < height; by += 8)
    for (let bx = 0; bx < width; bx += 8) {
      for (let y = 0; y < 8; y++) {
        const row = Math.min(by + y, height - 1) * width
        for (let x = 0; x < 8; x++) block[8 * y + x] = plane[row + Math.min(bx + x, width - 1)]
      }
      transform(block, half, false)
      for (let i = 0; i < 64; i++) block[i] = Math.round(block[i] / table[i]) * table[i]
      transform(block, half, true)
      for (let y = 0; y < 8 && by + y < height; y++)
        for (let x = 0; x < 8 && bx + x < width; x++) plane[(by + y) * width + bx + x] = block[8 * y + x]
    }
}

/** In-place 8×8 transform C·B·Cᵀ, or back Cᵀ·B·C. */
function transform(block: Float64Array, half: Float64Array, inverse: boolean): void {
  pass(block, half, 8, 1, inverse)
  pass(half, block, 1, 8, inverse)
}

/** Along one axis: to[k·along + j·across] = Σ_i C[k][i]·from[i·along + j·across], with Cᵀ for the inverse. */
function pass(from: Float64Array, to: Float64Array, along: number, across: number, inverse: boolean): void {
  const row = inverse ? 1 : 8
  const step = inverse ? 8 : 1
  for (let k = 0; k < 8; k++) {
    const c = k * row
    const c0 = COSINE[c]
    const c1 = COSINE[c + step]
    const c2 = COSINE[c + 2 * step]
    const c3 = COSINE[c + 3 * step]
    const c4 = COSINE[c + 4 * step]
    const c5 = COSINE[c + 5 * step]
    const c6 = COSINE[c + 6 * step]
    const c7 = COSINE[c + 7 * step]
    for (let j = 0; j < 8 * across; j += across)
      to[k * along + j] =
        c0 * from[j] +
        c1 * from[j + along] +
        c2 * from[j + 2 * along] +
        c3 * from[j + 3 * along] +
        c4 * from[j + 4 * along] +
        c5 * from[j + 5 * along] +
        c6 * from[j + 6 * along] +
        c7 * from[j + 7 * along]
  }
}

/**
 * Replaces `rgb` (8-bit, channels last) by what a JPEG file of this quality, with chroma at half size, would decode to.
 */
export function compressInPlace(rgb: Uint8Array, width: number, height: number, quality: number): void {
  const n = width * height
  const w2 = (width + 1) >> 1
  const h2 = (height + 1) >> 1
  const luma = new Float32Array(n)
  const blue = new Float32Array(w2 * h2)
  const red = new Float32Array(w2 * h2)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x
      const r = rgb[3 * i]
      const g = rgb[3 * i + 1]
      const b = rgb[3 * i + 2]
      luma[i] = 0.299 * r + 0.587 * g + 0.114 * b - 128
      const j = (y >> 1) * w2 + (x >> 1)
      // A quarter of each of the 2×2 pixels; at an odd border the missing ones count as this one.
      const share = (x === width - 1 && (x & 1) === 0 ? 0.5 : 0.25) * (y === height - 1 && (y & 1) === 0 ? 2 : 1)
      blue[j] += share * (-0.168736 * r - 0.331264 * g + 0.5 * b)
      red[j] += share * (0.5 * r - 0.418688 * g - 0.081312 * b)
    }
  const coarse = quantiser(CHROMA, quality)
  squeeze(luma, width, height, quantiser(LUMA, quality))
  squeeze(blue, w2, h2, coarse)
  squeeze(red, w2, h2, coarse)
  for (let y = 0; y < height; y++) {
    // Chroma back to full size with weights 3/4 and 1/4, libjpeg's "fancy" upsampling.
    const ja = (y >> 1) * w2
    const jb = Math.min(Math.max((y >> 1) + ((y & 1) === 0 ? -1 : 1), 0), h2 - 1) * w2
    for (let x = 0; x < width; x++) {
      const ia = x >> 1
      const ib = Math.min(Math.max(ia + ((x & 1) === 0 ? -1 : 1), 0), w2 - 1)
      const cb = 0.5625 * blue[ja + ia] + 0.1875 * (blue[ja + ib] + blue[jb + ia]) + 0.0625 * blue[jb + ib]
      const cr = 0.5625 * red[ja + ia] + 0.1875 * (red[ja + ib] + red[jb + ia]) + 0.0625 * red[jb + ib]
      const i = y * width + x
      const l = luma[i] + 128.5
      rgb[3 * i] = byte(l + 1.402 * cr)
      rgb[3 * i + 1] = byte(l - 0.344136 * cb - 0.714136 * cr)
      rgb[3 * i + 2] = byte(l + 1.772 * cb)
    }
  }
}

function byte(x: number): number {
  return x < 0 ? 0 : x > 255 ? 255 : x
}
