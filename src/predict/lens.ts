/**
 * The lens of a photo, and the factor that turns the network's output into metres.
 *
 * The network predicts canonical metres (image/camera.ts): the depth as it would be if the lens were the canonical one. So
 *
 *     depth = d_canonical / viewScale(shot, view),     view = the whole image at the network's size,
 *
 * `viewScale` (image/view.ts) is the function that training labels are multiplied by. Using the same one keeps one
 * convention for a resize whose two factors differ: the focal length is √(fx·fy) over the diagonal of the image that
 * the network sees.
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
  if (focal !== undefined) checkFocal(focal, Math.hypot(image.width, image.height))
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

/** From a fisheye to the longest telephoto lens, with much to spare: image diagonals. */
const [SHORTEST, LONGEST] = [0.02, 500]

function checkFocal(focal: number, diagonal: number): void {
  if (typeof focal !== 'number' || !(focal > 0 && Number.isFinite(focal)))
    throw new DarError(`the focal length is ${String(focal)}; give a positive number of pixels, or leave it out`)
  if (focal < SHORTEST * diagonal || focal > LONGEST * diagonal)
    throw new DarError(
      `the focal length is ${focal} pixels, ${(focal / diagonal).toPrecision(2)} times the image's diagonal; a lens has ` +
        `${SHORTEST} to ${LONGEST} times: give it in pixels of the image, or leave it out`,
    )
}

function sourceOf({ focal35 }: RgbImage, focal: number | undefined): FocalSource {
  if (focal !== undefined) return 'given'
  return focal35 === undefined ? 'default' : 'exif'
}
