/** Soft toys. */
import type { SceneBuilder } from '../builder.ts'
import type { Pose } from '../solids/primitives.ts'

/** A soft toy: body, head, ears and limbs of ellipsoids. */
export function toy(s: SceneBuilder, f: Pose): void {
  const { random } = s
  const m = s.anyFabric()
  const m2 = random.chance(0.5) ? m : s.anyFabric()
  const k = random.uniform(0.06, 0.16)
  s.ball(f, [0, 0, k], [k * 0.8, k * 0.7, k], m)
  s.ball(f, [0, 0.2 * k, 2.4 * k], [k * 0.75, k * 0.7, k * 0.7], m2)
  for (const x of [-1, 1]) {
    s.ball(f, [x * 0.6 * k, 0.1 * k, 3 * k], [k * 0.25, k * 0.15, k * random.uniform(0.25, 0.7)], m)
    s.ball(f, [x * 0.9 * k, 0.4 * k, 1.3 * k], [k * 0.3, k * 0.6, k * 0.25], m)
    s.ball(f, [x * 0.5 * k, 0.9 * k, 0.35 * k], [k * 0.32, k * 0.65, k * 0.32], m2)
  }
}
