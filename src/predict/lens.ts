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
import type { Intrinsics, RgbImage } from '../image/types.ts'
import { cameraOf, viewScale, wholeView } from '../image/view.ts'
import { DarError } from '../support/errors.ts'
import { refuseUnknown } from '../support/options.ts'
import type { Focal, FocalSource, GivenIntrinsics, LensOptions, Size } from './types.ts'

/** Lenses that exist, with room to spare, in 35 mm equivalents. */
const [SHORTEST, LONGEST] = [1, 20_000]

export interface Lens {
  /** Metres per canonical metre. */
  readonly metres: number
  /** How far the lens moves the model's range: its focal length over the canonical one. */
  readonly range: number
  readonly focal: Focal
  /** In pixels of the image. */
  readonly intrinsics: Intrinsics
}

/** `size`: what the network sees. Throws a DarError when what is given of the lens is none, or given in two ways. */
export function lensOf(image: RgbImage, size: Size, given: LensOptions = {}): Lens {
  const intrinsics = givenIntrinsics(image, given)
  const shot = { image, intrinsics }
  const camera = cameraOf(shot)
  const relative = relativeFocal(camera, image.width, image.height)
  const millimetres35 = focal35From(relative)
  const pixels = camera.fx === camera.fy ? camera.fx : Math.sqrt(camera.fx) * Math.sqrt(camera.fy)
  if (!(millimetres35 >= SHORTEST && millimetres35 <= LONGEST))
    throw new DarError(
      `the focal length is ${pixels} pixels for an image of ${image.width}×${image.height}, as of a lens of ${Number(millimetres35.toPrecision(3))} mm; give the focal length in pixels of this image`,
    )
  return {
    metres: 1 / viewScale(shot, wholeView(shot, size.width, size.height)),
    range: relative / CANONICAL_FOCAL,
    focal: {
      relative,
      source: sourceOf(image, intrinsics),
      millimetres35,
      ...(intrinsics === null && image.focalNote !== undefined && { note: image.focalNote }),
    },
    intrinsics: camera,
  }
}

/** The camera that a caller states; null when none is stated. */
function givenIntrinsics({ width, height }: Size, { focal, fov, intrinsics }: LensOptions): Intrinsics | null {
  const ways = Object.entries({ focal, fov, intrinsics }).filter(([, value]) => value !== undefined)
  if (ways.length > 1)
    throw new DarError(`the lens is given as ${ways.map(([name]) => name).join(' and as ')}; give one of them`)
  const centre = { cx: (width - 1) / 2, cy: (height - 1) / 2 }
  if (intrinsics !== undefined) return { ...centre, ...checkedIntrinsics(intrinsics) }
  if (fov !== undefined) {
    const focalOfView = width / 2 / Math.tan((checkedFov(fov) * Math.PI) / 360)
    return { fx: focalOfView, fy: focalOfView, ...centre }
  }
  if (focal === undefined) return null
  checkFocal(focal)
  return { fx: focal, fy: focal, ...centre }
}

function checkFocal(focal: number, what = 'the focal length'): void {
  if (typeof focal !== 'number' || !(focal > 0 && Number.isFinite(focal)))
    throw new DarError(`${what} is ${String(focal)}; give a positive number of pixels, or leave it out`)
}

function checkedFov(degrees: number): number {
  if (typeof degrees !== 'number' || !(degrees > 0 && degrees < 180))
    throw new DarError(`the field of view is ${String(degrees)}; give the horizontal one in degrees, between 0 and 180`)
  return degrees
}

const KEYS: Readonly<Record<keyof Intrinsics, true>> = { fx: true, fy: true, cx: true, cy: true }

/** Without `cx` and `cy` where they are not given. */
function checkedIntrinsics(given: GivenIntrinsics): GivenIntrinsics {
  refuseUnknown(given, KEYS, 'intrinsics')
  const { fx, fy, ...centre } = given
  checkFocal(fx, 'fx of the intrinsics')
  checkFocal(fy, 'fy of the intrinsics')
  const stated = Object.entries(centre).filter(([, value]) => value !== undefined)
  for (const [name, value] of stated)
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new DarError(`${name} of the intrinsics is ${String(value)}; give a number of pixels, or leave it out`)
  return { fx, fy, ...Object.fromEntries(stated) }
}

function sourceOf({ focal35 }: RgbImage, given: Intrinsics | null): FocalSource {
  if (given) return 'given'
  return focal35 === undefined ? 'default' : 'exif'
}
