import { describe, expect, test } from 'vitest'
import { positionCode, stepSizes } from './steps.ts'

describe('token maps', () => {
  test('double from step to step and end on the memory grid', () => {
    expect(stepSizes([60, 80], 5)).toEqual([
      [4, 5],
      [8, 10],
      [15, 20],
      [30, 40],
      [60, 80],
    ])
  })

  test('end on a part of the memory grid, rounded up, with a finest above 1', () => {
    expect(stepSizes([24, 32], 5, 2)).toEqual([
      [1, 1],
      [2, 2],
      [3, 4],
      [6, 8],
      [12, 16],
    ])
    expect(stepSizes([7, 11], 2, 3)).toEqual([
      [2, 2],
      [3, 4],
    ])
  })

  test('round up, and never vanish', () => {
    expect(stepSizes([1, 3], 3)).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
    ])
    expect(stepSizes([7, 11], 4)).toEqual([
      [1, 2],
      [2, 3],
      [4, 6],
      [7, 11],
    ])
  })

  test('of a single step are the memory grid', () => {
    expect(stepSizes([5, 9], 1)).toEqual([[5, 9]])
  })
})

describe('the position code', () => {
  test('is the formula, entry by entry', () => {
    const [rows, cols, channels] = [2, 3, 16]
    const code = positionCode([rows, cols], channels)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++)
        for (let c = 0; c < channels; c++) {
          const [part, m] = [Math.floor(c / 4), c % 4]
          const place = part < 2 ? (j + 0.5) / cols : (i + 0.5) / rows
          const angle = 2 * Math.PI * place * 8 * 100 ** (-m / 4)
          expect(code[(i * cols + j) * channels + c]).toBeCloseTo(
            part % 2 === 0 ? Math.sin(angle) : Math.cos(angle),
            12,
          )
        }
  })

  test('means the same place at every size: the middle of an odd grid is the middle of one cell', () => {
    const middle = positionCode([3, 5], 32).slice((1 * 5 + 2) * 32, (1 * 5 + 3) * 32)
    expect(middle).toEqual(positionCode([1, 1], 32))
  })

  test('tells every cell of a grid from every other', () => {
    const channels = 32
    const code = positionCode([15, 20], channels)
    const rows = new Set(
      Array.from({ length: 300 }, (_, t) =>
        code
          .slice(t * channels, (t + 1) * channels)
          .map((v) => Math.round(v * 1e4))
          .join(),
      ),
    )
    expect(rows.size).toBe(300)
  })
})
