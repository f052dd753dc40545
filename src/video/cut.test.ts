import { describe, expect, it } from 'vitest'
import type { RgbImage } from '../image/types.ts'
import { colourHistogram, histogramDistance, isCut } from './cut.ts'

/** A picture of soft waves in two colours. */
function waves(
  from: readonly number[],
  to: readonly number[],
  { shift = 0, width = 200, height = 150 } = {},
): RgbImage {
  const data = new Uint8Array(3 * width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const share = 0.5 + 0.5 * Math.sin((x / width) * 12 + shift + (y / height) * 7)
      for (let c = 0; c < 3; c++) data[3 * (y * width + x) + c] = Math.round(from[c] + share * (to[c] - from[c]))
    }
  return { width, height, data }
}

const kitchen = { from: [200, 180, 150], to: [90, 60, 40] }
const street = { from: [90, 110, 140], to: [30, 80, 30] }

describe('cuts', () => {
  it('has shares that sum to 1, and no distance to itself', () => {
    const histogram = colourHistogram(waves(kitchen.from, kitchen.to))
    expect(histogram.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4)
    expect(histogramDistance(histogram, histogram)).toBe(0)
  })

  it('sees another place', () => {
    const [a, b] = [waves(kitchen.from, kitchen.to), waves(street.from, street.to)].map(colourHistogram)
    expect(histogramDistance(a, b)).toBeCloseTo(1, 1)
    expect(isCut(a, b)).toBe(true)
  })

  it('sees none in a moving camera, in noise, or in the light', () => {
    const before = colourHistogram(waves(kitchen.from, kitchen.to))
    const turned = waves(kitchen.from, kitchen.to, { shift: 2 })
    const noisy = waves(kitchen.from, kitchen.to)
    noisy.data.forEach((value, i) => {
      noisy.data[i] = value + ((i * 7919) % 9) - 4
    })
    const brighter = { ...noisy, data: noisy.data.map((value) => Math.min(255, value + 6)) }
    for (const now of [turned, noisy, brighter]) expect(isCut(before, colourHistogram(now))).toBe(false)
  })

  it('does not depend on the size of the photo', () => {
    const [small, large] = [80, 640].map((width) =>
      colourHistogram(waves(kitchen.from, kitchen.to, { width, height: (width * 3) / 4 })),
    )
    expect(histogramDistance(small, large)).toBeLessThan(0.05)
  })
})
