/**
 * Depth as colour. Two rules hold for every depth picture:
 *
 * - **A colour means the same distance in every picture.** The range is fixed (0.3 to 10 m), not stretched to each image;
 *   depths outside it take the colour of its end. `depthRange` gives a stretched range to those who ask for one.
 * - **Near is the warm or bright end of the map**, whichever map (red in turbo, yellow in inferno, as disparity is usually shown).
 *
 * The scale is logarithmic: f = ln(d/near)/ln(far/near). Each doubling of distance gets an equal share of the colours, so
 * that a table at 0.8 m and a wall at 4 m both show their shape; a linear scale would spend 70 % of them beyond 3 m.
 *
 * The maps are d3-scale-chromatic's, as tables of 256 colours. Runs in the browser.
 */
import {
  interpolateCividis,
  interpolateInferno,
  interpolateMagma,
  interpolateSpectral,
  interpolateTurbo,
  interpolateViridis,
} from 'd3-scale-chromatic'
import { DarError } from '../support/errors.ts'
import type { Rgb } from './canvas.ts'
import { checkDepthImage } from './check.ts'
import type { DepthImage, RgbImage } from './types.ts'

/** The dark end of `gray`: what has no depth is black in it. */
const DARKEST_GRAY = 24

/** Position 0 is the cold or dark end, 1 the warm or bright one. Spectral runs red to blue in d3 and is turned round. */
const INTERPOLATORS: Readonly<Record<ColorMapName, (position: number) => string>> = {
  turbo: interpolateTurbo,
  inferno: interpolateInferno,
  magma: interpolateMagma,
  viridis: interpolateViridis,
  cividis: interpolateCividis,
  spectral: (position: number) => interpolateSpectral(1 - position),
  gray: (position: number) => `rgb(${Array(3).fill(Math.round(DARKEST_GRAY + (255 - DARKEST_GRAY) * position))})`,
}

/** A colour map. `cividis` looks nearly the same to those who do not tell red from green; `viridis` can be read by them, too. */
// Written out, so that the published types need no types of d3.
export type ColorMapName = 'turbo' | 'inferno' | 'magma' | 'viridis' | 'cividis' | 'spectral' | 'gray'
/** Every colour map. */
export const COLOR_MAPS = Object.keys(INTERPOLATORS) as readonly ColorMapName[]

/** Mid-grey, which no map but `gray` contains: "no measurement". In `gray` it is black. */
export const INVALID_COLOUR: Rgb = [128, 128, 128]
const BLACK: Rgb = [0, 0, 0]

/** How metres become colours; shared by a picture and its legend. */
export interface ColourScale {
  map?: ColorMapName
  /** Metres at the two ends of the map. */
  near?: number
  far?: number
  scale?: 'log' | 'linear'
  /**
   * Which end of the range gets the warm end of the map. `far` suits maps of error or uncertainty, where large values
   * matter.
   */
  warm?: 'near' | 'far'
}

/** What `colourise` takes unless it is told otherwise. */
export const DEFAULT_SCALE = {
  map: 'turbo',
  near: 0.3,
  far: 10,
  scale: 'log',
  warm: 'near',
} as const satisfies ColourScale

const tables = new Map<ColorMapName, Uint8Array>()

/** 256 × 3 bytes, cold or dark end first. Shared: do not write to it. @throws DarError for an unknown map. */
export function colorTable(map: ColorMapName): Uint8Array {
  if (!Object.hasOwn(INTERPOLATORS, map))
    throw new DarError(`there is no colour map '${map}'; choose one of ${COLOR_MAPS.join(', ')}`)
  let table = tables.get(map)
  if (!table) {
    table = new Uint8Array(256 * 3)
    for (let i = 0; i < 256; i++) table.set(parseColour(INTERPOLATORS[map](i / 255)), 3 * i)
    tables.set(map, table)
  }
  return table
}

