/** A finished scene: the data that the renderer and the choice of viewpoints need. */
import type { Light, Screen } from './builder.ts'
import type { HomeRoom } from './catalogue/roles.ts'
import type { Daylight } from './light/daylight.ts'
import type { Material } from './materials/materials.ts'
import type { FloorPlan } from './plan/floor-plan.ts'
import type { Kind } from './plan/kinds.ts'
import type { Vector } from './solids/primitives.ts'
import type { Tracer } from './solids/ray-tracer.ts'

export interface Scene extends Daylight {
  readonly kind: Kind | HomeRoom
  readonly tracer: Tracer
  readonly materials: readonly Material[]
  readonly lights: readonly Light[]
  readonly plan: FloorPlan
  readonly height: number
  readonly sights: readonly Vector[]
  /** Small things on tables and shelves, for close-ups. */
  readonly details: readonly Vector[]
  /** Screens, before which somebody may sit. */
  readonly screens: readonly Screen[]
  /** Whether surfaces light each other. If not, the ambient term stands for it. */
  readonly bounce: boolean
  /** How bright a photo of it is made: the light, of 1 for white, that the mean of the logarithm is brought to. */
  readonly key: number
  /** Range of depths in a picture, metres. Views with others are rejected. */
  readonly range: { readonly nearest: number; readonly farthest: number }
}
