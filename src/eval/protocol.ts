/**
 * A protocol: where and how a figure is measured. Two figures can be compared only when region, depth range and alignment
 * are the same, so the three travel together and `describeProtocol` puts them into words beside every table.
 *
 * Regions:
 * - `full`: the whole image.
 * - `crop_native`: what FastDepth sees (Wofk et al., ICRA 2019, arXiv 1903.03273). Its NYU evaluation resizes 480×640 to
 *   250×333, keeps the centre 228×304 and squashes that to 224×224. In fractions of the image that is a centred 4:3 box
 *   of 228/250 of the height; in an image of another shape the short side takes the place of the 480 rows:
 *
 *       h = 0.912 · min(H, ¾·W)        w = 4/3 · h        640×480 → 583.7×437.8, 540×360 → 437.8×328.3
 *
 *   The ground truth stays at its own resolution (the network's 224×224 map is resized into the box), so that networks of
 *   any input size are judged on the same measurements.
 *
 * A ground-truth pixel belongs to a region when its centre lies inside. The boxes of NYU and KITTI are in crop.ts.
 */
import type { Alignment } from './align.ts'
import { type Box, wholeBox } from './crop.ts'

export const REGIONS = ['full', 'crop_native'] as const
export type Region = (typeof REGIONS)[number]

export interface Protocol {
  readonly region: Region
  /** Metres: ground truth counts when it lies strictly between `minimum` and `cap`; predictions are clamped to `cap`. */
  readonly minimum: number
  readonly cap: number
  readonly alignment: Alignment
}

/** The depth range of indoor sets, and of the published figures of FastDepth that this project compares with. */
export const INDOOR_RANGE = { minimum: 0.1, cap: 10 } as const

/** A rectangle in pixels, edges anywhere between them: pixel (x, y) covers x to x + 1 and y to y + 1. */
export interface Rectangle {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Share of the short side that FastDepth sees. */
const PEER_SHARE = 228 / 250

/** The box that FastDepth sees in a `width`×`height` image, in pixels; see the formula above. */
export function peerBox(width: number, height: number): Rectangle {
  const boxHeight = PEER_SHARE * Math.min(height, (width * 3) / 4)
  const boxWidth = (boxHeight * 4) / 3
  return { left: (width - boxWidth) / 2, top: (height - boxHeight) / 2, width: boxWidth, height: boxHeight }
}

/** The pixels whose centres a region contains, in a map of `width`×`height`. */
export function regionBox(region: Region, width: number, height: number): Box {
  if (region === 'full') return wholeBox(width, height)
  const box = peerBox(width, height)
  const firstCentre = (edge: number) => Math.ceil(edge - 0.5)
  return {
    left: firstCentre(box.left),
    right: firstCentre(box.left + box.width),
    top: firstCentre(box.top),
    bottom: firstCentre(box.top + box.height),
  }
}

/** One line for people: `centre box (0.912 of the short side, 4:3), 0.1 < truth < 10 m, no alignment`. */
export function describeProtocol({ region, minimum, cap, alignment }: Protocol): string {
  const where = region === 'full' ? 'whole image' : 'centre box (0.912 of the short side, 4:3)'
  const how = {
    none: 'no alignment',
    median: 'median-scaled per image',
    'scale+shift': 'scale and shift fitted per image',
  }
  return `${where}, ${minimum} < truth < ${cap} m, ${how[alignment]}`
}
