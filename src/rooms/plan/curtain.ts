/** Curtains, and cloth that hangs like them. */
import type { SceneBuilder } from '../builder.ts'
import { FRUSTUM, type Pose } from '../solids/primitives.ts'

/** Folds of cloth from x0 to x1, hanging from `top` down to `low`, in front of a wall. */
export function curtain(s: SceneBuilder, f: Pose, x0: number, x1: number, low: number, top: number, m: number): void {
  const { random } = s
  const fold = random.uniform(0.04, 0.11)
  const deep = random.uniform(0.35, 1)
  let x = x0 + fold / 2
  while (x < x1) {
    const w = fold * random.uniform(0.7, 1.5)
    const y = 0.1 + random.uniform(-0.02, 0.02)
    s.solids.add(FRUSTUM, f, [x, y, (low + top) / 2], [w * 0.62, w * deep * 0.62, (top - low) / 2], m, {
      taper: random.uniform(0.8, 1),
      yaw: random.uniform(-0.2, 0.2),
    })
    x += w
  }
  s.sheet(f, [(x0 + x1) / 2, 0.09, (low + top) / 2], x1 - x0, top - low, m)
}
