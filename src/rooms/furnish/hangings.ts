/** Things that hang on walls or lie on floors: pictures, mirrors, shelves, coats, rugs, a studio's backdrop. */
import type { SceneBuilder } from '../builder.ts'
import { anyColour, hsv, material, Pattern, picture } from '../materials/materials.ts'
import { curtain } from '../plan/curtain.ts'
import { type FloorPlan, takeStretch } from '../plan/floor-plan.ts'
import { FRUSTUM, Pose } from '../solids/primitives.ts'
import { clutter } from './small-things.ts'
import { bookRow } from './storage.ts'

/** A sheet of cloth over a whole wall, as in a photographer's studio. */
export function backdrop(s: SceneBuilder, plan: FloorPlan, height: number): void {
  const { random } = s
  const colour = random.chance(0.6)
    ? hsv(random.uniform(), random.uniform(0, 0.12), random.uniform(0.6, 0.95))
    : anyColour(random)
  const cloth = s.add(
    material(random, {
      base: colour,
      scale: 0.6,
      bump: random.uniform(0.15, 0.5),
      bumpScale: random.uniform(0.2, 0.6),
    }),
  )
  const wall = plan.walls.reduce((a, b) => (random.chance(0.5) && b.length > 2 ? b : a))
  if (random.chance(0.5)) curtain(s, wall.frame, 0.05, wall.length - 0.05, 0.02, height - 0.1, cloth)
  else s.sheet(wall.frame, [wall.length / 2, 0.06, height / 2], wall.length - 0.1, height - 0.1, cloth)
  wall.taken.push([0, wall.length, 0])
}

export function rug(s: SceneBuilder, plan: FloorPlan): void {
  const { random } = s
  const e = plan.extent()
  const m = s.add(
    material(random, {
      pattern: random.chance(0.6) ? Pattern.rug : Pattern.carpet,
      base: anyColour(random),
      second: anyColour(random),
      third: anyColour(random),
      scale: 0.03,
    }),
  )
  const f = new Pose(
    random.uniform(0.3, 0.7) * (e.x0 + e.x1),
    random.uniform(0.3, 0.7) * (e.y0 + e.y1),
    0.006,
    random.chance(0.6) ? 0 : random.uniform(0, 3),
  )
  s.box(f, [0, 0, 0], [random.uniform(0.8, 2.4), random.uniform(0.6, 1.8), 0.012], m)
}

/** Pictures, mirrors, clocks, wall shelves. */
export function hangings(s: SceneBuilder, plan: FloorPlan, height: number): void {
  const { random, style } = s
  const mirror = s.add(material(random, { base: [0.05, 0.05, 0.05], mirror: 0.9, gloss: 0.2 }))
  for (let i = random.integer(0, 8); i > 0; i--) {
    const wall = random.pick(plan.walls)
    const w = random.uniform(0.2, 1.1)
    const x = takeStretch(random, wall, w + 0.08)
    if (x < 0) continue
    const h = Math.min(w * random.uniform(0.6, 1.6), 1.3)
    const z = Math.min(random.uniform(1.3, 1.75), height - h / 2 - 0.1)
    const f = wall.frame.at(x, 0, z)
    const kind = random.uniform()
    if (kind < 0.2) s.sheet(f, [0, 0.004, 0], w, h, s.add(picture(random)))
    else if (kind < 0.65) {
      const rim = random.uniform(0.015, 0.06)
      s.box(f, [0, 0.012, 0], [w, 0.025, h], random.pick([style.wood, style.dark, style.white, style.metal]))
      if (random.chance(0.4)) {
        s.sheet(f, [0, 0.0255, 0], w - rim, h - rim, style.white)
        s.sheet(f, [0, 0.026, 0], (w - rim) * 0.7, (h - rim) * 0.7, s.add(picture(random)))
      } else s.sheet(f, [0, 0.0255, 0], w - rim, h - rim, s.add(picture(random)))
    } else if (kind < 0.72) {
      s.box(f, [0, 0.01, 0], [w, 0.02, h], style.wood)
      s.sheet(f, [0, 0.0205, 0], w - 0.05, h - 0.05, mirror)
    } else if (kind < 0.9) {
      s.box(f, [0, 0.1, 0], [w, 0.2, 0.025], random.pick([style.wood, style.white]))
      if (random.chance(0.5))
        bookRow(
          s,
          f,
          -w / 2,
          w / 2,
          0.19,
          0.0125,
          0.4,
          s.add(material(random, { pattern: Pattern.books, base: [0.5, 0.5, 0.5] })),
        )
      else clutter(s, { frame: f.at(0, 0.1, 0.0125), width: w, depth: 0.18, density: 25, room: 0.35 })
    } else {
      // Coats on hooks, or a clock.
      if (random.chance(0.5))
        s.solids.add(FRUSTUM, f, [0, 0.02, 0], [0.15, 0.15, 0.02], style.white, { pitch: Math.PI / 2 })
      else
        for (let k = random.integer(1, 4); k > 0; k--)
          s.ball(
            f,
            [random.uniform(-0.4, 0.4) * w, 0.1, -0.1],
            [random.uniform(0.1, 0.2), 0.07, random.uniform(0.25, 0.45)],
            s.anyFabric(),
          )
    }
  }
}
