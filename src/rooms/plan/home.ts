/**
 * Plans of homes: a main room, and up to two more behind doorways or wide openings, which gives views of five to ten
 * metres. Builds their shells: a floor and walls for each room, one ceiling.
 */
import type { Random } from '../../support/random.ts'
import type { SceneBuilder } from '../builder.ts'
import { type HomeRoom, ROOMS } from '../catalogue/roles.ts'
import {
  ceilingTiles,
  floorMaterial,
  hsv,
  type Material,
  material,
  Pattern,
  paint,
  wallMaterial,
} from '../materials/materials.ts'
import { Pose, type Vector } from '../solids/primitives.ts'
import { FloorPlan, type Rect, type Wall } from './floor-plan.ts'

export interface Part {
  readonly kind: HomeRoom
  readonly rect: Rect
}

export interface Home {
  readonly plan: FloorPlan
  /** The main room first. */
  readonly parts: readonly Part[]
  readonly passages: readonly Passage[]
  readonly height: number
}

interface Passage {
  readonly rect: Rect
  /** Whether the passage leads along x. */
  readonly alongX: boolean
  readonly top: number
}

/** Least and greatest side of the main room, metres. */
const SIDES: Readonly<Record<HomeRoom, readonly [number, number]>> = {
  living: [3, 8],
  office: [2.4, 8],
  bedroom: [2.6, 5.2],
  kitchen: [2.2, 5],
  bathroom: [1.7, 3.6],
}

export function drawHome(random: Random): Home {
  const kind = random.pick([
    ...(['living', 'living', 'living', 'living', 'office', 'office'] as const),
    ...(['bedroom', 'bedroom', 'kitchen', 'kitchen', 'bathroom'] as const),
  ])
  const [least, most] = SIDES[kind]
  const w = random.uniform(least, most)
  const d = random.uniform(least, most)
  const height = random.uniform(2.3, 3.1)
  const thick = random.uniform(0.1, 0.25)
  const parts: Part[] = [{ kind, rect: { x0: 0, y0: 0, x1: w, y1: d } }]
  const passages: Passage[] = []
  const wanted = random.pick([0, 1, 1, 1, 2, 2])
  for (let attempt = 0; attempt < 6 && passages.length < wanted; attempt++) {
    const found = drawNeighbour(random, w, d, thick, height)
    if (found === null || parts.slice(1).some(({ rect }) => overlap(rect, found.part.rect, thick))) continue
    parts.push(found.part)
    passages.push(found.passage)
  }
  const plan = new FloorPlan(
    parts.map(({ rect }) => rect).concat(passages.map(({ rect }) => rect)),
    [],
    passages.map(({ rect }) => rect),
  )
  // Doorways and the ground before them stay free.
  for (const { rect, alongX } of passages) {
    const before = 0.7
    plan.occupied.push(
      alongX
        ? { ...rect, x0: rect.x0 - before, x1: rect.x1 + before }
        : { ...rect, y0: rect.y0 - before, y1: rect.y1 + before },
    )
  }
  return { plan, parts, passages, height }
}

/** A room on a side of the main one, which is w × d, and the passage to it; null where there is no wall wide enough. */
function drawNeighbour(random: Random, w: number, d: number, thick: number, height: number) {
  const alongX = random.chance(0.5)
  const far = random.chance(0.5)
  const side = alongX ? d : w
  const across = random.uniform(1.4, 5)
  const deep = random.uniform(2, 6)
  const start = Math.max(Math.min(random.uniform(0, side) - across / 2, side - 1.2), 1.2 - across)
  const lo = Math.max(0, start) + 0.1
  const hi = Math.min(side, start + across) - 0.1
  const width = Math.min(hi - lo, random.pick([0.8, 0.85, 0.9, 1.2, 1.8, 3]))
  if (width < 0.7) return null
  const from = random.uniform(lo, hi - width)
  const top = width < 1 ? random.pick([2, 2.05, 2.1, height]) : random.pick([2.1, 2.25, height])
  const wall = alongX ? w : d
  const [near, end] = far ? [wall + thick, wall + thick + deep] : [-thick - deep, -thick]
  const [gap0, gap1] = far ? [wall, wall + thick] : [-thick, 0]
  const rect = alongX
    ? { x0: near, x1: end, y0: start, y1: start + across }
    : { x0: start, x1: start + across, y0: near, y1: end }
  const passage = alongX
    ? { x0: gap0, x1: gap1, y0: from, y1: from + width }
    : { x0: from, x1: from + width, y0: gap0, y1: gap1 }
  return { part: { kind: random.pick(ROOMS), rect }, passage: { rect: passage, alongX, top: Math.min(top, height) } }
}

function overlap(a: Rect, b: Rect, gap: number): boolean {
  return a.x0 < b.x1 + gap && b.x0 < a.x1 + gap && a.y0 < b.y1 + gap && b.y0 < a.y1 + gap
}

/** The room that a wall belongs to; null for the sides of a passage. */
export function partOf(home: Home, wall: Wall): Part | null {
  const p = wall.frame.at(wall.length / 2, 0.03, 0)
  return home.parts.find(({ rect: r }) => p.x > r.x0 && p.x < r.x1 && p.y > r.y0 && p.y < r.y1) ?? null
}

