/**
 * From linear light to an 8-bit photo, in a camera's order: exposure and white balance, vignetting, lens and motion
 * blur, photon and read noise, tone curve and saturation, JPEG. All amounts are drawn per photo.
 */
import { Random } from '../../support/random.ts'
import { compressInPlace } from './jpeg.ts'

/** Size of the tone table, and the exposed light at its end (1 is white). */
const TONE_SIZE = 4096
const TONE_END = 4

export interface ExposeOptions {
  readonly seed: number
  /** The light that the mean of the logarithm is brought to; 1 is white. */
  readonly key: number
}

/** Turns linear radiance (channels last) into 8-bit RGB. `radiance` is used as scratch and overwritten. */
export function expose(
  radiance: Float32Array,
  width: number,
  height: number,
  { seed, key }: ExposeOptions,
): Uint8Array {
  const random = new Random(seed, 3)
  const n = width * height
  let gain = meter(radiance, n, key) * random.uniform(0.75, 1.5)
  if (random.chance(0.1)) gain *= random.uniform(0.4, 2)
  const warm = random.normal(0, 0.07)
  const gains = [gain * (1 + warm), gain * (1 + random.normal(0, 0.02)), gain * (1 - warm)]
  develop(radiance, width, height, gains, random.chance(0.7) ? random.uniform(0, 0.35) : 0)
  // Blur is scaled with the size of the photo, relative to a longer side of 320 pixels.
  const unit = Math.max(width, height) / 320
  const blur = random.chance(0.8) ? random.uniform(0.25, 0.7) : random.uniform(0.7, 1.6)
  blurInPlace(radiance, width, height, blur * unit)
  if (random.chance(0.15))
    motionInPlace(radiance, width, height, random.uniform(-5, 5) * unit, random.normal(0, 1.2) * unit)
  const sharpen = random.chance(0.3) ? random.uniform(0.2, 0.8) : 0
  addNoise(radiance, random, random.chance(0.8) ? random.uniform(0.0002, 0.002) : random.uniform(0.002, 0.008))
  const rgb = tone(radiance, n, random)
  if (sharpen > 0) sharpenInPlace(rgb, width, height, sharpen)
  if (random.chance(0.8)) compressInPlace(rgb, width, height, random.integer(random.chance(0.2) ? 50 : 75, 97))
  return rgb
}

/** The gain that brings the mean log luminance to `key`. Bright lights count no more than 1.5. */
function meter(radiance: Float32Array, n: number, key: number): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < n; i += 7) {
    const y = 0.2126 * radiance[3 * i] + 0.7152 * radiance[3 * i + 1] + 0.0722 * radiance[3 * i + 2]
    sum += Math.log(Math.min(Math.max(y, 1e-3), 1.5) + 0.01)
    count++
  }
  return key / Math.exp(sum / count)
}

/** White balance and the fall of light towards the corners: 1 − k·r², r = 1 in the corner. */
function develop(
  radiance: Float32Array,
  width: number,
  height: number,
  gains: readonly number[],
  vignette: number,
): void {
  const cx = (width - 1) / 2
  const cy = (height - 1) / 2
  const k = vignette / (cx * cx + cy * cy)
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 3) {
      const f = 1 - k * ((x - cx) * (x - cx) + (y - cy) * (y - cy))
      radiance[i] = Math.min(radiance[i] * gains[0] * f, TONE_END)
      radiance[i + 1] = Math.min(radiance[i + 1] * gains[1] * f, TONE_END)
      radiance[i + 2] = Math.min(radiance[i + 2] * gains[2] * f, TONE_END)
    }
}

/** Gaussian blur, separable, borders repeated. */
function blurInPlace(image: Float32Array, width: number, height: number, sigma: number): void {
  const radius = Math.max(1, Math.ceil(2.5 * sigma))
  const kernel = new Float64Array(radius + 1)
  let total = 0
  for (let i = 0; i <= radius; i++) {
    kernel[i] = Math.exp((-i * i) / (2 * sigma * sigma))
    total += i === 0 ? kernel[i] : 2 * kernel[i]
  }
  for (let i = 0; i <= radius; i++) kernel[i] /= total
  const line = new Float64Array(3 * (Math.max(width, height) + 2 * radius))
  const pass = (start: number, step: number, n: number) => {
    for (let i = -radius; i < n + radius; i++) {
      const from = start + step * (i < 0 ? 0 : i >= n ? n - 1 : i)
      const to = 3 * (i + radius)
      line[to] = image[from]
      line[to + 1] = image[from + 1]
      line[to + 2] = image[from + 2]
    }
    for (let i = 0; i < n; i++) {
      const at = 3 * (i + radius)
      let r = kernel[0] * line[at]
      let g = kernel[0] * line[at + 1]
      let b = kernel[0] * line[at + 2]
      for (let k = 1; k <= radius; k++) {
        const w = kernel[k]
        r += w * (line[at - 3 * k] + line[at + 3 * k])
        g += w * (line[at - 3 * k + 1] + line[at + 3 * k + 1])
        b += w * (line[at - 3 * k + 2] + line[at + 3 * k + 2])
      }
      const to = start + step * i
      image[to] = r
      image[to + 1] = g
      image[to + 2] = b
    }
  }
  for (let y = 0; y < height; y++) pass(3 * y * width, 3, width)
  for (let x = 0; x < width; x++) pass(3 * x, 3 * width, height)
}

