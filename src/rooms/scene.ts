/** A finished scene: what the renderer and the photographer ask of it. */
import type { Light } from './builder.ts'
import type { Material, Rgb } from './materials/materials.ts'
import type { FloorPlan } from './plan/floor-plan.ts'
import type { Kind } from './plan/kinds.ts'
import type { SunWindow } from './plan/openings.ts'
import type { Vector } from './solids/primitives.ts'
import type { Tracer } from './solids/trace.ts'

export interface Scene {
  readonly kind: Kind
  readonly tracer: Tracer
  readonly materials: readonly Material[]
  readonly lights: readonly Light[]
  /** Towards the sun, its irradiance, and the windows it comes through; null without sun. */
  readonly sun: { readonly direction: Vector; readonly colour: Rgb; readonly windows: readonly SunWindow[] } | null
  /** Light that comes from everywhere, and how it differs from above and below. */
  readonly ambient: Rgb
  readonly ambientDown: Rgb
  readonly plan: FloorPlan
  readonly height: number
  readonly sights: readonly Vector[]
  /** Depths that a picture may hold, metres; views with others are not taken. */
  readonly range: { readonly nearest: number; readonly farthest: number }
}
