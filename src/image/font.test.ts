import { describe, expect, it } from 'vitest'
import { blankImage, WHITE } from './canvas.ts'
import { DESCENT, drawText, fitText, LETTER_HEIGHT, textWidth } from './font.ts'

/** What text looks like: `#` where there is ink. */
function lines(text: string, scale = 1): string[] {
  const [width, height] = [textWidth(text, scale), (LETTER_HEIGHT + DESCENT) * scale]
  const image = blankImage(width, height)
  drawText(image, text, 0, 0, { scale, colour: [0, 0, 0] })
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (image.data[3 * (y * width + x)] === 0 ? '#' : '.')).join(''),
  )
}

describe('the bitmap font', () => {
  it('draws what one reads', () => {
    expect(lines('2.5 gm')).toEqual([
      '.###........#####..................',
      '#...#.......#......................',
      '....#.......####.........###..##.#.',
      '...#............#.......#..##.#.#.#',
      '..#.............#.......#..##.#.#.#',
      '.#.....##...#...#........##.#.#.#.#',
      '#####..##....###............#.#.#.#',
      '.........................###.......',
    ])
  })

  it('enlarges by whole pixels', () => {
    const small = lines('A')
    const large = lines('A', 3)
    expect(large).toEqual(small.flatMap((line) => new Array(3).fill(line.replace(/./g, (dot) => dot.repeat(3)))))
  })

  it('gives every printable ASCII letter its own shape', () => {
    const ascii = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))
    const shapes = new Set(ascii.map((letter) => lines(letter).join('\n')))
    expect(shapes.size).toBe(94)
    expect(shapes).not.toContain(lines('漢').join('\n'))
    expect(lines('a b').every((line) => line.slice(5, 12) === '.......')).toBe(true)
  })

  it('draws a box for a letter it lacks, one per letter also beyond the basic plane', () => {
    expect(lines('漢')).toEqual(lines('😀'))
    expect(textWidth('😀')).toBe(5)
    expect(lines('漢')[0]).toBe('#####')
  })

  it('cuts text at the borders of the picture', () => {
    const image = blankImage(8, 4)
    drawText(image, 'HHH', -3, -2, { scale: 2 })
    drawText(image, 'HHH', 20, 20)
    expect(image.data).toHaveLength(96)
    expect(new Set(image.data)).toContain(34)
    expect(image.data.filter((byte) => byte === WHITE[0]).length).toBeGreaterThan(0)
  })

  it('shortens text to a width', () => {
    expect(fitText('photo.jpg', textWidth('photo.jpg'))).toBe('photo.jpg')
    expect(fitText('photo.jpg', textWidth('photo.jpg') - 1)).toBe('photo.j…')
    expect(textWidth(fitText('photo.jpg', 31, 2), 2)).toBeLessThanOrEqual(31)
    expect(fitText('photo', 3)).toBe('')
    expect(textWidth('')).toBe(0)
  })
})
