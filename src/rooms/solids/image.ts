/** Images on surfaces: 8-bit sRGB with alpha, with a pyramid of halved sizes for distant surfaces. */

export interface Image {
  readonly width: number
  readonly height: number
  /** RGBA, row-major, top row first; level k has its sides halved k times (at least 1 pixel). */
  readonly levels: readonly Uint8Array[]
  /** Whether some pixels are transparent. Rays pass through those. */
  readonly cutOut: boolean
}

/** Images with a longer side than this are halved until they fit. Finer detail is not visible in rooms. */
export const MAX_SIDE = 256

/** `rgba`: width × height × 4. */
export function buildImage(width: number, height: number, rgba: Uint8Array): Image {
  let [w, h, level] = [width, height, rgba]
  while (Math.max(w, h) > MAX_SIDE) [w, h, level] = halved(w, h, level)
  return withLevels(w, h, level)
}

/** The pyramid over a full-size level. */
export function withLevels(width: number, height: number, full: Uint8Array): Image {
  const levels = [full]
  let [w, h, level] = [width, height, full]
  while (w > 1 || h > 1) {
    ;[w, h, level] = halved(w, h, level)
    levels.push(level)
  }
  let cutOut = false
  for (let i = 3; i < full.length && !cutOut; i += 4) cutOut = full[i] < 128
  return { width, height, levels, cutOut }
}

/** Means of 2×2 pixels, weighted by alpha, so that the colour under transparent pixels does not bleed in. */
function halved(width: number, height: number, source: Uint8Array): [number, number, Uint8Array] {
  const w = Math.max(width >> 1, 1)
  const h = Math.max(height >> 1, 1)
  const out = new Uint8Array(4 * w * h)
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      let alpha = 0
      const sums = [0, 0, 0]
      for (let k = 0; k < 4; k++) {
        const px = Math.min(2 * x + (k & 1), width - 1)
        const py = Math.min(2 * y + (k >> 1), height - 1)
        const i = 4 * (py * width + px)
        alpha += source[i + 3]
        for (let c = 0; c < 3; c++) sums[c] += source[i + c] * source[i + 3]
      }
      const o = 4 * (y * w + x)
      for (let c = 0; c < 3; c++) out[o + c] = alpha > 0 ? Math.round(sums[c] / alpha) : 0
      out[o + 3] = alpha >> 2
    }
  return [w, h, out]
}

/** sRGB bytes to linear light, by the same power law as `hsv`: v²(0.8 + 0.2v). */
const LINEAR = Float64Array.from({ length: 256 }, (_, i) => {
  const v = i / 255
  return v * v * (0.8 + 0.2 * v)
})

/**
 * Linear RGB at image coordinates (s right, t up, repeating), bilinear in the level whose pixels are about `texels` pixels
 * of the full image wide; into `out`.
 */
export function sampleImage(image: Image, s: number, t: number, texels: number, out: Float64Array): void {
  let level = 0
  while (texels > 1.5 && level < image.levels.length - 1) {
    texels /= 2
    level++
  }
  const w = Math.max(image.width >> level, 1)
  const h = Math.max(image.height >> level, 1)
  const data = image.levels[level]
  const x = (s - Math.floor(s)) * w - 0.5
  const y = (1 - t - Math.floor(1 - t)) * h - 0.5
  const x0 = Math.floor(x)
  const y0 = Math.floor(y)
  const fx = x - x0
  const fy = y - y0
  const xa = (x0 + w) % w
  const xb = (x0 + 1) % w
  const ya = ((y0 + h) % h) * w
  const yb = ((y0 + 1) % h) * w
  const a = 4 * (ya + xa)
  const b = 4 * (ya + xb)
  const c = 4 * (yb + xa)
  const d = 4 * (yb + xb)
  for (let k = 0; k < 3; k++) {
    const top = LINEAR[data[a + k]] + (LINEAR[data[b + k]] - LINEAR[data[a + k]]) * fx
    const bottom = LINEAR[data[c + k]] + (LINEAR[data[d + k]] - LINEAR[data[c + k]]) * fx
    out[k] = top + (bottom - top) * fy
  }
}
