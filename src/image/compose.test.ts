import { describe, expect, it } from 'vitest'
import { blankImage, type Rgb } from './canvas.ts'
import { contactSheet, sideBySide } from './compose.ts'
import type { RgbImage } from './types.ts'

const pixel = (image: RgbImage, x: number, y: number) => [
  ...image.data.subarray(3 * (y * image.width + x), 3 * (y * image.width + x) + 3),
]
const RED: Rgb = [250, 0, 0]
const GREEN: Rgb = [0, 250, 0]
const BLUE: Rgb = [0, 0, 250]

describe('contactSheet', () => {
  it('fills a grid row by row', () => {
    const cells = [RED, GREEN, BLUE].map((colour) => ({ image: blankImage(10, 8, colour) }))
    const sheet = contactSheet(cells, { columns: 2, gap: 2 })
    expect([sheet.width, sheet.height]).toEqual([2 + 2 * 12, 2 + 2 * 10])
    expect(pixel(sheet, 2, 2)).toEqual([...RED])
    expect(pixel(sheet, 14, 2)).toEqual([...GREEN])
    expect(pixel(sheet, 2, 12)).toEqual([...BLUE])
    for (const [x, y] of [
      [0, 0],
      [12, 2],
      [14, 12],
      [25, 21],
    ])
      expect(pixel(sheet, x, y)).toEqual([255, 255, 255])
  })

  it('centres smaller pictures and stretches none', () => {
    const sheet = contactSheet([{ image: blankImage(10, 10, RED) }, { image: blankImage(4, 2, BLUE) }], {
      columns: 2,
      gap: 0,
    })
    expect([sheet.width, sheet.height]).toEqual([20, 10])
    const blue = Array.from({ length: 200 }, (_, i) => [i % 20, Math.floor(i / 20)]).filter(
      ([x, y]) => pixel(sheet, x, y).join() === BLUE.join(),
    )
    expect(blue).toHaveLength(8)
    expect([blue[0], blue[7]]).toEqual([
      [13, 4],
      [16, 5],
    ])
  })

  it('brings pictures to one width and keeps their shape', () => {
    const sheet = contactSheet([{ image: blankImage(100, 50, RED) }, { image: blankImage(10, 20, BLUE) }], {
      columns: 1,
      gap: 0,
      cellWidth: 20,
    })
    expect([sheet.width, sheet.height]).toEqual([20, 80])
    expect([5, 14, 15, 24].map((y) => pixel(sheet, 10, y)[0])).toEqual([255, 255, 250, 250])
    expect(pixel(sheet, 0, 40)).toEqual([...BLUE])
  })

  it('writes captions under their pictures, cut to the cell', () => {
    const image = blankImage(40, 10, RED)
    const plain = contactSheet([{ image }], { gap: 0 })
    const sheet = contactSheet([{ image, caption: 'kitchen/000672.jpg' }], { gap: 0, ink: BLUE })
    expect(sheet.height).toBeGreaterThan(plain.height)
    expect(sheet.width).toBe(40)
    const inked = Array.from({ length: 40 * sheet.height }, (_, i) => i).filter(
      (i) => pixel(sheet, i % 40, Math.floor(i / 40)).join() === BLUE.join(),
    )
    expect(inked.length).toBeGreaterThan(30)
    expect(inked.every((i) => i >= 40 * 10)).toBe(true)
  })

  it('chooses a nearly square grid', () => {
    const sheet = contactSheet(new Array(5).fill({ image: blankImage(10, 10) }), { gap: 0 })
    expect([sheet.width, sheet.height]).toEqual([30, 20])
  })

  it('refuses no pictures and columns that are not a number of columns', () => {
    expect(() => contactSheet([])).toThrow('at least one picture')
    expect(() => contactSheet([{ image: blankImage(1, 1) }], { columns: 0 })).toThrow('columns is 0')
    expect(() => contactSheet([{ image: blankImage(1, 1) }], { cellWidth: 1.5 })).toThrow('cellWidth is 1.5')
    expect(() => sideBySide([])).toThrow('at least one picture')
  })
})

describe('sideBySide', () => {
  it('brings every picture to the height of the first', () => {
    const sheet = sideBySide([blankImage(10, 20, RED), blankImage(40, 40, BLUE)], { gap: 0 })
    expect([sheet.width, sheet.height]).toEqual([30, 20])
    expect([9, 10].map((x) => pixel(sheet, x, 10))).toEqual([[...RED], [...BLUE]])
  })
})
