/**
 * From a seed to a furnished room, a viewpoint, an RGB photo and its exact depth. The same seed and size give the same
 * bytes. Everything is TypeScript on typed arrays, without a GPU or native code.
 */
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { Random } from '../support/random.ts'
import type { Furniture } from './catalogue/index.ts'
import { draftHome, finishHome } from './draw-home.ts'
import { drawScene } from './draw-scene.ts'
import { relevantLights } from './light/relevant-lights.ts'
import { render } from './render/render.ts'
import type { Scene } from './scene.ts'
import { expose } from './sensor/expose.ts'
import { drawHomeViewpoints } from './sensor/home-viewpoint.ts'
import { drawViewpoints } from './sensor/viewpoint.ts'
import type { Viewpoint } from './solids/camera.ts'

/** Lights of one picture. */
const MOST_LIGHTS = 4

/** Least share of a picture that has a depth. */
const LEAST_KNOWN = 0.7

/** A photo of a room and its exact depth. */
export interface RenderedRoom {
  readonly image: RgbImage
  /** Metres along the optical axis of the ray through each pixel's centre; every pixel lies in [0.3, 10], of furnished homes in [0.2, 20], or 0
   * where one looks out of a window. */
  readonly depth: DepthImage
  /** Pixel centres have integer coordinates: pixel (x, y) looks along ((x − cx)/fx, (y − cy)/fy, 1). */
  readonly intrinsics: Intrinsics
}

/** Which room, and how large its photo. Default: 320×240. */
export interface RoomOptions {
  /** Any 32-bit integer. */
  readonly seed: number
  readonly width?: number
  readonly height?: number
}

/** Renders the room of a seed. Throws a DarError for a size that is not two whole numbers from 8 to 4096. */
export function renderRoom({ seed, width = 320, height = 240 }: RoomOptions): RenderedRoom {
  checkSize(width, height)
  // If nobody can stand in a room, or something is too near in every view, the next draw of the same seed is taken.
  const draws = new Random(seed, 0)
  for (;;) {
    const draw = draws.bits() | 0
    const scene = drawScene(draw)
    const room = photograph(scene, drawViewpoints(scene, draw, width, height), { draw, width, height })
    if (room !== null) return room
  }
}

/**
 * Renders the furnished home of a seed. The picture depends on the seed, the size and the files of the catalogue.
 * Throws a DarError as `renderRoom` does, and when a shape that the home needs is damaged.
 */
export async function renderHome(
  furniture: Furniture,
  { seed, width = 320, height = 240 }: RoomOptions,
): Promise<RenderedRoom> {
  checkSize(width, height)
  const draws = new Random(seed, 0)
  for (;;) {
    const draw = draws.bits() | 0
    const draft = draftHome(draw, furniture.roles)
    const shapes = await Promise.all(draft.pieces.map((piece) => furniture.shapeOf(piece)))
    const scene = finishHome(draft, shapes)
    const room = photograph(scene, drawHomeViewpoints(scene, draw, width, height), { draw, width, height })
    if (room !== null) return room
  }
}

function checkSize(width: number, height: number): void {
  for (const [name, value] of Object.entries({ width, height }))
    if (!Number.isInteger(value) || value < 8 || value > 4096)
      throw new DarError(`rooms: ${name} is ${value}; it must be a whole number from 8 to 4096`)
}

function knownShare(depth: Float32Array): number {
  return depth.reduce((sum, d) => sum + (d > 0 ? 1 : 0), 0) / depth.length
}

/** The first of the views whose depths are all within range, and known except in small windows; null if there is none. */
function photograph(
  scene: Scene,
  views: readonly Viewpoint[],
  { draw, width, height }: { readonly draw: number; readonly width: number; readonly height: number },
): RenderedRoom | null {
  for (const view of views) {
    const lights = relevantLights(scene, view, { width, height, most: MOST_LIGHTS })
    const rendering = render({ ...scene, lights }, view, width, height)
    if (rendering === null || knownShare(rendering.depth) < LEAST_KNOWN) continue
    return {
      image: { width, height, data: expose(rendering.radiance, width, height, { seed: draw, key: scene.key }) },
      depth: { width, height, data: rendering.depth },
      intrinsics: view.intrinsics,
    }
  }
  return null
}
