/**
 * One depth map as the bytes of one file. Used by `saveDepth`, for one file, and by outputs.ts, for all that `dar predict` writes of a
 * photo.
 */
import { encodeExr } from '../formats/exr.ts'
import { encodeGlb } from '../formats/glb.ts'
import { depthMesh } from '../formats/mesh.ts'
import { encodeDepthNpz } from '../formats/npz.ts'
import { encodePly } from '../formats/ply.ts'
import { strideFor, toPointCloud } from '../formats/point-cloud.ts'
import { colourise, depthRange } from '../image/colormap.ts'
import { encodeNpy } from '../image/npy.ts'
import { resizeImage } from '../image/resize.ts'
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import type { DepthMap, ModelName } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { encodeJpegRgb } from './jpeg.ts'
import { encodeDepthPng, encodeLogDepthPng } from './png16.ts'

/** Points of a PLY whose stride was not chosen: 30 MB. */
export const MOST_POINTS = 2_000_000
/** Longest side of the photo on a mesh: graphics cards of phones take no larger texture. */
const MOST_TEXTURE = 4096

/**
 * A depth map and what is known about it; a result of `predict` is one. A point cloud and a mesh need the camera: `intrinsics`, or the
 * focal length in image diagonals.
 */
export interface SavableDepth
  extends DepthImage,
    Partial<Pick<DepthMap, 'sigma' | 'focal' | 'networkSize' | 'milliseconds' | 'warnings'>> {
  /** Pinhole camera in pixels of the map. */
  readonly intrinsics?: Intrinsics | null
  /** `relative` is inverse depth without a unit. */
  readonly unit?: string
  /** The model that it is from. */
  readonly model?: ModelName
}

/** What a file of depth shows beside the depth, and how finely. */
export interface EncodeDepthOptions {
  /** The photo, of the map's size: for the colours of points and the texture of a mesh. */
  readonly image?: RgbImage | null
  /** A point or a vertex every so many pixels. Default: the smallest with at most 2 million points, or half a million vertices. */
  readonly stride?: number
  /** Surfaces of a mesh that are tilted more, in degrees, are cut. Default: 85. */
  readonly steepest?: number
  /** More for the JSON, in front of the rest. */
  readonly notes?: Readonly<Record<string, unknown>>
}

/** Files that hold one map as numbers, and its points. */
export type DepthFileKind = 'depth' | 'log' | 'npy' | 'npz' | 'exr' | 'ply' | 'glb' | 'json'

/** @throws DarError when the map does not have what the kind needs: metres, or a camera. */
export async function encodeDepth(
  kind: DepthFileKind,
  map: SavableDepth,
  { image = null, stride, steepest, notes }: EncodeDepthOptions = {},
): Promise<Uint8Array> {
  if (map.unit === 'relative' && !['npy', 'npz', 'exr', 'json'].includes(kind))
    throw new DarError(`a relative depth map has no metres, which '${kind}' needs; write npy, npz or exr`)
  const { width, height, data } = map
  switch (kind) {
    case 'depth':
      return encodeDepthPng(map)
    case 'log':
      return encodeLogDepthPng(map)
    case 'npy':
      return encodeNpy(data, [height, width])
    case 'npz':
      return encodeDepthNpz(map, { sigma: map.sigma, intrinsics: knownCamera(map) })
    case 'exr':
      return encodeExr(map)
    case 'json':
      return new TextEncoder().encode(`${JSON.stringify({ ...notes, ...described(map) }, null, 2)}\n`)
    case 'ply': {
      const cloud = toPointCloud(map, cameraOfMap(map), {
        stride: stride ?? strideFor(map, MOST_POINTS),
        ...(image && { rgb: image }),
      })
      return encodePly(cloud)
    }
    case 'glb': {
      const mesh = depthMesh(map, cameraOfMap(map), { steepest, ...(stride && { stride }) })
      const texture = image ?? colourise(map, depthRange(map))
      return encodeGlb(mesh, await encodeJpegRgb(withinSide(texture, MOST_TEXTURE)))
    }
  }
}

/** The camera that the map states; null where it states none. */
function knownCamera({ width, height, intrinsics, focal }: SavableDepth): Intrinsics | null {
  if (intrinsics) return intrinsics
  if (!focal) return null
  const pixels = focal.relative * Math.hypot(width, height)
  return { fx: pixels, fy: pixels, cx: (width - 1) / 2, cy: (height - 1) / 2 }
}

function cameraOfMap(map: SavableDepth): Intrinsics {
  const camera = knownCamera(map)
  if (!camera)
    throw new DarError(
      'points need a camera, and this depth map has none; add intrinsics { fx, fy, cx, cy } in its pixels',
    )
  return camera
}

/** What a program wants to know of a map without reading it. Metres, but of a relative map. */
export function described(map: SavableDepth): Readonly<Record<string, unknown>> {
  const { width, height, data, unit = 'metre', model, focal, networkSize, milliseconds, warnings } = map
  let [min, max, valid] = [Number.POSITIVE_INFINITY, 0, 0]
  for (const value of data)
    if (value > 0 && value < Number.POSITIVE_INFINITY) {
      valid++
      if (value < min) min = value
      if (value > max) max = value
    }
  const range = valid > 0 ? { min, max } : { min: null, max: null }
  return {
    width,
    height,
    unit,
    ...range,
    validPixels: valid,
    model,
    intrinsics: knownCamera(map),
    focal,
    networkSize,
    milliseconds,
    warnings,
  }
}

function withinSide(image: RgbImage, most: number): RgbImage {
  const factor = most / Math.max(image.width, image.height)
  if (factor >= 1) return image
  const side = (pixels: number) => Math.max(1, Math.round(pixels * factor))
  return resizeImage(image, side(image.width), side(image.height))
}
