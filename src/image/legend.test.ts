import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { blankImage, INK } from './canvas.ts'
import { colorTable, DEFAULT_SCALE } from './colormap.ts'
import { legendTicks, withLegend } from './legend.ts'
import type { RgbImage } from './types.ts'

const pixel = (image: RgbImage, x: number, y: number) => [
  ...image.data.subarray(3 * (y * image.width + x), 3 * (y * image.width + x) + 3),
]
const entry = (i: number) => [...colorTable('turbo').subarray(3 * i, 3 * i + 3)]

describe('legendTicks', () => {
  it('labels both ends and round metres between them', () => {
    expect(legendTicks(DEFAULT_SCALE, 300, 20)).toEqual([0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10])
    expect(legendTicks({ near: 0, far: 10, scale: 'linear' }, 300, 20)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(legendTicks({ near: 0, far: 10, scale: 'linear' }, 300, 40)).toEqual([0, 2, 4, 6, 8, 10])
  })

  it('keeps labels apart on a short bar, the roundest first', () => {
    expect(legendTicks(DEFAULT_SCALE, 100, 25)).toEqual([0.3, 1, 3, 10])
    expect(legendTicks(DEFAULT_SCALE, 20, 25)).toEqual([0.3, 10])
  })

  it.each([
    { near: 0.3, far: 10, scale: 'log' },
    { near: 1, far: 80, scale: 'log' },
    { near: 0.013, far: 0.02, scale: 'log' },
    { near: 0.9, far: 2.45, scale: 'linear' },
    { near: 0, far: 0.07, scale: 'linear' },
    { near: 999, far: 1000, scale: 'linear' },
  ] as const)('never lets two labels come closer than asked, $near to $far m $scale', (range) => {
    const ticks = legendTicks(range, 400, 30)
    expect(ticks.length).toBeGreaterThan(1)
    const span = (metres: number) =>
      range.scale === 'log'
        ? Math.log(metres / range.near) / Math.log(range.far / range.near)
        : (metres - range.near) / (range.far - range.near)
    for (let i = 1; i < ticks.length; i++)
      expect(400 * (span(ticks[i]) - span(ticks[i - 1]))).toBeGreaterThanOrEqual(30 - 1e-9)
  })
})

describe('withLegend', () => {
  const picture = blankImage(160, 120, [1, 2, 3])

  it('leaves the picture as it is and puts the bar on its right, near at the bottom', () => {
    const sheet = withLegend(picture)
    expect(sheet.height).toBe(120)
    for (const [x, y] of [
      [0, 0],
      [159, 119],
    ])
      expect(pixel(sheet, x, y)).toEqual([1, 2, 3])
    // The middle column of the bar, without its frame.
    const column = Array.from({ length: 120 }, (_, y) => pixel(sheet, 160 + 12, y))
    const ends = column.map((colour, y) => (colour.join() === INK.join() ? y : -1)).filter((y) => y >= 0)
    expect(column[ends[0] + 1]).toEqual(entry(1))
    expect(column[ends[ends.length - 1] - 1]).toEqual(entry(254))
  })

  it('shows with a bar the colours that the map gives, in order', () => {
    const sheet = withLegend(picture, { side: 'below', map: 'inferno' })
    expect(sheet.width).toBe(160)
    const y = 120 + 12
    const brightness = Array.from({ length: 160 }, (_, x) => pixel(sheet, x, y))
      .filter((colour) => ![INK.join(), '255,255,255'].includes(colour.join()))
      .map(([r, g, b]) => 0.3 * r + 0.6 * g + 0.1 * b)
    expect(brightness.length).toBeGreaterThan(100)
    for (let i = 1; i < brightness.length; i++) expect(brightness[i]).toBeLessThanOrEqual(brightness[i - 1] + 1)
  })

  it('writes in ink beside the bar, and a title above', () => {
    const ink = (image: RgbImage, fromX: number, fromY: number) => {
      let count = 0
      for (let y = fromY; y < image.height; y++)
        for (let x = fromX; x < image.width; x++) if (pixel(image, x, y).join() === INK.join()) count++
      return count
    }
    const plain = withLegend(picture)
    // Beyond the frame of the bar there are only ticks and labels.
    expect(ink(plain, 160 + 6 + 12 + 1, 0)).toBeGreaterThan(100)
    const titled = withLegend(picture, { title: 'depth' })
    expect(titled.height).toBeGreaterThan(plain.height)
    expect(pixel(titled, 0, titled.height - 1)).toEqual([1, 2, 3])
    expect(ink(titled, 0, 0)).toBeGreaterThan(ink(plain, 0, 0) + 30)
  })

  it('still fits its labels beside a picture of one pixel', () => {
    for (const side of ['right', 'below'] as const) {
      const sheet = withLegend(blankImage(1, 1), { side })
      expect(Math.min(sheet.width, sheet.height)).toBeGreaterThan(20)
      expect(sheet.data).toHaveLength(3 * sheet.width * sheet.height)
    }
  })

  it('refuses an empty picture and an empty range', () => {
    expect(() => withLegend(blankImage(0, 5))).toThrow('empty picture')
    expect(() => withLegend(picture, { near: 3, far: 2 })).toThrow(DarError)
  })
})
