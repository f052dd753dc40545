/**
 * The scale beside a depth picture: a colour bar with ticks in metres, so that the picture can be read without the code
 * that made it. Near is at the bottom (or left). Text is the built-in bitmap font. Runs in the browser.
 */
import { DarError } from '../support/errors.ts'
import { blankImage, fillRectangle, INK, paste } from './canvas.ts'
import { type ColourScale, colorTable, DEFAULT_SCALE, scaleFunctions, tableOffset } from './colormap.ts'
import { drawText, fitText, LETTER_HEIGHT, textWidth } from './font.ts'
import type { RgbImage } from './types.ts'

export interface LegendOptions extends ColourScale {
  side?: 'right' | 'below'
  /** A line above the whole, for instance the model's name. */
  title?: string
}

/** The shortest bar that still takes labels at both ends. */
const SHORTEST_BAR = 40

/**
 * A new picture: `image` with a legend for the same colour options that `colourise` was given. Letters grow with the
 * picture: 7 pixels high beside a bar of 320, 14 beside one of 640.
 * @throws DarError for an unknown map, an empty range or an empty picture.
 */
export function withLegend(
  image: RgbImage,
  {
    map = DEFAULT_SCALE.map,
    near = DEFAULT_SCALE.near,
    far = DEFAULT_SCALE.far,
    scale = DEFAULT_SCALE.scale,
    warm = DEFAULT_SCALE.warm,
    side = 'right',
    title = '',
  }: LegendOptions = {},
): RgbImage {
  if (!(image.width > 0 && image.height > 0)) throw new DarError('cannot draw a legend beside an empty picture')
  const table = colorTable(map)
  const { fraction } = scaleFunctions({ near, far, scale })
  const upright = side === 'right'
  const along = upright ? image.height : image.width
  const size = Math.max(1, Math.round(along / 320))
  const letter = LETTER_HEIGHT * size
  const pad = 6 * size
  const bar = 12 * size
  const tick = 3 * size
  // A label close to its tick would read as a negative number.
  const space = 3 * size
  const header = title ? letter + 2 * pad : 0

  // Labels of a vertical bar are stacked, those of a horizontal bar stand side by side.
  const labelSpan = upright ? letter : Math.max(...[near, far, 0.05].map((d) => textWidth(label(d), size)))
  const length = Math.max(SHORTEST_BAR * size, along - 2 * Math.ceil(labelSpan / 2))
  const marks = legendTicks({ near, far, scale }, length, labelSpan + (upright ? letter : 2 * pad))

  const across =
    pad + bar + tick + space + (upright ? Math.max(...marks.map((d) => textWidth(label(d), size))) : letter) + pad
  const extent = Math.max(along, length + labelSpan)
  const sheet = upright
    ? blankImage(image.width + across, header + extent)
    : blankImage(extent, header + image.height + across)
  if (title) drawText(sheet, fitText(title, sheet.width - 2 * pad, size), pad, pad, { scale: size })
  paste(sheet, image, 0, header)

  const offset = Math.floor((extent - length) / 2)
  if (upright) {
    const left = image.width + pad
    const top = header + offset
    fillRectangle(sheet, left - 1, top - 1, bar + 2, length + 2, INK)
    for (let i = 0; i < length; i++)
      fillRectangle(sheet, left, top + i, bar, 1, colour(table, 1 - (i + 0.5) / length, warm))
    for (const metres of marks) {
      const y = top + Math.round((1 - fraction(metres)) * (length - 1))
      fillRectangle(sheet, left + bar, y - (size >> 1), tick, size, INK)
      drawText(sheet, label(metres), left + bar + tick + space, y - (letter >> 1), { scale: size })
    }
  } else {
    const top = header + image.height + pad
    fillRectangle(sheet, offset - 1, top - 1, length + 2, bar + 2, INK)
    for (let i = 0; i < length; i++)
      fillRectangle(sheet, offset + i, top, 1, bar, colour(table, (i + 0.5) / length, warm))
    for (const metres of marks) {
      const x = offset + Math.round(fraction(metres) * (length - 1))
      fillRectangle(sheet, x - (size >> 1), top + bar, size, tick, INK)
      const text = label(metres)
      drawText(sheet, text, x - (textWidth(text, size) >> 1), top + bar + tick + space, { scale: size })
    }
  }
  return sheet
}

function colour(table: Uint8Array, fraction: number, warm: 'near' | 'far'): readonly [number, number, number] {
  const at = tableOffset(fraction, warm)
  return [table[at], table[at + 1], table[at + 2]]
}

/** Three significant digits, no trailing zeros: `0.3 m`, `2.5 m`, `10 m`. */
function label(metres: number): string {
  return `${Number(metres.toPrecision(3))} m`
}

/**
 * The metres to label on a bar of `length` pixels, ascending: both ends, then as many round numbers as keep `gap` pixels
 * between neighbours, the roundest first.
 */
export function legendTicks(
  range: { near: number; far: number; scale: 'log' | 'linear' },
  length: number,
  gap: number,
): number[] {
  const { near, far } = range
  const { fraction } = scaleFunctions(range)
  const chosen = [near, far]
  const offer = (metres: number) => {
    const at = fraction(metres) * length
    if (metres > near && metres < far && chosen.every((other) => Math.abs(fraction(other) * length - at) >= gap))
      chosen.push(metres)
  }
  const highest = Math.floor(Math.log10(far))
  if (range.scale === 'log') {
    for (const mantissas of [[1], [2, 5], [3], [1.5, 7]])
      for (let power = Math.floor(Math.log10(near)); power <= highest; power++)
        for (const mantissa of mantissas) offer(decimal(mantissa, power))
  } else {
    // The finest round step whose ticks are `gap` apart. A tick too close to an end is dropped.
    const steps = [-3, -2, -1, 0, 1, 2, 3].flatMap((power) => [1, 2, 5].map((m) => decimal(m, highest + power)))
    const step = steps.find((candidate) => (candidate / (far - near)) * length >= gap)
    if (step !== undefined)
      for (let n = Math.ceil(near / step); n * step < far; n++) offer(Number((n * step).toPrecision(12)))
  }
  return chosen.sort((a, b) => a - b)
}

/** m·10^p without rounding noise: 3·10⁻¹ is 0.3, not 0.30000000000000004. */
function decimal(mantissa: number, power: number): number {
  return Number(`${mantissa}e${power}`)
}
