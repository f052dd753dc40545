import { describe, expect, it } from 'vitest'
import { lumaGrid } from './luma.ts'

describe('the brightness of a photo on a grid', () => {
  it('is the weighted mean of the pixels of each cell', () => {
    // 4 × 2: a red and a green column, then two blue ones; the lower row is black.
    const row = [255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 255]
    const image = { width: 4, height: 2, data: Uint8Array.from([...row, ...row.map(() => 0)]) }
    const grid = lumaGrid(image, { width: 2, height: 1 })
    expect(grid[0]).toBeCloseTo((255 * (0.299 + 0.587)) / 4, 4)
    expect(grid[1]).toBeCloseTo((255 * 0.114 * 2) / 4, 4)
  })

  it('repeats pixels where the grid is finer, and takes sizes that do not divide', () => {
    const image = { width: 3, height: 1, data: Uint8Array.from([0, 0, 0, 90, 90, 90, 240, 240, 240]) }
    expect([...lumaGrid(image, { width: 6, height: 2 })].map(Math.round)).toEqual([
      0, 0, 90, 90, 240, 240, 0, 0, 90, 90, 240, 240,
    ])
    expect([...lumaGrid(image, { width: 2, height: 1 })].map(Math.round)).toEqual([0, 165])
  })
})
