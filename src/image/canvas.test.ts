import { describe, expect, it } from 'vitest'
import { blankImage, fillRectangle, paste } from './canvas.ts'
import type { RgbImage } from './types.ts'

/** The red channel, a row a line. */
const reds = ({ width, height, data }: RgbImage) =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => data[3 * (y * width + x)]).join(' '))

describe('canvas', () => {
  it('starts in one colour', () => {
    expect([...blankImage(2, 1, [1, 2, 3]).data]).toEqual([1, 2, 3, 1, 2, 3])
  })

  it('cuts rectangles at every border', () => {
    const image = blankImage(4, 3, [0, 0, 0])
    fillRectangle(image, -2, -1, 4, 3, [5, 0, 0])
    fillRectangle(image, 3, 2, 9, 9, [7, 0, 0])
    fillRectangle(image, 9, 9, 2, 2, [8, 0, 0])
    fillRectangle(image, 0, 2, 0, 1, [9, 0, 0])
    expect(reds(image)).toEqual(['5 5 0 0', '5 5 0 0', '0 0 0 7'])
  })

  it('pastes the part that lies inside', () => {
    const image = blankImage(3, 2, [0, 0, 0])
    const source = { width: 2, height: 2, data: Uint8Array.from([1, 2, 3, 4].flatMap((v) => [v, v, v])) }
    paste(image, source, -1, 1)
    paste(image, source, 2, -1)
    paste(image, source, 5, 0)
    expect(reds(image)).toEqual(['0 0 3', '2 0 0'])
  })
})
