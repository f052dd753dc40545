/** Potted plants. Frames as in `seats.ts`. */
import type { SceneBuilder } from '../builder.ts'
import { hsv, material, Pattern, type Rgb } from '../materials/materials.ts'
import type { Pose } from '../solids/primitives.ts'

export function plant(s: SceneBuilder, f: Pose, size: number): void {
  const { random } = s
  const r = size * random.uniform(0.12, 0.2)
  const h = size * random.uniform(0.2, 0.35)
  const green: Rgb = hsv(random.uniform(0.2, 0.4), random.uniform(0.35, 0.85), random.uniform(0.25, 0.7))
  const leaf = s.add(
    material(random, {
      pattern: Pattern.blotches,
      base: green,
      second: [green[0] * 0.6, green[1] * 0.65, green[2] * 0.6],
      third: [green[0], green[1] * 1.1, green[2] * 0.5],
      scale: 0.06,
      gloss: 0.3,
    }),
  )
  const stem = s.matt(hsv(random.uniform(0.06, 0.3), 0.5, 0.3))
  s.post(f, [0, 0.2, 0], r * 0.75, h, s.anyPaint(), { taper: 1.35 })
  const kind = random.uniform()
  const leaves = random.integer(14, 46)
  for (let i = 0; i < leaves; i++) {
    const a = random.uniform(0, 6.2832)
    const up = random.uniform(0.1, 1)
    const out = kind < 0.4 ? size * 0.35 * Math.sin(up * 3) : size * random.uniform(0.05, 0.4)
    const x = out * Math.cos(a)
    const y = 0.2 + out * Math.sin(a)
    const z = h + (size - h) * up
    const l = size * random.uniform(0.06, 0.16)
    if (kind > 0.7) s.limb(f, [0.2 * x, 0.2 + 0.2 * (y - 0.2), h], [x, y, z], 0.012 * size + 0.006, 0.2, leaf)
    else {
      if (i % 4 === 0) s.limb(f, [0, 0.2, h], [x, y, z], 0.006 + 0.004 * size, 0.5, stem)
      s.ball(f, [x, y, z], [l, l * random.uniform(0.3, 0.6), 0.004 + 0.01 * l], leaf, {
        yaw: a,
        pitch: random.uniform(-0.7, 0.7),
        roll: random.uniform(-1.1, 0.9),
      })
    }
  }
  s.sight(f, 0, 0.2, size * 0.6)
}