/** d3 answers `rgb(r, g, b)` or `#rrggbb`, depending on the map. */
function parseColour(text: string): number[] {
  if (text.startsWith('#')) return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16))
  return (text.match(/\d+/g) ?? []).map(Number)
}

/**
 * Where metres lie between near (0) and far (1), unclamped, and back.
 *
 *     log:     f = ln(d/near) / ln(far/near)        d = near·(far/near)^f
 *     linear:  f = (d − near) / (far − near)        d = near + f·(far − near)
 *
 * @throws DarError when the range is empty, or not positive with a log scale.
 */
export function scaleFunctions({ near, far, scale }: { near: number; far: number; scale: 'log' | 'linear' }): {
  fraction: (metres: number) => number
  metres: (fraction: number) => number
} {
  if (!(Number.isFinite(near) && Number.isFinite(far) && near >= 0 && near < far))
    throw new DarError(`the colour range ${near}..${far} m is empty; near must be at least 0 and less than far`)
  if (scale === 'linear')
    return { fraction: (d) => (d - near) / (far - near), metres: (fraction) => near + fraction * (far - near) }
  if (near === 0) throw new DarError("a log scale cannot start at 0 m; raise near or use scale 'linear'")
  const span = Math.log(far / near)
  return { fraction: (d) => Math.log(d / near) / span, metres: (fraction) => near * Math.exp(fraction * span) }
}

/**
 * Offset in a `colorTable` of the colour for a fraction of the range. Fractions outside 0 to 1 get the colour of the
 * nearer end.
 */
export function tableOffset(fraction: number, warm: 'near' | 'far'): number {
  const clamped = Math.min(1, Math.max(0, fraction))
  return 3 * Math.round(255 * (warm === 'near' ? 1 - clamped : clamped))
}

/**
 * A depth map in metres as a picture of the same size. Pixels without a depth (0, negative, NaN, infinite) become `invalid`.
 * @throws DarError for what is no depth map, an unknown map or an empty range.
 */
export function colourise(
  depth: DepthImage,
  {
    map = DEFAULT_SCALE.map,
    near = DEFAULT_SCALE.near,
    far = DEFAULT_SCALE.far,
    scale = DEFAULT_SCALE.scale,
    warm = DEFAULT_SCALE.warm,
    invalid = map === 'gray' ? BLACK : INVALID_COLOUR,
  }: ColourScale & { invalid?: Rgb } = {},
): RgbImage {
  checkDepthImage(depth)
  const table = colorTable(map)
  const { fraction } = scaleFunctions({ near, far, scale })
  const data = new Uint8Array(3 * depth.data.length)
  for (let i = 0, at = 0; i < depth.data.length; i++, at += 3) {
    const metres = depth.data[i]
    if (metres > 0 && metres < Infinity) {
      const from = tableOffset(fraction(metres), warm)
      data[at] = table[from]
      data[at + 1] = table[from + 1]
      data[at + 2] = table[from + 2]
    } else {
      data[at] = invalid[0]
      data[at + 1] = invalid[1]
      data[at + 2] = invalid[2]
    }
  }
  return { width: depth.width, height: depth.height, data }
}

/**
 * A range stretched to one depth map: a share `low` of the valid pixels is nearer than its near end, and a share `1 −
 * high` farther than its far end. Colours of two pictures can then no longer be compared.
 * @throws DarError when the map has no valid pixel.
 */
export function depthRange(
  depth: DepthImage,
  { low = 0.02, high = 0.98 }: { low?: number; high?: number } = {},
): { near: number; far: number } {
  checkDepthImage(depth)
  const valid = depth.data.filter((metres) => metres > 0 && metres < Infinity).sort()
  if (valid.length === 0)
    throw new DarError('the depth map has no valid pixel, so no range; give near and far in metres')
  const near = valid[Math.floor(low * (valid.length - 1))]
  const far = valid[Math.ceil(high * (valid.length - 1))]
  // A flat map still needs a range that is not empty.
  return near < far ? { near, far } : { near: near / 1.05, far: near * 1.05 }
}
