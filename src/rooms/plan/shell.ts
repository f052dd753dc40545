/** The shell of a room: floor, ceiling, walls, and the doorways between its parts. */
import type { SceneBuilder } from '../builder.ts'
import {
  ceilingTiles,
  floorMaterial,
  hsv,
  material,
  Pattern,
  scaled,
  wallColour,
  wallMaterial,
} from '../materials/materials.ts'
import { Pose, type Vector } from '../solids/primitives.ts'
import type { FloorPlan } from './floor-plan.ts'
import type { Kind } from './kinds.ts'

/** Floor, ceiling (level, slanted or a ridge) and walls. */
export function shell(s: SceneBuilder, plan: FloorPlan, height: number, kind: Kind): void {
  const { random } = s
  const wet = kind === 'bathroom' || (kind === 'kitchen' && random.chance(0.5)) ? 'wet' : 'dry'
  const e = plan.extent()
  const cx = (e.x0 + e.x1) / 2
  const cy = (e.y0 + e.y1) / 2
  const w = e.x1 - e.x0
  const d = e.y1 - e.y0
  const ground = new Pose(0, 0, 0, 0)
  const turned = random.chance(0.5) ? Math.PI / 2 : random.chance(0.15) ? Math.PI / 4 : 0
  const far = w + d + 2
  s.slab(ground.at(cx, cy, 0, turned), [0, 0, 0], far, far, s.add(floorMaterial(random, wet)))
  const white = random.chance(0.8)
    ? hsv(random.uniform(0.05, 0.15), random.uniform(0, 0.08), random.uniform(0.8, 0.97))
    : wallColour(random)
  const tiled = random.chance(0.15)
  const ceiling = s.add(
    tiled
      ? ceilingTiles(random, white)
      : random.chance(0.07)
        ? material(random, { pattern: Pattern.ribs, base: white, second: scaled(white, 0.8), scale: 0.12 })
        : material(random, { base: white, scale: 1 }),
  )
  const slant = random.uniform()
  if (slant < 0.1 && kind !== 'corridor') {
    const a = random.uniform(0.3, 0.8)
    const side = random.chance(0.5) ? 1 : -1
    const low = random.uniform(1, 1.7)
    const edge = side > 0 ? e.x1 : e.x0
    // A roof that starts at height `low` on one wall and rises into the room.
    s.slab(ground, [edge, cy, low], 2 * far, 2 * far, ceiling, { roll: side * a })
  }
  s.slab(ground, [cx, cy, height], far, far, ceiling)
  if (random.chance(0.07)) {
    const beam = random.pick([s.style.wood, s.style.wood2, s.style.white])
    for (let x = e.x0 + 0.4; x < e.x1; x += random.uniform(0.6, 1.1))
      s.box(ground, [x, cy, height - 0.07], [0.12, d, 0.14], beam)
  }
  const main = s.add(wallMaterial(random, wet))
  const accent = random.chance(0.35) ? s.add(wallMaterial(random, wet)) : main
  const skirting = random.chance(0.6) ? random.pick([s.style.white, s.style.wood, s.style.dark]) : -1
  const rail = random.chance(0.12) ? s.add(wallMaterial(random)) : -1
  for (const wall of plan.walls) {
    const m = random.chance(0.25) ? accent : main
    const x = wall.length / 2
    s.sheet(wall.frame, [x, 0, height / 2], wall.length, height, m)
    if (skirting >= 0) s.box(wall.frame, [x, 0.005, 0.04], [wall.length, 0.015, 0.08], skirting)
    if (rail >= 0) {
      s.sheet(wall.frame, [x, 0.003, 0.5], wall.length, 1, rail)
      s.box(wall.frame, [x, 0.01, 1], [wall.length, 0.03, 0.05], s.style.white)
    }
  }
  for (const n of plan.necks) {
    const top = Math.min(random.uniform(1.98, 2.3), height - 0.05)
    const size: Vector = [n.x1 - n.x0, n.y1 - n.y0 - 0.002, height - top]
    s.box(ground, [(n.x0 + n.x1) / 2, (n.y0 + n.y1) / 2, (top + height) / 2], size, main)
    if (random.chance(0.7)) {
      const trim = random.pick([s.style.white, s.style.wood])
      for (const x of [n.x0, n.x1])
        s.box(ground, [x, (n.y0 + n.y1) / 2, top / 2], [0.06, n.y1 - n.y0 + 0.04, top], trim)
      s.box(ground, [(n.x0 + n.x1) / 2, (n.y0 + n.y1) / 2, top], [n.x1 - n.x0 + 0.1, n.y1 - n.y0 + 0.04, 0.06], trim)
      // The gap itself stays free of furniture.
    }
    plan.occupied.push({ x0: n.x0, x1: n.x1, y0: n.y0 - 0.9, y1: n.y1 + 0.9 })
  }
}
