/** Cameras of frames: from published constants, from a focal length alone, after a crop. Pixel centres are integers. */
import { resizeNearestDepth } from '../../image/resize.ts'
import type { DepthImage, Intrinsics, RgbImage } from '../../image/types.ts'
import { scaleIntrinsics } from '../../image/view.ts'
import { DarError } from '../../support/errors.ts'

/**
 * NYU Depth v2's colour camera at 640×480: `fx_rgb`, … of `camera_params.m` in the authors' toolbox. Measured depth is
 * projected onto that camera.
 */
export const NYU_CAMERA: Intrinsics = {
  fx: 518.857901,
  fy: 519.469611,
  cx: 325.582449,
  cy: 253.736166,
}

/** NYU's camera for an image of its 4:3 shape; null for another shape, which was cropped in an unknown way. */
export function nyuCamera({ width, height }: { readonly width: number; readonly height: number }): Intrinsics | null {
  return width * 3 === height * 4 ? scaleIntrinsics(NYU_CAMERA, width / 640, height / 480) : null
}

/** Square pixels and the principal point in the middle, which is all that a focal length alone allows. */
export function cameraFromFocal(focal: number, { width, height }: { readonly width: number; readonly height: number }) {
  return { fx: focal, fy: focal, cx: (width - 1) / 2, cy: (height - 1) / 2 }
}

/** A 3×3 camera matrix, row by row. Throws a DarError when its focal lengths are not positive. */
export function cameraFromMatrix(k: readonly number[], where: string): Intrinsics {
  const [fx, , cx, , fy, cy] = k
  if (!(fx > 0 && fy > 0)) throw new DarError(`${where}: the focal lengths ${fx}, ${fy} are not positive; correct it`)
  return { fx, fy, cx, cy }
}

interface Cropped {
  readonly image: RgbImage
  readonly depth: DepthImage | null
  readonly intrinsics: Intrinsics | null
}

/** Columns left .. left+width−1, rows top .. top+height−1 of a frame whose depth has the image's size. */
export function cropFrame(
  { image, depth, intrinsics }: Cropped,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
): Cropped {
  const rgb = new Uint8Array(3 * width * height)
  const metres = new Float32Array(width * height)
  // A depth map of another size is first brought to the image's size, by nearest measurements, not means.
  const map = depth && resizeNearestDepth(depth, image.width, image.height)
  for (let y = 0; y < height; y++) {
    const from = (top + y) * image.width + left
    rgb.set(image.data.subarray(3 * from, 3 * (from + width)), 3 * y * width)
    if (map) metres.set(map.data.subarray(from, from + width), y * width)
  }
  return {
    image: { ...image, width, height, data: rgb },
    depth: map && { width, height, data: metres },
    intrinsics: intrinsics && { ...intrinsics, cx: intrinsics.cx - left, cy: intrinsics.cy - top },
  }
}
