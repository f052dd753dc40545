/** A depth map as a picture to look at: alone, with its legend, or beside the photo. */
import { type ColourScale, colourise, DEFAULT_SCALE, depthRange } from '../image/colormap.ts'
import { sideBySide } from '../image/compose.ts'
import { withLegend } from '../image/legend.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { encodePngRgb } from './png16.ts'

/** What is in the picture beside the colours of the depth. */
export interface ColourPicture {
  /** `legend` (the default): a scale in metres to the right. `plain`: nothing, at the map's size. `beside`: the photo to the left, too. */
  readonly picture?: 'legend' | 'plain' | 'beside'
}

/**
 * Inverse depth: large values are near and get the warm end. The scale is linear, because the model was trained on
 * equal steps of it.
 */
const RELATIVE_SCALE = { scale: 'linear', warm: 'far' } as const satisfies Partial<ColourScale>

/** How depth becomes colours. */
export interface ColourStyle extends Pick<ColourScale, 'map' | 'near' | 'far'> {
  /** Take the range of colours from each map instead. It shows more, but pictures can no longer be compared. */
  readonly stretch?: boolean
}

/** The scale of a map in metres, or of a relative one, which has a range of its own and large values near. */
export function scaleOf(
  depth: DepthImage & { readonly unit?: string },
  { map, near, far, stretch = false }: ColourStyle,
): Required<ColourScale> {
  const isRelative = depth.unit === 'relative'
  const range = stretch || isRelative ? depthRange(depth) : { near: DEFAULT_SCALE.near, far: DEFAULT_SCALE.far }
  return {
    ...DEFAULT_SCALE,
    ...(map && { map }),
    near: near ?? range.near,
    far: far ?? range.far,
    ...(isRelative && RELATIVE_SCALE),
  }
}

/** A PNG file. @throws DarError for an empty range, or when the photo that is to stand beside it is not given. */
export async function encodeColours(
  depth: DepthImage & { readonly unit?: string },
  {
    picture = 'legend',
    image = null,
    ...style
  }: ColourPicture & ColourStyle & { readonly image?: RgbImage | null } = {},
): Promise<Uint8Array> {
  const scale = scaleOf(depth, style)
  const isRelative = depth.unit === 'relative'
  // In a relative map 0 is the farthest value, not a missing one.
  const shown = isRelative ? { ...depth, data: depth.data.map((value) => Math.max(value, scale.near)) } : depth
  const colours = colourise(shown, scale)
  if (picture === 'beside' && !image)
    throw new DarError('the photo that is to stand beside the depth is missing; give it as image')
  const pictures = picture === 'beside' && image ? sideBySide([image, colours]) : colours
  return encodePngRgb(picture === 'plain' || isRelative ? pictures : withLegend(pictures, scale))
}
