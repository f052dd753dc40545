/** Maps of the network as pictures on a canvas, by the same resize and colours as the files that `dar predict` writes. */
import { type ColourScale, colourise, DEFAULT_SCALE } from '../../src/image/colormap.ts'
import { resizeBilinear } from '../../src/image/resize.ts'
import type { DepthImage } from '../../src/image/types.ts'
import { contextOf } from './dom.ts'

/** The range of depth colours, the same for every picture; 0.3 to 10 m. */
export const DEPTH_RANGE = { near: DEFAULT_SCALE.near, far: DEFAULT_SCALE.far, scale: 'log', warm: 'near' } as const
/** The range of σ colours, also one for all: logarithmic, since soft branches leave ten times the doubt that narrow windows do. */
export const SIGMA_SCALE = {
  map: 'inferno',
  near: 0.02,
  far: 5,
  scale: 'log',
  warm: 'far',
} as const satisfies ColourScale

/** Paints a map over the whole canvas, which takes the given size. */
export function paintMap(
  canvas: HTMLCanvasElement,
  map: DepthImage,
  scale: ColourScale,
  { width, height }: { readonly width: number; readonly height: number } = map,
): void {
  const data =
    map.width === width && map.height === height
      ? map.data
      : resizeBilinear(map.data, map.width, map.height, width, height)
  const { data: rgb } = colourise({ width, height, data }, scale)
  const rgba = new Uint8ClampedArray(4 * width * height)
  for (let from = 0, at = 0; at < rgba.length; from += 3, at += 4) {
    rgba[at] = rgb[from]
    rgba[at + 1] = rgb[from + 1]
    rgba[at + 2] = rgb[from + 2]
    rgba[at + 3] = 255
  }
  canvas.width = width
  canvas.height = height
  contextOf(canvas).putImageData(new ImageData(rgba, width, height), 0, 0)
}

/** The value at a place of the photo, whose shape the map covers: bilinear between cells, as `resizeBilinear` has it there. */
export function valueAt(
  map: DepthImage,
  { x, y, width, height }: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): number {
  const at = (position: number, from: number, to: number) =>
    Math.min(to - 1, Math.max(0, ((Math.floor(position) + 0.5) * to) / from - 0.5))
  const u = at(x, width, map.width)
  const v = at(y, height, map.height)
  const [left, top] = [Math.floor(u), Math.floor(v)]
  const [right, bottom] = [Math.min(left + 1, map.width - 1), Math.min(top + 1, map.height - 1)]
  const row = (line: number) =>
    map.data[line * map.width + left] * (1 - u + left) + map.data[line * map.width + right] * (u - left)
  return row(top) * (1 - v + top) + row(bottom) * (v - top)
}