/** Typical wall paints of homes: white, cream, grey, pastel, rarely a pattern. */
function calmWall(random: Random, wet: 'wet' | 'dry'): Material {
  if (wet === 'wet' && random.chance(0.5)) return wallMaterial(random, 'wet')
  if (random.chance(0.12)) return wallMaterial(random)
  const kind = random.uniform()
  const colour =
    kind < 0.55
      ? hsv(random.uniform(0.05, 0.17), random.uniform(0, 0.12), random.uniform(0.75, 0.97))
      : kind < 0.75
        ? hsv(random.uniform(0.5, 0.7), random.uniform(0, 0.08), random.uniform(0.65, 0.93))
        : kind < 0.95
          ? hsv(random.uniform(), random.uniform(0.05, 0.25), random.uniform(0.6, 0.92))
          : hsv(random.uniform(), random.uniform(0.1, 0.5), random.uniform(0.25, 0.6))
  const bump = random.chance(0.5) ? random.uniform(0.01, 0.08) : 0
  return material(random, { base: colour, scale: random.uniform(0.3, 1.5), bump, bumpScale: random.uniform(0.02, 0.1) })
}

/** Floors, which are shiny more often than in plain rooms. */
function homeFloor(random: Random, wet: 'wet' | 'dry'): Material {
  const floor = floorMaterial(random, wet)
  const dull = floor.pattern === Pattern.carpet
  return dull || random.chance(0.4)
    ? floor
    : { ...floor, mirror: random.uniform(0.02, 0.14), gloss: random.uniform(0.2, 0.8) }
}

export function homeShell(s: SceneBuilder, home: Home): void {
  const { random, style } = s
  const { plan, parts, passages, height } = home
  const ground = new Pose(0, 0, 0, 0)
  const e = plan.extent()
  const white = hsv(random.uniform(0.05, 0.15), random.uniform(0, 0.06), random.uniform(0.8, 0.97))
  const ceiling = s.add(random.chance(0.12) ? ceilingTiles(random, white) : material(random, { base: white, scale: 1 }))
  const middle: Vector = [(e.x0 + e.x1) / 2, (e.y0 + e.y1) / 2, height]
  s.slab(ground, middle, e.x1 - e.x0 + 1, e.y1 - e.y0 + 1, ceiling)
  const trim = random.pick([style.white, style.white, style.white, style.wood, s.add(paint(random, white, 0.3))])
  const same = random.chance(0.5) ? s.add(homeFloor(random, 'dry')) : null
  for (const part of parts) {
    const { x0, y0, x1, y1 } = part.rect
    const wet = part.kind === 'bathroom' || (part.kind === 'kitchen' && random.chance(0.5)) ? 'wet' : 'dry'
    const turned = random.chance(0.5) ? Math.PI / 2 : 0
    const [w, d] = [x1 - x0 + 0.26, y1 - y0 + 0.26]
    const floor = wet === 'dry' && same !== null ? same : s.add(homeFloor(random, wet))
    const at = ground.at((x0 + x1) / 2, (y0 + y1) / 2, part === parts[0] ? 0 : -0.0005, turned)
    s.slab(at, [0, 0, 0], turned > 0 ? d : w, turned > 0 ? w : d, floor)
    const main = s.add(calmWall(random, wet))
    const accent = random.chance(0.2) ? s.add(calmWall(random, wet)) : main
    const skirting = random.chance(0.7) ? random.uniform(0.05, 0.14) : 0
    for (const wall of plan.walls) {
      if (partOf(home, wall) !== part) continue
      const x = wall.length / 2
      s.sheet(wall.frame, [x, 0, height / 2], wall.length, height, random.chance(0.25) ? accent : main)
      if (skirting > 0) s.box(wall.frame, [x, 0.005, skirting / 2], [wall.length, 0.015, skirting], trim)
    }
  }
  const jamb = s.add(calmWall(random, 'dry'))
  for (const wall of plan.walls)
    if (partOf(home, wall) === null) s.sheet(wall.frame, [wall.length / 2, 0, height / 2], wall.length, height, jamb)
  for (const { rect: r, top, alongX } of passages) {
    const [w, d] = [r.x1 - r.x0, r.y1 - r.y0]
    const [x, y] = [(r.x0 + r.x1) / 2, (r.y0 + r.y1) / 2]
    if (top < height - 0.02) {
      const size: Vector = [alongX ? w - 0.002 : w, alongX ? d : d - 0.002, height - top]
      s.box(ground, [x, y, (top + height) / 2], size, jamb)
    }
    if (random.chance(0.3)) continue
    const size = (along: number): Vector => (alongX ? [w + 0.03, along, top] : [along, d + 0.03, top])
    for (const side of [-1, 1])
      s.box(ground, alongX ? [x, y + (side * d) / 2, top / 2] : [x + (side * w) / 2, y, top / 2], size(0.06), trim)
    if (top < height - 0.02)
      s.box(ground, [x, y, top], alongX ? [w + 0.03, d + 0.06, 0.06] : [w + 0.06, d + 0.03, 0.06], trim)
  }
}
