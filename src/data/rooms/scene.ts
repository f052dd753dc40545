/**
 * A furnished room drawn from a seed: outline, surfaces, openings, lamps, furniture, things on the furniture. Room kinds only
 * bias what is put in; nothing here knows of cameras or pixels.
 */
import { Random } from '../../support/random.ts'
import { type Light, SceneBuilder, type Vector } from './builder.ts'
import { buildBvh } from './bvh.ts'
import { drawFloorPlan, type FloorPlan } from './floor-plan.ts'
import { furnish, KINDS, type Kind } from './furnish.ts'
import { hangings } from './hangings.ts'
import { lamps } from './lighting.ts'
import { clutter } from './living.ts'
import {
  floorMaterial,
  hsv,
  type Material,
  material,
  mix,
  Pattern,
  type Rgb,
  scaled,
  wallColour,
  wallMaterial,
} from './materials.ts'
import { openings, type SunWindow } from './openings.ts'
import { Frame } from './primitives.ts'
import { Tracer } from './trace.ts'

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
}

const SIZES: Record<Kind, readonly [number, number, number, number]> = {
  living: [3.2, 7, 3.2, 6.5],
  bedroom: [2.6, 4.6, 2.6, 4.4],
  kitchen: [2.2, 4.8, 2.2, 4.5],
  office: [2.6, 8, 2.8, 6.5],
  corridor: [1.1, 2.4, 4.5, 9.5],
  bathroom: [1.6, 3, 1.8, 3.2],
  studio: [2.4, 4.5, 2.6, 5],
  store: [2, 6, 2, 7],
}

export function drawScene(seed: number): Scene {
  const random = new Random(seed, 1)
  const s = new SceneBuilder(random)
  const kind = random.pick([...KINDS, 'living', 'living', 'office', 'bedroom', 'studio', 'kitchen'] as const)
  const [w0, w1, d0, d1] = SIZES[kind]
  const plan = drawFloorPlan(random, random.uniform(w0, w1), random.uniform(d0, d1))
  const height = random.chance(0.85) ? random.uniform(2.3, 2.9) : random.uniform(2.9, 3.8)
  shell(s, plan, height, kind)
  const day = random.chance(0.7)
  const windows = openings(s, plan, height, day, kind === 'corridor' || kind === 'store' ? 1 : 3)
  furnish(s, plan, height, kind)
  lamps(s, plan, height, windows)
  for (const support of s.supports) clutter(s, support)
  hangings(s, plan, height)

  const power = day ? random.uniform(0.12, 0.45) : random.uniform(0.05, 0.2)
  const tint = hsv(random.chance(0.6) ? 0.09 : 0.6, random.uniform(0, 0.25), 1)
  const ambient = scaled(tint, power)
  const bvh = buildBvh(s.solids.worldBounds())
  let sun: Scene['sun'] = null
  if (day && windows.length > 0 && random.chance(0.5)) {
    const from = random.pick(windows)
    const side = random.uniform(-1, 1)
    const direction = unit([
      -from.normal[0] + side * from.along[0],
      -from.normal[1] + side * from.along[1],
      random.uniform(0.3, 1.4),
    ])
    const strength = random.uniform(1.5, 6)
    sun = { direction, colour: [strength, strength * 0.92, strength * 0.8], windows }
  }
  return {
    kind,
    tracer: new Tracer(s.solids.finish(bvh.order), bvh),
    materials: s.materials,
    lights: s.lights.slice(0, 4),
    sun,
    ambient,
    ambientDown: scaled(
      mix(ambient, [ambient[0], ambient[1] * 0.85, ambient[2] * 0.7], 0.6),
      random.uniform(0.5, 0.95),
    ),
    plan,
    height,
    sights: s.sights,
  }
}

function unit(v: Vector): Vector {
  const length = Math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
  return [v[0] / length, v[1] / length, v[2] / length]
}

/** Floor, ceiling (level, slanted or a ridge) and walls. */
function shell(s: SceneBuilder, plan: FloorPlan, height: number, kind: Kind): void {
  const { random } = s
  const wet = kind === 'bathroom' || (kind === 'kitchen' && random.chance(0.5)) ? 'wet' : 'dry'
  const e = plan.extent()
  const cx = (e.x0 + e.x1) / 2
  const cy = (e.y0 + e.y1) / 2
  const w = e.x1 - e.x0
  const d = e.y1 - e.y0
  const ground = new Frame(0, 0, 0, 0)
  const turned = random.chance(0.5) ? Math.PI / 2 : random.chance(0.15) ? Math.PI / 4 : 0
  const far = w + d + 2
  s.slab(ground.at(cx, cy, 0, turned), [0, 0, 0], far, far, s.add(floorMaterial(random, wet)))
  const white = random.chance(0.8)
    ? hsv(random.uniform(0.05, 0.15), random.uniform(0, 0.08), random.uniform(0.8, 0.97))
    : wallColour(random)
  const tiled = random.chance(0.15)
  const ceiling = s.add(
    tiled
      ? material(random, {
          pattern: Pattern.tiles,
          base: white,
          second: scaled(white, 0.93),
          third: scaled(white, 0.6),
          scale: 0.6,
          scale2: 0.6,
        })
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
