/**
 * Effects of light and camera on the colours of a scene, drawn at random for training. All operations on a single
 * channel are combined into one curve over the 256 byte values, which the sampler applies at no extra cost. Only
 * saturation, blur and noise work on the pixels.
 *
 *     v₁ = v^γ · exposure · balance_c        v₂ = m + contrast·(v₁ − m),  m = mean of v₁ over the image
 *     v₃ = grey + saturation·(v₂ − grey)     grey = 0.299 R + 0.587 G + 0.114 B; saturation 0 is a grey photo
 *
 * Then a [s, 1−2s, s]² blur and Gaussian noise, each with a probability, and a clip to [0, 1]. JPEG blocks are left out
 * here, because the photos already have them.
 */
import type { RgbImage } from '../image/types.ts'
import { Random } from '../support/random.ts'

export interface ColourOptions {
  /** 0 leaves gamma, exposure, white balance, contrast and saturation unchanged; 1 is the usual range. */
  readonly strength: number
  /** Probabilities of a grey image, of blur and of noise. */
  readonly grey: number
  readonly blur: number
  readonly noise: number
}

/** One random draw of all effects. */
export interface ColourChange {
  /** 3×256, channel by channel: byte → value, not yet clipped. */
  readonly curves: Float32Array
  readonly saturation: number
  /** s of the blur kernel, 0 for none; at most 0.25. Below 0 it sharpens. */
  readonly blur: number
  /** Standard deviation of the noise, 0 for none. */
  readonly noise: number
}

export function drawColour(image: RgbImage, random: Random, options: ColourOptions): ColourChange {
  const { strength } = options
  const factor = (range: number) => Math.exp(strength * random.uniform(-range, range))
  const gamma = factor(0.25)
  const exposure = factor(0.25)
  const gains = [factor(0.1), factor(0.04), factor(0.1)].map((balance) => exposure * balance)
  const contrast = factor(0.2)
  const saturation = random.chance(options.grey) ? 0 : factor(0.35)
  const blur = random.chance(options.blur) ? random.uniform(0.05, 0.25) : 0
  const noise = random.chance(options.noise) ? random.uniform(0.003, 0.02) : 0
  const curves = Float32Array.from({ length: 3 * 256 }, (_, i) => ((i % 256) / 255) ** gamma * gains[i >> 8])
  const mean = meanOf(image, curves)
  for (let i = 0; i < curves.length; i++) curves[i] = mean + contrast * (curves[i] - mean)
  return { curves, saturation, blur, noise }
}

/** Mean of the changed image over every 61st pixel, which is exact enough for the contrast's fixed point. */
function meanOf({ data, width, height }: RgbImage, curves: Float32Array): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < width * height; i += 61) {
    sum += curves[data[3 * i]] + curves[256 + data[3 * i + 1]] + curves[512 + data[3 * i + 2]]
    count += 3
  }
  return sum / count
}

/** Saturation, blur, noise and clip on a planar 3·height·width image, in place. */
export function finishColour(
  image: Float32Array,
  width: number,
  height: number,
  { saturation, blur, noise }: ColourChange,
  random: Random,
): void {
  const plane = width * height
  if (saturation !== 1)
    for (let i = 0; i < plane; i++) {
      const grey = 0.299 * image[i] + 0.587 * image[plane + i] + 0.114 * image[2 * plane + i]
      for (let at = i; at < 3 * plane; at += plane) image[at] = grey + saturation * (image[at] - grey)
    }
  if (blur !== 0) for (let c = 0; c < 3; c++) blurPlane(image.subarray(c * plane, (c + 1) * plane), width, height, blur)
  if (noise > 0) addNoise(image, noise, random)
  for (let i = 0; i < image.length; i++) image[i] = Math.min(Math.max(image[i], 0), 1)
}

/** [s, 1−2s, s] along the rows, then along the columns; the border pixel repeats. In place. */
function blurPlane(plane: Float32Array, width: number, height: number, s: number): void {
  for (let y = 0; y < height; y++) {
    let before = plane[y * width]
    for (let x = 0, i = y * width; x < width; x++, i++) {
      const here = plane[i]
      const after = x + 1 < width ? plane[i + 1] : here
      plane[i] = here + s * (before + after - 2 * here)
      before = here
    }
  }
  const above = plane.slice(0, width)
  for (let y = 0; y < height; y++) {
    for (let x = 0, i = y * width; x < width; x++, i++) {
      const here = plane[i]
      const below = y + 1 < height ? plane[i + width] : here
      plane[i] = here + s * (above[x] + below - 2 * here)
      above[x] = here
    }
  }
}

/** 2¹⁶ normal numbers, made once. A fresh Box–Muller draw per value would cost more than all other augmentation. */
let noiseTable: Float32Array | null = null

/** Adds noise from the table. Each run of 256 values starts at a random place of it. */
function addNoise(image: Float32Array, deviation: number, random: Random): void {
  if (noiseTable === null) {
    const source = new Random(20200517)
    noiseTable = Float32Array.from({ length: 65536 }, () => source.normal())
  }
  for (let start = 0; start < image.length; start += 256) {
    const offset = random.integer(0, noiseTable.length - 256)
    const end = Math.min(start + 256, image.length)
    for (let i = start; i < end; i++) image[i] += deviation * noiseTable[offset + i - start]
  }
}
