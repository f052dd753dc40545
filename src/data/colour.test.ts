import { describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { drawColour, finishColour } from './colour.ts'

const grey128 = { width: 20, height: 20, data: new Uint8Array(1200).fill(128) }
const none = { strength: 0, grey: 0, blur: 0, noise: 0 }
const still = { curves: new Float32Array(768), saturation: 1, blur: 0, noise: 0 }

describe('drawColour', () => {
  it('of no strength leaves every byte what it is', () => {
    const { curves, saturation, blur, noise } = drawColour(grey128, new Random(1), none)
    for (let i = 0; i < 768; i++) expect(curves[i]).toBeCloseTo((i % 256) / 255, 6)
    expect([saturation, blur, noise]).toEqual([1, 0, 0])
  })

  it('draws rising curves that differ by channel', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { curves } = drawColour(grey128, new Random(seed), { ...none, strength: 1 })
      expect(curves.every((value, i) => i % 256 === 0 || value > curves[i - 1])).toBe(true)
      expect(curves[200]).not.toBe(curves[456])
    }
  })

  it('turns contrast about the mean of the image', () => {
    for (let seed = 0; seed < 20; seed++) {
      const strong = drawColour(grey128, new Random(seed), { ...none, strength: 1 }).curves
      const mean = (strong[128] + strong[256 + 128] + strong[512 + 128]) / 3
      // γ, exposure and balance alone: 0.502^0.78·1.42 at most, 0.502^1.28·0.70 at least.
      expect(mean).toBeGreaterThan(0.25)
      expect(mean).toBeLessThan(0.9)
    }
  })

  it('draws grey, blur and noise as often as asked', () => {
    const certain = drawColour(grey128, new Random(1), { strength: 1, grey: 1, blur: 1, noise: 1 })
    expect(certain.saturation).toBe(0)
    expect(certain.blur).toBeGreaterThan(0)
    expect(certain.noise).toBeGreaterThan(0)
  })
})

describe('finishColour', () => {
  it('clips', () => {
    const image = Float32Array.of(-0.5, 2, 0.25)
    finishColour(image, 1, 1, still, new Random(1))
    expect([...image]).toEqual([0, 1, 0.25])
  })

  it('of saturation 0 makes the channels equal, to the usual luminance', () => {
    const image = Float32Array.of(1, 0, 0.5, 0, 0.5, 1)
    finishColour(image, 2, 1, { ...still, saturation: 0 }, new Random(1))
    expect(image[0]).toBeCloseTo(0.299 + 0.587 * 0.5 + 0.114 * 0.5, 6)
    expect(image[2]).toBe(image[0])
    expect(image[4]).toBe(image[0])
    expect(image[1]).toBeCloseTo(0.114, 6)
  })

  it('blurs a point with the separable kernel, the same in every channel', () => {
    const image = new Float32Array(75)
    for (const centre of [12, 37, 62]) image[centre] = 1
    finishColour(image, 5, 5, { ...still, blur: 0.25 }, new Random(1))
    const kernel = [0, 0.25, 0.5, 0.25, 0]
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < 5; y++)
        for (let x = 0; x < 5; x++) expect(image[25 * c + 5 * y + x]).toBeCloseTo(kernel[x] * kernel[y], 6)
  })

  it('keeps a constant image constant under blur, up to its border', () => {
    const image = new Float32Array(36).fill(0.3)
    finishColour(image, 4, 3, { ...still, blur: 0.2 }, new Random(1))
    for (const value of image) expect(value).toBeCloseTo(0.3, 6)
  })

  it('adds noise of the stated deviation', () => {
    const image = new Float32Array(3 * 64 * 64).fill(0.5)
    finishColour(image, 64, 64, { ...still, noise: 0.02 }, new Random(1))
    const mean = image.reduce((sum, value) => sum + value, 0) / image.length
    const variance = image.reduce((sum, value) => sum + (value - mean) ** 2, 0) / image.length
    expect(mean).toBeCloseTo(0.5, 2)
    expect(Math.sqrt(variance)).toBeCloseTo(0.02, 2.5)
  })
})
