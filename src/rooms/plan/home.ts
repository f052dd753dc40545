/** Plans of homes, and their shells: a floor and walls for each room, one ceiling, trim round the passages. */
import type { Random } from '../../support/random.ts'
import type { SceneBuilder } from '../builder.ts'
import {
  ceilingTiles,
  floorMaterial,
  hsv,
  type Material,
  material,
  Pattern,
  paint,
  scaled,
  wallMaterial,
} from '../materials/materials.ts'
import { Pose, type Vector } from '../solids/primitives.ts'
import { FloorPlan, type Wall } from './floor-plan.ts'
import { drawOutline, type Outline, type Part } from './layouts.ts'

export type { Part } from './layouts.ts'

export interface Home extends Outline {
  readonly plan: FloorPlan
  readonly height: number
}

export function drawHome(random: Random): Home {
  // Halls, offices and old houses are higher than flats.
  const height = random.chance(0.3) ? random.uniform(2.7, 3.7) : random.uniform(2.3, 2.8)
  const { parts, passages } = drawOutline(random, { height, thick: random.uniform(0.1, 0.25) })
  const plan = new FloorPlan(
    parts.map(({ rect }) => rect).concat(passages.map(({ rect }) => rect)),
    [],
    passages.map(({ rect }) => rect),
  )
  splitWalls(plan, parts)
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

/** Cuts walls that run from one part into another that is open to it, so that each belongs to one. */
function splitWalls(plan: FloorPlan, parts: readonly Part[]): void {
  const cuts = parts.filter((part) => part.open).flatMap(({ rect }) => [rect.x0, rect.x1])
  for (const wall of plan.walls.splice(0)) {
    const { frame, length } = wall
    const end = frame.at(length, 0, 0).x
    const within = cuts.map((x) => (x - frame.x) / (end - frame.x)).filter((k) => k > 1e-6 && k < 1 - 1e-6)
    const stops = [0, ...within.sort((a, b) => a - b), 1]
    for (let i = 1; i < stops.length; i++) {
      const from = stops[i - 1] * length
      plan.walls.push({ frame: frame.at(from, 0, 0), length: stops[i] * length - from, taken: [], holes: [] })
    }
  }
}

/** The room that a wall belongs to; null for the sides of a passage. */
export function partOf(home: Home, wall: Wall): Part | null {
  const p = wall.frame.at(wall.length / 2, 0.03, 0)
  return home.parts.find(({ rect: r }) => p.x > r.x0 && p.x < r.x1 && p.y > r.y0 && p.y < r.y1) ?? null
}

/** Walls with nothing but the outside behind them: windows belong there. */
export function outerWalls({ plan, parts }: Home): Wall[] {
  const behind = 0.6
  return plan.walls.filter(({ frame, length }) => {
    const ends = [0.1 * length, 0.5 * length, 0.9 * length].map((x) => frame.at(x, -behind, 0))
    return (
      length > 0.5 &&
      !ends.some(({ x, y }) => parts.some(({ rect: r }) => x > r.x0 && x < r.x1 && y > r.y0 && y < r.y1))
    )
  })
}

/** Typical walls of homes: white, cream, grey, beige, seldom a colour or a pattern; tiles where it is wet. */
function calmWall(random: Random, wet: 'wet' | 'dry'): Material {
  if (wet === 'wet' && random.chance(0.6)) return wallMaterial(random, 'wet')
  if (random.chance(0.08)) return wallMaterial(random)
  const kind = random.uniform()
  const colour =
    kind < 0.6
      ? hsv(random.uniform(0.05, 0.17), random.uniform(0, 0.1), random.uniform(0.72, 0.97))
      : kind < 0.8
        ? hsv(random.uniform(0.5, 0.7), random.uniform(0, 0.06), random.uniform(0.55, 0.93))
        : kind < 0.9
          ? hsv(random.uniform(0.07, 0.15), random.uniform(0.1, 0.35), random.uniform(0.55, 0.9))
          : kind < 0.96
            ? hsv(random.uniform(), random.uniform(0.05, 0.22), random.uniform(0.55, 0.92))
            : hsv(random.uniform(), random.uniform(0.1, 0.5), random.uniform(0.2, 0.6))
  const bump = random.chance(0.5) ? random.uniform(0.01, 0.08) : 0
  return material(random, { base: colour, scale: random.uniform(0.3, 1.5), bump, bumpScale: random.uniform(0.02, 0.1) })
}

/** Linoleum, screed, painted concrete: nothing but light and shine tells how far such a floor goes. */
function smoothFloor(random: Random): Material {
  const base = random.chance(0.8)
    ? hsv(random.uniform(0.05, 0.17), random.uniform(0, 0.15), random.uniform(0.4, 0.92))
    : hsv(random.uniform(), random.uniform(0.05, 0.4), random.uniform(0.25, 0.7))
  if (random.chance(0.6)) return material(random, { base, scale: 1 })
  const second = scaled(base, random.uniform(0.93, 0.99))
  return material(random, { pattern: Pattern.blotches, base, second, third: second, scale: random.uniform(0.1, 0.6) })
}

/** Share of floors that are smooth. */
const SMOOTH = { office: 0.5, home: 0.15 }

/** Floors, which are shiny more often than in plain rooms. */
function homeFloor(random: Random, wet: 'wet' | 'dry', smooth: number): Material {
  const floor = random.chance(smooth) ? smoothFloor(random) : floorMaterial(random, wet)
  const dull = floor.pattern === Pattern.carpet
  return dull || random.chance(0.4)
    ? floor
    : {
        ...floor,
        mirror: random.chance(0.85) ? random.uniform(0.02, 0.12) : random.uniform(0.12, 0.3),
        gloss: random.uniform(0.2, 0.8),
      }
}

/** Materials of a room's walls, and the height of its skirting board (0: none). */
function drawCoat(s: SceneBuilder, wet: 'wet' | 'dry') {
  const { random } = s
  const main = s.add(calmWall(random, wet))
  const accent = random.chance(0.2) ? s.add(calmWall(random, wet)) : main
  return { main, accent, skirting: random.chance(0.7) ? random.uniform(0.05, 0.14) : 0 }
}

/** A wall around its windows: strips of full height between them, and pieces below and above each. */
function wallSheet(s: SceneBuilder, { frame, length, holes }: Wall, height: number, m: number): void {
  const piece = (x0: number, x1: number, z0: number, z1: number) => {
    if (x1 - x0 > 1e-3 && z1 - z0 > 1e-3) s.sheet(frame, [(x0 + x1) / 2, 0, (z0 + z1) / 2], x1 - x0, z1 - z0, m)
  }
  let from = 0
  for (const [x0, x1, low, top] of holes.toSorted((a, b) => a[0] - b[0])) {
    piece(from, x0, 0, height)
    piece(x0, x1, 0, low)
    piece(x0, x1, top, height)
    from = x1
  }
  piece(from, length, 0, height)
}

export function homeShell(s: SceneBuilder, home: Home): void {
  const { random, style } = s
  const { plan, parts, passages, height } = home
  const ground = new Pose(0, 0, 0, 0)
  const e = plan.extent()
  const white = hsv(random.uniform(0.05, 0.15), random.uniform(0, 0.06), random.uniform(0.8, 0.97))
  const ceiling = s.add(
    random.chance(parts[0].kind === 'office' ? 0.5 : 0.1)
      ? ceilingTiles(random, white)
      : material(random, { base: white, scale: 1 }),
  )
  const middle: Vector = [(e.x0 + e.x1) / 2, (e.y0 + e.y1) / 2, height]
  s.slab(ground, middle, e.x1 - e.x0 + 1, e.y1 - e.y0 + 1, ceiling)
  const trim = random.pick([style.white, style.white, style.white, style.wood, s.add(paint(random, white, 0.3))])
  const smooth = parts[0].kind === 'office' ? SMOOTH.office : SMOOTH.home
  const same = random.chance(0.5) ? s.add(homeFloor(random, 'dry', smooth)) : null
  let coat = drawCoat(s, 'dry')
  for (const part of parts) {
    const { x0, y0, x1, y1 } = part.rect
    const wet = part.kind === 'bathroom' || (part.kind === 'kitchen' && random.chance(0.5)) ? 'wet' : 'dry'
    const turned = random.chance(0.5) ? Math.PI / 2 : 0
    const [w, d] = [x1 - x0 + 0.26, y1 - y0 + 0.26]
    const floor = wet === 'dry' && same !== null ? same : s.add(homeFloor(random, wet, smooth))
    const at = ground.at((x0 + x1) / 2, (y0 + y1) / 2, part === parts[0] ? 0 : -0.0005, turned)
    s.slab(at, [0, 0, 0], turned > 0 ? d : w, turned > 0 ? w : d, floor)
    if (!part.open) coat = drawCoat(s, wet)
    const { main, accent, skirting } = coat
    for (const wall of plan.walls) {
      if (partOf(home, wall) !== part) continue
      const x = wall.length / 2
      wallSheet(s, wall, height, random.chance(0.25) ? accent : main)
      const doorToBalcony = wall.holes.some(([, , low]) => low < skirting)
      if (skirting > 0 && !doorToBalcony)
        s.box(wall.frame, [x, 0.005, skirting / 2], [wall.length, 0.015, skirting], trim)
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
