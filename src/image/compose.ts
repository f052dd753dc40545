/**
 * Pictures beside pictures: contact sheets of a data set, a photo beside its depth, the five steps in a row. Only
 * grids. Runs in the browser.
 */
import { DarError } from '../support/errors.ts'
import { blankImage, INK, paste, type Rgb, WHITE } from './canvas.ts'
import { DESCENT, drawText, fitText, LETTER_HEIGHT, textWidth } from './font.ts'
import { resizeImage } from './resize.ts'
import type { RgbImage } from './types.ts'

/** A picture of a contact sheet. */
export interface Cell {
  readonly image: RgbImage
  /** One line under the picture; cut with … when it is wider. */
  readonly caption?: string
}

/**
 * A grid, filled row by row. Cells are as wide and high as the largest picture; smaller ones are centred, none is
 * stretched. With `cellWidth`, every picture is first brought to that width (antialiased, aspect ratio kept).
 * `columns` defaults to about the square root of the number of cells.
 * @throws DarError when there is no picture, or columns or cellWidth is not a positive integer.
 */
export function contactSheet(
  cells: readonly Cell[],
  {
    columns = Math.ceil(Math.sqrt(cells.length)),
    cellWidth,
    gap = 6,
    background = WHITE,
    ink = INK,
  }: { columns?: number; cellWidth?: number; gap?: number; background?: Rgb; ink?: Rgb } = {},
): RgbImage {
  if (cells.length === 0) throw new DarError('a contact sheet needs at least one picture')
  for (const [name, value] of Object.entries({ columns, cellWidth: cellWidth ?? 1 }))
    if (!Number.isInteger(value) || value < 1)
      throw new DarError(`${name} is ${value}; give a whole number of at least 1`)

  const images = cells.map(({ image }) => (cellWidth === undefined ? image : scaledTo(image, cellWidth)))
  const width = Math.max(...images.map((image) => image.width))
  const height = Math.max(...images.map((image) => image.height))
  const letters = Math.max(1, Math.round(width / 300))
  const line = cells.some(({ caption }) => caption) ? (LETTER_HEIGHT + DESCENT + 4) * letters : 0

  const across = Math.min(columns, cells.length)
  const rows = Math.ceil(cells.length / across)
  const sheet = blankImage(gap + across * (width + gap), gap + rows * (height + line + gap), background)
  for (const [i, image] of images.entries()) {
    const x = gap + (i % across) * (width + gap)
    const y = gap + Math.floor(i / across) * (height + line + gap)
    paste(sheet, image, x + ((width - image.width) >> 1), y + ((height - image.height) >> 1))
    const caption = fitText(cells[i].caption ?? '', width, letters)
    const indent = (width - textWidth(caption, letters)) >> 1
    drawText(sheet, caption, x + indent, y + height + 3 * letters, { scale: letters, colour: ink })
  }
  return sheet
}

/** Pictures in one row, brought to the height of the first. @throws DarError when there is none. */
export function sideBySide(
  images: readonly RgbImage[],
  { gap = 6, background = WHITE }: { gap?: number; background?: Rgb } = {},
): RgbImage {
  if (images.length === 0) throw new DarError('side by side needs at least one picture')
  const { height } = images[0]
  const scaled = images.map((image) =>
    resizeImage(image, Math.max(1, Math.round((image.width * height) / image.height)), height),
  )
  const width = scaled.reduce((sum, image) => sum + image.width + gap, gap)
  const sheet = blankImage(width, height + 2 * gap, background)
  let x = gap
  for (const image of scaled) {
    paste(sheet, image, x, gap)
    x += image.width + gap
  }
  return sheet
}

function scaledTo(image: RgbImage, width: number): RgbImage {
  return resizeImage(image, width, Math.max(1, Math.round((image.height * width) / image.width)))
}
