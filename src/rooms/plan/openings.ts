/**
 * Doors and windows. In plain rooms they are put onto a wall, not cut into it, and the depth of a window is that of its pane. In homes a
 * window lies in a recess, and the depth there is not known: behind the pane is the outside.
 */
import type { SceneBuilder } from '../builder.ts'
import { anyColour, fabric, hsv, material, mix, Pattern } from '../materials/materials.ts'
import type { Pose, Vector } from '../solids/primitives.ts'
import { curtain } from './curtain.ts'
import { type FloorPlan, takeStretch, type Wall } from './floor-plan.ts'

/** A window that the sun shines through: a rectangle in a wall. */
export interface SunWindow {
  readonly centre: Vector
  readonly along: Vector
  readonly normal: Vector
  readonly halfWidth: number
  readonly halfHeight: number
}

export interface OpeningsOptions {
  readonly day: boolean
  /** Greatest number of windows. */
  readonly most: number
  /** Walls that may have windows; default: all. */
  readonly outer?: readonly Wall[]
  /** How deep windows lie in their walls, metres; 0: they are put onto it. Walls must then be built after this. */
  readonly recess?: number
}

/** Adds windows, and up to two doors. Returns the windows that daylight comes through: none at night. */
export function openings(
  s: SceneBuilder,
  plan: FloorPlan,
  height: number,
  { day, most, outer = plan.walls, recess = 0 }: OpeningsOptions,
): SunWindow[] {
  const { random, style } = s
  const result: SunWindow[] = []
  const bright = day ? random.uniform(0.8, 4.5) : random.uniform(0.01, 0.06)
  const sky = day ? hsv(random.uniform(0.53, 0.62), random.uniform(0, 0.4), 1) : hsv(0.63, 0.5, 0.4)
  const view = s.add(
    material(random, {
      pattern: Pattern.outside,
      base: sky,
      second: mix(sky, [1, 1, 1], 0.6),
      third: random.chance(0.6) ? hsv(random.uniform(0.2, 0.4), 0.5, 0.4) : anyColour(random),
      emission: bright,
      mirror: day ? 0 : 0.08,
      distant: recess > 0,
    }),
  )
  const dark = s.add(material(random, { base: [0.02, 0.02, 0.03], mirror: 0.1, gloss: 0.5, distant: recess > 0 }))
  const trim = random.pick([style.white, style.white, style.wood, style.metal, style.dark])
  const cloth = s.add(fabric(random))
  const windows = random.integer(0, most + 1)
  for (let i = 0; i < windows; i++) {
    const wall = random.pick(outer)
    const w = random.uniform(0.6, 2.4)
    const sill = random.chance(0.15) ? 0.05 : random.uniform(0.7, 1.15)
    const top = Math.min(random.uniform(1.9, 2.4), height - 0.12)
    const x = takeStretch(random, wall, w + 0.3, sill)
    if (x < 0) continue
    const f = wall.frame.at(x, -recess, (sill + top) / 2)
    const inner = wall.frame.at(x, 0, (sill + top) / 2)
    const h = top - sill
    if (recess > 0) {
      wall.holes.push([x - w / 2, x + w / 2, sill, top])
      niche(s, inner, [w, recess, h], style.white)
    }
    s.sheet(f, [0, 0.012, 0], w, h, day || random.chance(0.4) ? view : dark, { castsShadow: false })
    for (const side of [-1, 1]) {
      s.box(f, [side * (w / 2 + 0.02), 0.03, 0], [0.07, 0.06, h + 0.1], trim)
      s.box(f, [0, 0.03, side * (h / 2 + 0.02)], [w + 0.1, 0.06, 0.07], trim)
    }
    const mullions = Math.round(w / random.uniform(0.5, 1.2))
    for (let k = 1; k < mullions; k++) s.box(f, [-w / 2 + (k * w) / mullions, 0.025, 0], [0.045, 0.04, h], trim)
    if (random.chance(0.3)) s.box(f, [0, 0.025, h * 0.15], [w, 0.035, 0.04], trim)
    if (random.chance(0.6)) s.box(inner, [0, 0.1, -h / 2 - 0.03], [w + 0.2, 0.2, 0.03], trim)
    const dress = random.uniform()
    if (dress < 0.4) {
      const low = random.chance(0.6) ? 0.03 : sill - 0.15
      const open = random.uniform(0.15, 0.42) * w
      const edge = w / 2 + 0.14
      curtain(s, wall.frame.at(x, 0, 0), -edge, -edge + open, low, top + 0.12, cloth)
      if (random.chance(0.8)) curtain(s, wall.frame.at(x, 0, 0), edge - open, edge, low, top + 0.12, cloth)
      s.box(inner, [0, 0.1, h / 2 + 0.13], [w + 0.4, 0.025, 0.025], style.metal)
    } else if (dress < 0.55) {
      const drop = random.uniform(0.15, 0.9) * h
      const slats = Math.min(Math.round(drop / 0.05), 26)
      for (let k = 0; k < slats; k++)
        s.box(inner, [0, 0.07, h / 2 - k * 0.05], [w, 0.035, 0.004], style.white, { pitch: 0.6 })
    }
    if (sill > 0.6 && random.chance(0.4)) radiator(s, wall.frame.at(x, 0, 0), Math.min(w, 1.2), sill - 0.2)
    const m = wall.frame.at(x, 0.01, 0)
    const c = Math.cos(m.yaw)
    const n = Math.sin(m.yaw)
    result.push({ centre: [m.x, m.y, f.z], along: [c, n, 0], normal: [-n, c, 0], halfWidth: w / 2, halfHeight: h / 2 })
    if (random.chance(0.3)) s.sight(f, 0, 0, 0)
  }
  for (let i = random.integer(0, 3); i > 0; i--) {
    const wall = random.pick(plan.walls)
    const w = random.uniform(0.75, 0.95)
    const x = takeStretch(random, wall, w + 0.2)
    if (x < 0) continue
    door(s, wall.frame.at(x, 0, 0), w, Math.min(random.uniform(1.95, 2.1), height - 0.1), trim)
    const p = wall.frame.at(x, 0.4, 0)
    plan.occupied.push({ x0: p.x - 0.45, x1: p.x + 0.45, y0: p.y - 0.45, y1: p.y + 0.45 })
  }
  return day ? result : []
}

