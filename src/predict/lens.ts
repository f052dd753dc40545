/**
 * The lens of a photo, and the factor that turns what the network says of it into metres.
 *
 * The network predicts canonical metres (image/camera.ts): the depth as it would be if the lens were the canonical one. So
 *
 *     depth = d_canonical / viewScale(shot, view),     view = the whole image at the network's size,
 *
 * with the `viewScale` that training labels are multiplied by (image/view.ts): the same function, and so the same
 * convention for a resize whose two factors differ (the focal length it sees is √(fx·fy/D) over the diagonal of what it sees).
 */
import { relativeFocal } from '../image/camera.ts'
import type { RgbImage } from '../image/types.ts'
import { cameraOf, viewScale, wholeView } from '../image/view.ts'
import { DarError } from '../support/errors.ts'
import type { Focal, FocalSource, Size } from './types.ts'

export interface Lens {
  /** Metres per canonical metre. */
  readonly metres: number
  readonly focal: Focal
}

/** `size`: what the network sees. `focal`: in pixels of the image. Throws a DarError when it is not positive. */
export function lensOf(image: RgbImage, size: Size, { focal }: { readonly focal?: number } = {}): Lens {
  if (focal !== undefined && !(focal > 0 && Number.isFinite(focal)))
    throw new DarError(`the focal length is ${focal}; give a positive number of pixels, or leave it out`)
  const centre = { cx: (image.width - 1) / 2, cy: (image.height - 1) / 2 }
  const intrinsics = focal === undefined ? null : { fx: focal, fy: focal, ...centre }
  const shot = { image, intrinsics }
  return {
    metres: 1 / viewScale(shot, wholeView(shot, size.width, size.height)),
    focal: {
      relative: relativeFocal(cameraOf(shot), image.width, image.height),
      source: sourceOf(image, focal),
    },
  }
}

function sourceOf({ focal35 }: RgbImage, focal: number | undefined): FocalSource {
  if (focal !== undefined) return 'given'
  return focal35 === undefined ? 'default' : 'exif'
}
