/**
 * A 5×7 bitmap font, so that labels look the same on a server without fonts, in a worker and in the browser. The letter
 * shapes are those of the dot-matrix character displays of the 1980s (the HD44780's character generator), with
 * one row more for descenders. Covers ASCII and the few signs that captions use; anything else is drawn as a box.
 */
import { INK, type Rgb } from './canvas.ts'
import type { RgbImage } from './types.ts'

/** Rows of a letter above the baseline, at scale 1; the tails of g, p, q and y need `DESCENT` more. */
export const LETTER_HEIGHT = 7
/** Rows of a letter below the baseline, at scale 1. */
export const DESCENT = 1
const LETTER_WIDTH = 5
/** Columns from one letter to the next. */
const ADVANCE = 6

/** Five columns a glyph, two hexadecimal digits a column, lowest bit at the top. */
const GLYPHS: ReadonlyMap<string, string> = new Map(
  (
    [
      [` !"#$%&'`, '0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649562050 0008070300'],
      ['()*+,-./', '001c224100 0041221c00 2a1c7f1c2a 08083e0808 0080703000 0808080808 0060600000 2010080402'],
      ['01234567', '3e5149453e 00427f4000 4261514946 2141454b31 1814127f10 2745454539 3c4a494930 0171090503'],
      ['89:;<=>?', '3649494936 064949291e 0036360000 0080763600 0814224100 1414141414 0041221408 0201510906'],
      ['@ABCDEFG', '3e415d594e 7e1111117e 7f49494936 3e41414122 7f4141413e 7f49494941 7f09090901 3e4149497a'],
      ['HIJKLMNO', '7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f 3e4141413e'],
      ['PQRSTUVW', '7f09090906 3e4151215e 7f09192946 4649494931 01017f0101 3f4040403f 1f2040201f 3f4038403f'],
      ['XYZ[\\]^_', '6314081463 0708700807 6151494543 007f414100 0204081020 0041417f00 0402010204 4040404040'],
      ['`abcdefg', '0003070800 2054545478 7f48444438 3844444428 384444487f 3854545418 087e090102 18a4a49c78'],
      ['hijklmno', '7f08040478 00447d4000 4080847d00 7f10284400 00417f4000 7c04780478 7c08040478 3844444438'],
      ['pqrstuvw', 'fc18242418 18242418fc 7c08040408 4854545424 043f444020 3c4040207c 1c2040201c 3c4030403c'],
      ['xyz{|}~°', '4428102844 4c9090907c 4464544c44 0008364100 00007f0000 0041360800 0804081008 0006090906'],
      ['σ±×≥≤–…·', '3844443c04 44445f4444 2214081422 51514a4a44 44444a4a51 0808080808 4000400040 0000080000'],
    ] as const
  ).flatMap(([letters, columns]) => columns.split(' ').map((glyph, i) => [letters[i], glyph] as const)),
)

/** For a letter the font lacks. */
const BOX = '7f4141417f'

/** Width in pixels of one line of text; its height is `(LETTER_HEIGHT + DESCENT) * scale`. */
export function textWidth(text: string, scale = 1): number {
  return Math.max(0, [...text].length * ADVANCE - 1) * scale
}

/** Draws one line of text in place, its top left corner at (x, y); what lies outside the picture is cut. */
export function drawText(
  image: RgbImage,
  text: string,
  x: number,
  y: number,
  { scale = 1, colour = INK }: { scale?: number; colour?: Rgb } = {},
): void {
  let left = x
  for (const letter of text) {
    const glyph = GLYPHS.get(letter) ?? BOX
    for (let column = 0; column < LETTER_WIDTH * scale; column++) {
      const at = 2 * Math.floor(column / scale)
      const bits = Number.parseInt(glyph.slice(at, at + 2), 16)
      const px = left + column
      if (px < 0 || px >= image.width) continue
      for (let row = 0; row < (LETTER_HEIGHT + DESCENT) * scale; row++) {
        const py = y + row
        if ((bits >> Math.floor(row / scale)) & 1 && py >= 0 && py < image.height)
          image.data.set(colour, 3 * (py * image.width + px))
      }
    }
    left += ADVANCE * scale
  }
}

/** The text, or its beginning and `…` when it is wider than `width` pixels. */
export function fitText(text: string, width: number, scale = 1): string {
  const letters = [...text]
  const room = Math.floor((width / scale + 1) / ADVANCE)
  if (letters.length <= room) return text
  return room < 1 ? '' : `${letters.slice(0, room - 1).join('')}…`
}