/** The sides of a hole in a wall: `size` is its width, depth and height, the frame its middle in the plane of the wall. */
function niche(s: SceneBuilder, f: Pose, [w, d, h]: Vector, m: number): void {
  for (const side of [-1, 1]) {
    s.box(f, [side * (w / 2 + 0.01), -d / 2 - 0.01, 0], [0.02, d + 0.02, h + 0.04], m)
    s.box(f, [0, -d / 2 - 0.01, side * (h / 2 + 0.01)], [w, d + 0.02, 0.02], m)
  }
}

function radiator(s: SceneBuilder, f: Pose, w: number, top: number): void {
  const ribs = Math.round(w / 0.07)
  for (let i = 0; i < ribs; i++)
    s.box(f, [-w / 2 + (i + 0.5) * 0.07, 0.07, top / 2 + 0.05], [0.05, 0.09, top - 0.12], s.style.white)
  s.box(f, [0, 0.07, top - 0.03], [w, 0.05, 0.04], s.style.white)
  s.box(f, [0, 0.07, 0.15], [w, 0.05, 0.04], s.style.white)
}

function door(s: SceneBuilder, f: Pose, w: number, h: number, trim: number): void {
  const { random, style } = s
  const leaf = random.pick([style.wood, style.white, style.paint, style.wood2])
  for (const side of [-1, 1]) s.box(f, [side * (w / 2 + 0.03), 0.02, h / 2], [0.08, 0.05, h + 0.04], trim)
  s.box(f, [0, 0.02, h + 0.04], [w + 0.14, 0.05, 0.08], trim)
  if (random.chance(0.25)) {
    // Ajar: the leaf opens into the room, with a dark opening behind it.
    const a = random.uniform(0.4, 1.5)
    s.sheet(f, [0, 0.004, h / 2], w, h, s.matt([0.03, 0.03, 0.03]))
    s.box(f.at(-w / 2, 0.03, 0, a), [w / 2, 0, h / 2], [w, 0.04, h], leaf)
    return
  }
  s.box(f, [0, 0.012, h / 2], [w, 0.024, h], leaf)
  const design = random.integer(0, 4)
  const columns = design === 1 ? 1 : 2
  const rows = design === 0 ? 0 : design + 1
  for (let i = 0; i < columns; i++)
    for (let j = 0; j < rows; j++) {
      const pw = (w - 0.16) / columns
      const ph = (h - 0.24) / rows
      s.box(f, [-w / 2 + 0.08 + (i + 0.5) * pw, 0.024, 0.12 + (j + 0.5) * ph], [pw - 0.07, 0.02, ph - 0.08], leaf)
    }
  s.box(f, [w / 2 - 0.09, 0.06, 1.02], [0.12, 0.02, 0.02], style.metal)
  s.ball(f, [w / 2 - 0.06, 0.045, 1.02], [0.02, 0.03, 0.02], style.metal)
}
