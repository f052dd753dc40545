import { describe, expect, it } from 'vitest'
import { type Channels, copyAsRgb } from './rgb.ts'

describe('copyAsRgb', () => {
  it.each<[Channels, number[], number[]]>([
    [1, [10, 20, 30], [10, 10, 10, 20, 20, 20, 30, 30, 30]],
    [2, [10, 255, 20, 0, 30, 9], [10, 10, 10, 20, 20, 20, 30, 30, 30]],
    [3, [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [4, [1, 2, 3, 255, 4, 5, 6, 0, 7, 8, 9, 128], [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ])('of %i channels takes the colours and leaves alpha', (channels, source, expected) => {
    const rgb = new Uint8Array(9)
    copyAsRgb(Uint8Array.from(source), channels, rgb, { from: 0, to: 3 })
    expect([...rgb]).toEqual(expected)
    const middle = new Uint8Array(9)
    copyAsRgb(Uint8ClampedArray.from(source), channels, middle, { from: 1, to: 2 })
    expect([...middle]).toEqual([0, 0, 0, ...expected.slice(3, 6), 0, 0, 0])
  })
})