/** Motion blur: the mean along a short straight path, (dx, dy) pixels long. */
function motionInPlace(image: Float32Array, width: number, height: number, dx: number, dy: number): void {
  const source = image.slice()
  const taps = 5
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let r = 0
      let g = 0
      let b = 0
      for (let k = 0; k < taps; k++) {
        const s = k / (taps - 1) - 0.5
        const px = Math.min(Math.max(Math.round(x + s * dx), 0), width - 1)
        const py = Math.min(Math.max(Math.round(y + s * dy), 0), height - 1)
        const i = 3 * (py * width + px)
        r += source[i]
        g += source[i + 1]
        b += source[i + 2]
      }
      const o = 3 * (y * width + x)
      image[o] = r / taps
      image[o + 1] = g / taps
      image[o + 2] = b / taps
    }
}

/** Noise of variance `photon`·(light + 0.02). The sum of four bytes of a random word is close enough to normal. */
function addNoise(image: Float32Array, random: Random, photon: number): void {
  // The sum of four uniform bytes has mean 510 and standard deviation 147.8.
  const scale = Math.sqrt(photon) / 147.8
  for (let i = 0; i < image.length; i++) {
    const w = random.bits()
    const z = (w & 255) + ((w >>> 8) & 255) + ((w >>> 16) & 255) + (w >>> 24) - 510
    image[i] += z * scale * Math.sqrt(image[i] + 0.02)
  }
}

/** Saturation, then a table: a shoulder towards white, contrast, and the sRGB-like curve, to bytes. */
function tone(image: Float32Array, n: number, random: Random): Uint8Array {
  const saturation = random.uniform(0.75, 1.3)
  const shoulder = random.uniform(0, 0.8)
  const contrast = random.uniform(-0.1, 0.35)
  const gamma = 1 / random.uniform(2, 2.4)
  const black = random.chance(0.2) ? random.uniform(0, 0.04) : 0
  const table = new Uint8Array(TONE_SIZE)
  for (let i = 0; i < TONE_SIZE; i++) {
    const x = (TONE_END * i) / (TONE_SIZE - 1)
    const rolled = (x * (1 + x / (TONE_END * TONE_END))) / (1 + x)
    const y = Math.min((1 - shoulder) * x + shoulder * rolled * 1.25, 1) ** gamma
    const s = y + contrast * (y * y * (3 - 2 * y) - y)
    table[i] = Math.round(255 * Math.min(black + (1 - black) * s, 1))
  }
  const rgb = new Uint8Array(3 * n)
  const k = (TONE_SIZE - 1) / TONE_END
  for (let i = 0; i < 3 * n; i += 3) {
    const y = 0.2126 * image[i] + 0.7152 * image[i + 1] + 0.0722 * image[i + 2]
    for (let c = 0; c < 3; c++) {
      const v = (y + saturation * (image[i + c] - y)) * k
      rgb[i + c] = table[v < 0 ? 0 : v > TONE_SIZE - 1 ? TONE_SIZE - 1 : (v + 0.5) | 0]
    }
  }
  return rgb
}

/** Unsharp mask over the four neighbours, as phones do. */
function sharpenInPlace(rgb: Uint8Array, width: number, height: number, amount: number): void {
  const source = rgb.slice()
  const row = 3 * width
  for (let y = 1; y < height - 1; y++)
    for (let i = y * row + 3; i < (y + 1) * row - 3; i++) {
      const around = source[i - 3] + source[i + 3] + source[i - row] + source[i + row]
      const v = source[i] + amount * (source[i] - around / 4)
      rgb[i] = v < 0 ? 0 : v > 255 ? 255 : Math.round(v)
    }
}
