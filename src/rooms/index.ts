/**
 * The ROOMS room: procedural indoor scenes. A seed gives a furnished room, a viewpoint, an RGB photo of it and its exact depth.
 * The same seed and size give the same bytes. Everything is TypeScript on typed arrays; there is no GPU and no native code.
 */
import type { DepthImage, Intrinsics, RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { Random } from '../support/random.ts'
import { drawScene } from './draw-scene.ts'
import { render } from './render/render.ts'
import { expose } from './sensor/expose.ts'
import { drawViewpoints } from './sensor/viewpoint.ts'

export interface RenderedRoom {
  readonly image: RgbImage
  /** Metres along the optical axis of the ray through each pixel's centre; every pixel lies in [0.3, 10]. */
  readonly depth: DepthImage
  /** Pixel centres have integer coordinates: pixel (x, y) looks along ((x − cx)/fx, (y − cy)/fy, 1). */
  readonly intrinsics: Intrinsics
}

export interface RoomOptions {
  /** Any 32-bit integer. */
  readonly seed: number
  readonly width?: number
  readonly height?: number
}

/** Renders the room of a seed. Throws a DarError for a size that is not two whole numbers from 8 to 4096. */
export function renderRoom({ seed, width = 320, height = 240 }: RoomOptions): RenderedRoom {
  for (const [name, value] of [
    ['width', width],
    ['height', height],
  ] as const) {
    if (!Number.isInteger(value) || value < 8 || value > 4096) {
      throw new DarError(`rooms: ${name} is ${value}; it must be a whole number from 8 to 4096`)
    }
  }
  // A room in which nobody can stand, or a view with something too near, gives way to the next draw of the same seed.
  const draws = new Random(seed, 0)
  for (;;) {
    const draw = draws.bits() | 0
    const scene = drawScene(draw)
    for (const view of drawViewpoints(scene, draw, width, height)) {
      const rendering = render(scene, view, width, height)
      if (rendering === null) continue
      return {
        image: { width, height, data: expose(rendering.radiance, width, height, draw) },
        depth: { width, height, data: rendering.depth },
        intrinsics: view.intrinsics,
      }
    }
  }
}
