/** Floor and table lamps. Ceiling lamps are in light/lighting.ts. Frames as in `seats.ts`. */
import type { SceneBuilder } from '../builder.ts'
import { anyColour, hsv, material } from '../materials/materials.ts'
import type { Pose } from '../solids/primitives.ts'

/** A lamp on a pole or a foot; `lit` adds its light. */
export function lamp(s: SceneBuilder, f: Pose, height: number, lit: boolean): void {
  const { random, style } = s
  const r = height * random.uniform(0.1, 0.2)
  const shade = Math.min(height * 0.35, 0.3)
  s.post(f, [0, 0.2, 0], r * 0.8, 0.03, style.metal)
  s.post(f, [0, 0.2, 0], random.uniform(0.008, 0.02), height - shade, style.metal)
  const warm = hsv(random.uniform(0.07, 0.13), random.uniform(0.1, 0.45), 1)
  const m = s.add(
    material(random, { base: lit ? warm : anyColour(random), emission: lit ? random.uniform(1.5, 4) : 0 }),
  )
  s.post(f, [0, 0.2, height - shade], r * 1.2, shade, m, { taper: random.uniform(0.5, 0.95), castsShadow: !lit })
  if (lit) s.bulb(f.at(0, 0.2, height - shade / 2), r * 0.8, random.uniform(0.4, 1.6), warm)
}
