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
import { CANONICAL_FOCAL, focal35From, relativeFocal } from '../image/camera.ts'
import type { RgbImage } from '../image/types.ts'
import { cameraOf, viewScale, wholeView } from '../image/view.ts'
import { DarError } from '../support/errors.ts'
import type { Focal, FocalSource, Size } from './types.ts'

/** Lenses that exist, with room to spare, in 35 mm equivalents. */
const [SHORTEST, LONGEST] = [1, 20_000]

export interface Lens {
  /** Metres per canonical metre. */
  readonly metres: number
  /** How far the lens moves the model's range: its focal length over the canonical one. */
  readonly range: number
  readonly focal: Focal
}

/** `size`: what the network sees. `focal`: in pixels of the image. Throws a DarError when it is not positive. */
export function lensOf(image: RgbImage, size: Size, { focal }: { readonly focal?: number } = {}): Lens {
  if (focal !== undefined) checkFocal(focal)
  const centre = { cx: (image.width - 1) / 2, cy: (image.height - 1) / 2 }
  const intrinsics = focal === undefined ? null : { fx: focal, fy: focal, ...centre }
  const shot = { image, intrinsics }
  const relative = relativeFocal(cameraOf(shot), image.width, image.height)
  const millimetres35 = focal35From(relative)
  if (!(millimetres35 >= SHORTEST && millimetres35 <= LONGEST))
    throw new DarError(
      `the focal length is ${focal} pixels for an image of ${image.width}×${image.height}, as of a lens of ${Number(millimetres35.toPrecision(3))} mm; give the focal length in pixels of this image`,
    )
  return {
    metres: 1 / viewScale(shot, wholeView(shot, size.width, size.height)),
    range: relative / CANONICAL_FOCAL,
    focal: {
      relative,
      source: sourceOf(image, focal),
      millimetres35,
      ...(focal === undefined && image.focalNote !== undefined && { note: image.focalNote }),
    },
  }
}

function checkFocal(focal: number): void {
  if (typeof focal !== 'number' || !(focal > 0 && Number.isFinite(focal)))
    throw new DarError(`the focal length is ${String(focal)}; give a positive number of pixels, or leave it out`)
}

function sourceOf({ focal35 }: RgbImage, focal: number | undefined): FocalSource {
  if (focal !== undefined) return 'given'
  return focal35 === undefined ? 'default' : 'exif'
}
