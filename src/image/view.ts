/**
 * A view: the affine map from what the network sees back to the frame that it is cut out of. Crop, resize, stretch, flip and
 * small rotation are one map, so a frame is sampled once and nothing is blurred twice.
 *
 *     x = a·u + b·v + c,   y = d·u + e·v + f            (u, v) in the view, (x, y) in the frame, pixel centres at ½
 *
 * What it does to metric depth. Rotating the picture about the optical axis is a roll of the camera: rays turn, and the
 * depth of a point along that axis stays what it was. Any rotated rectangle of the frame is such a roll followed by an
 * upright crop, so its labels need no change. A mirror image changes x only. Cropping and resizing change the focal
 * length, and with it the label in canonical metres (image/camera.ts). A view pixel covers D = |ae − bd| frame pixels;
 * under an anisotropic resize fx and fy grow by different factors, whose product is 1/D, so that
 *
 *     f = √(fx·fy / D) / √(width² + height²)            width, height of the view
 *     d_canonical = d · CANONICAL_FOCAL / f
 *
 * This is `relativeFocal` of what the network sees. Apparent size follows: an object of area S² m², facing the camera at
 * depth d, covers S²·fx·fy/(D·d²) view pixels, that is (CANONICAL_FOCAL·S/d_canonical)² squared view diagonals, whatever
 * the crop. A frame of unknown camera is read as having the canonical focal length over its full size (or what its EXIF
 * says). Rotation turns rays, not pixels: with r = fx/fy it is [[cos, −r·sin], [sin/r, cos]] in pixels.
 *
 * Left out: the principal point of a view, which no label depends on, and lens distortion. (Intrinsics count pixel centres
 * as integers, as calibration tools do: a point at cx lies at x = cx + ½ here.)
 */
import { CANONICAL_FOCAL, canonicalScale, relativeFocalFrom35 } from './camera.ts'
import type { Intrinsics, RgbImage } from './types.ts'

/** A photo and its camera: a frame of a data set, or what is predicted. */
export interface Shot {
  readonly image: RgbImage
  /** In pixels of `image`; null when the camera is not known. */
  readonly intrinsics: Intrinsics | null
}

/** An affine map from the pixels of a view to those of a frame: x = a·u + b·v + c, y = d·u + e·v + f. */
export interface View {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly e: number
  readonly f: number
  /** Size of the view in its own pixels. */
  readonly width: number
  readonly height: number
}

/** A cut-out of a frame, turned and mirrored. */
export interface ViewOptions {
  /** Size of the view in its own pixels. */
  readonly width: number
  readonly height: number
  /** Size of the cut-out in frame pixels. */
  readonly cropWidth: number
  readonly cropHeight: number
  /** Centre of the cut-out in the frame. */
  readonly centreX: number
  readonly centreY: number
  /** Radians; positive turns the cut-out clockwise in the frame, and so the content anticlockwise in the view. */
  readonly angle?: number
  /** Left and right change places. */
  readonly mirrored?: boolean
  /** fx / fy of the frame. */
  readonly pixelAspect?: number
}

/** The view that options describe. */
export function viewOf({
  width,
  height,
  cropWidth,
  cropHeight,
  centreX,
  centreY,
  angle = 0,
  mirrored = false,
  pixelAspect = 1,
}: ViewOptions): View {
  const stepX = (cropWidth / width) * (mirrored ? -1 : 1)
  const stepY = cropHeight / height
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)]
  const a = cos * stepX
  const b = -sin * pixelAspect * stepY
  const d = (sin / pixelAspect) * stepX
  const e = cos * stepY
  return {
    a,
    b,
    c: centreX - (a * width + b * height) / 2,
    d,
    e,
    f: centreY - (d * width + e * height) / 2,
    width,
    height,
  }
}

/** The whole frame, stretched to `width`×`height`. */
export function wholeView(frame: Shot, width: number, height: number): View {
  const { width: w, height: h } = frame.image
  return viewOf({ width, height, cropWidth: w, cropHeight: h, centreX: w / 2, centreY: h / 2 })
}

/** The frame's camera: what is known, else what EXIF says, else the canonical lens over the full frame. */
export function cameraOf({ image, intrinsics }: Shot): Intrinsics {
  if (intrinsics) return intrinsics
  const relative = image.focal35 === undefined ? CANONICAL_FOCAL : relativeFocalFrom35(image.focal35)
  const focal = relative * Math.hypot(image.width, image.height)
  return { fx: focal, fy: focal, cx: (image.width - 1) / 2, cy: (image.height - 1) / 2 }
}

/** Factor from true metres to canonical metres in this view of the frame. */
export function viewScale(frame: Shot, view: View): number {
  const { fx, fy } = cameraOf(frame)
  const covered = Math.abs(view.a * view.e - view.b * view.d)
  return canonicalScale(Math.sqrt((fx * fy) / covered) / Math.hypot(view.width, view.height))
}

/** The same camera after a resize by `perX`, `perY`. Pixel centres are integers, so it is cx + ½ that scales. */
export function scaleIntrinsics({ fx, fy, cx, cy }: Intrinsics, perX: number, perY: number): Intrinsics {
  return { fx: fx * perX, fy: fy * perY, cx: (cx + 0.5) * perX - 0.5, cy: (cy + 0.5) * perY - 0.5 }
}
