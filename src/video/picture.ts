/** The pictures of a depth video: all frames in the same colours. Portable: no Node. */

import { blankImage, paste } from '../image/canvas.ts'
import { type ColourScale, colourise, DEFAULT_SCALE } from '../image/colormap.ts'
import { sideBySide } from '../image/compose.ts'
import { withLegend } from '../image/legend.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'

export interface PictureStyle extends Pick<ColourScale, 'map'> {
  /** Metres at the ends of the colours, for every frame. */
  readonly near: number
  readonly far: number
  /** The photo on the left of the depth. */
  readonly sideBySide?: boolean
  /** A colour bar in metres on the right. */
  readonly legend?: boolean
}

/** One frame: its photo and its depth at the photo's size → the picture of the video, of even width and height. */
export function depthPicture(
  photo: RgbImage,
  depth: DepthImage,
  { map = DEFAULT_SCALE.map, near, far, sideBySide: both = false, legend = false }: PictureStyle,
): RgbImage {
  const colours = colourise(depth, { map, near, far })
  const pair = both ? sideBySide([photo, colours], { gap: 0 }) : colours
  return evenSized(legend ? withLegend(pair, { map, near, far }) : pair)
}

/** H.264 in 4:2:0 needs even sides: the last column or row is repeated where a side is odd. */
function evenSized(image: RgbImage): RgbImage {
  const width = image.width + (image.width % 2)
  const height = image.height + (image.height % 2)
  if (width === image.width && height === image.height) return image
  const even = blankImage(width, height)
  // The picture last: what lies one pixel to the right and below shows at the edges only.
  for (const [x, y] of [
    [width - image.width, height - image.height],
    [width - image.width, 0],
    [0, height - image.height],
    [0, 0],
  ])
    paste(even, image, x, y)
  return even
}
