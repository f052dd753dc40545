/**
 * A contact sheet of a data set: each photo beside its depth, all on one scale, with a legend. A reduced depth pixel is
 * the measurement in the middle of its area, or the nearest one where the middle has none. So single points of a laser
 * stay visible.
 */

import { blankImage, paste, WHITE } from '../../image/canvas.ts'
import { colourise } from '../../image/colormap.ts'
import { type Cell, contactSheet } from '../../image/compose.ts'
import { withLegend } from '../../image/legend.ts'
import { resizeImage } from '../../image/resize.ts'
import type { DepthImage, RgbImage } from '../../image/types.ts'
import type { Frame } from '../types.ts'

/** Pixels; a sheet of 12 frames is about 1100 wide. */
const WIDTH = 260
const PAIRS_ACROSS = 2

/** The two small pictures that the sheet keeps of a frame. */
export interface Thumbnail {
  readonly name: string
  readonly image: RgbImage
  /** Null without depth, and for a frame that could not be read. */
  readonly depth: DepthImage | null
  readonly caption: string
}

export function thumbnail({ name, image, depth }: Frame, caption: string): Thumbnail {
  const height = Math.max(1, Math.round((image.height * WIDTH) / image.width))
  return { name, image: resizeImage(image, WIDTH, height), depth: depth && shrinkDepth(depth, WIDTH, height), caption }
}

/** In place of a frame that could not be read. */
export function missingThumbnail(name: string): Thumbnail {
  return {
    name,
    image: blankImage(WIDTH, Math.round(0.75 * WIDTH), [128, 128, 128]),
    depth: null,
    caption: 'cannot be read',
  }
}

/** Distances of a contact sheet. */
export interface SheetScale {
  /** Metres at the ends of the colours. */
  readonly near: number
  readonly far: number
}

/** The scale for a set whose distances reach to `farthest`: rooms, or streets. */
export function sheetScale(farthest: number): SheetScale {
  return farthest > 15 ? { near: 1, far: 80 } : { near: 0.3, far: 10 }
}

/** Length of the legend's bar, pixels. Beside a longer one, the letters would be larger than the captions'. */
const LEGEND = 440
/** Letters that fit under a picture. */
const CAPTION = 42

/** Throws a DarError when there is no thumbnail. */
export function drawSheet(thumbnails: readonly Thumbnail[], title: string, { near, far }: SheetScale): RgbImage {
  const cells = thumbnails.flatMap(({ name, image, depth, caption }): Cell[] => [
    { image, caption: tail(name) },
    {
      image: depth ? colourise(depth, { near, far }) : blankImage(image.width, image.height, [225, 225, 225]),
      caption,
    },
  ])
  const grid = contactSheet(cells, { columns: 2 * Math.min(PAIRS_ACROSS, thumbnails.length) })
  const head = withLegend(blankImage(LEGEND, 1), { near, far, title, side: 'below' })
  const sheet = blankImage(Math.max(grid.width, head.width), head.height + grid.height, WHITE)
  paste(sheet, head, 0, 0)
  paste(sheet, grid, 0, head.height)
  return sheet
}

/** Keeps the end of long names, where the frames of a tree differ. */
const tail = (name: string) => (name.length <= CAPTION ? name : `…${name.slice(1 - CAPTION)}`)

/** Reduces a depth map as the header says. Also enlarges, by repeating pixels. */
export function shrinkDepth({ data, width, height }: DepthImage, toWidth: number, toHeight: number): DepthImage {
  const out = new Float32Array(toWidth * toHeight)
  const edge = (i: number, from: number, to: number) => Math.floor((i * from) / to)
  for (let y = 0; y < toHeight; y++)
    for (let x = 0; x < toWidth; x++) {
      const middle = data[edge(y + 0.5, height, toHeight) * width + edge(x + 0.5, width, toWidth)]
      let best = middle
      if (!(middle > 0))
        for (let v = edge(y, height, toHeight); v < edge(y + 1, height, toHeight); v++)
          for (let u = edge(x, width, toWidth); u < edge(x + 1, width, toWidth); u++) {
            const d = data[v * width + u]
            if (d > 0 && (!(best > 0) || d < best)) best = d
          }
      out[y * toWidth + x] = best
    }
  return { width: toWidth, height: toHeight, data: out }
}
