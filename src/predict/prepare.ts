/**
 * An image on its way into the network, and the factor that turns what comes out into metres.
 *
 * The network predicts canonical metres (image/camera.ts): the depth as it would be if the lens were the canonical one. So
 *
 *     depth = d_canonical / viewScale(frame, view),     view = the whole image at the network's size,
 *
 * with the `viewScale` that training labels are multiplied by (image/view.ts): the same function, and so the same
 * convention for a resize whose two factors differ (the focal length it sees is √(fx·fy/D) over the diagonal of what it sees).
 * The pixels are resized with antialias, as data/ does when it shrinks frames.
 */

import { relativeFocal } from '../image/camera.ts'
import { toPlanes } from '../image/resize.ts'
import type { RgbImage } from '../image/types.ts'
import { cameraOf, viewScale, wholeView } from '../image/view.ts'
import { DarError } from '../support/errors.ts'
import type { Focal, FocalSource, Size } from './types.ts'

export interface Prepared {
  /** RGB in [0, 1], 3 × height × width of the network's size. */
  readonly planes: Float32Array
  /** Metres per canonical metre. */
  readonly metres: number
  readonly focal: Focal
}

/** `focal`: in pixels of the image. Throws a DarError when it is not positive, or the image's data have a wrong length. */
export function prepare(image: RgbImage, size: Size, { focal }: { readonly focal?: number } = {}): Prepared {
  if (focal !== undefined && !(focal > 0 && Number.isFinite(focal)))
    throw new DarError(`the focal length is ${focal}; give a positive number of pixels, or leave it out`)
  const centre = { cx: (image.width - 1) / 2, cy: (image.height - 1) / 2 }
  const intrinsics = focal === undefined ? null : { fx: focal, fy: focal, ...centre }
  const frame = { name: 'image', image, depth: null, intrinsics }
  const view = wholeView(frame, size.width, size.height)
  return {
    planes: toPlanes(image, size.width, size.height),
    metres: 1 / viewScale(frame, view),
    focal: {
      relative: relativeFocal(cameraOf(frame), image.width, image.height),
      source: sourceOf(image, focal),
    },
  }
}

function sourceOf({ focal35 }: RgbImage, focal: number | undefined): FocalSource {
  if (focal !== undefined) return 'given'
  return focal35 === undefined ? 'default' : 'exif'
}
