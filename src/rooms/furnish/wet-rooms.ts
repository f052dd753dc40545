/**
 * What makes a kitchen and a bathroom: cupboards and appliances side by side under tiles and open shelves full of small things; a toilet,
 * a washbasin under a mirror, a bath or shower.
 */
import type { SceneBuilder } from '../builder.ts'
import type { Piece } from '../catalogue/sh3f.ts'
import { hsv, material, Pattern, scaled } from '../materials/materials.ts'
import type { Wall } from '../plan/floor-plan.ts'
import type { Vector } from '../solids/primitives.ts'
import { along, type Placer } from './rows.ts'
import { smallThing } from './small-things.ts'

const LOWER = /cabinet|sink|stove|oven|washing|dish|dryer/
const TALL = /fridge|refrigerator|high cabinet|double oven|freezer/
const BASIN = /basin|vanity|lavatory/
const BATH = /bath\b|bathtub|shower stall|shower\b/
const TOILET = /toilets? unit|toilets?$|bidet/

/** Stretch of a wall: from, to, metres along it. */
type Stretch = readonly [number, number]

/** Puts a piece at `x` of the wall, its left edge there; false where it does not fit. */
type Stand = (wall: Wall, x: number, piece: Piece) => boolean

/** A line of kitchen cupboards along a wall, with tiles behind them and perhaps a shelf above. Returns the part of the wall that it takes. */
export function kitchenLine(s: SceneBuilder, wall: Wall, pool: readonly Piece[], stand: Stand): Stretch | null {
  const { random } = s
  const low = pool.filter(({ name, height }) => LOWER.test(name) && height > 0.7 && height < 1.05)
  const tall = pool.filter(({ name, height }) => TALL.test(name) && height > 1.2)
  if (low.length === 0) return null
  // One or two kinds of cupboards repeat; the rest is there once.
  const common = [random.pick(low), random.pick(low)]
  const rest = low.filter((piece) => !common.includes(piece))
  const start = random.chance(0.7) ? 0.02 : random.uniform(0.02, 0.8)
  let x = start
  const add = (piece: Piece): void => {
    if (x + piece.width < wall.length - 0.01 && stand(wall, x, piece)) x += piece.width + 0.003
  }
  if (tall.length > 0 && random.chance(0.6)) add(random.pick(tall))
  const from = x
  const most = random.uniform(1.5, 5)
  for (let i = 0; i < 14 && x - start < most; i++)
    add(
      rest.length > 0 && random.chance(0.45)
        ? (rest.splice(random.integer(0, rest.length), 1)[0] ?? common[0])
        : random.pick(common),
    )
  const until = x
  if (tall.length > 0 && random.chance(0.35)) add(random.pick(tall))
  if (until - from < 0.5) return null
  splashback(s, wall, [from, until])
  return [from, until]
}

/** A block of cupboards under a worktop in the middle of the room, perhaps with stools along it and lamps above. Nothing where there is no room. */
export function kitchenIsland({ s, roles, room, claim, seat }: Placer): void {
  const { random, style } = s
  const [w, d, h] = [random.uniform(1.1, 2.8), random.uniform(0.6, 1.15), random.uniform(0.86, 0.98)]
  const { corner, long, deep } = along(room)
  const aisle = 0.75
  if (w + 2 * aisle > long || d + 2 * aisle > deep) return
  const [x, y] = [random.uniform(aisle, long - aisle - w) + w / 2, random.uniform(aisle, deep - aisle - d)]
  const f = corner.at(x, y, 0)
  if (!claim(f, w, d)) return
  // With stools the worktop reaches out over their knees.
  const knees = random.chance(0.5) ? random.uniform(0.2, 0.35) : 0
  const front = random.pick([style.front, style.front, style.white, style.wood, s.anyPaint()])
  s.box(f, [0, (d - knees) / 2, 0.05], [w - 0.08, d - knees - 0.08, 0.1], style.dark)
  s.box(f, [0, (d - knees) / 2, (h + 0.06) / 2], [w - 0.04, d - knees - 0.04, h - 0.14], front)
  s.box(f, [0, d / 2, h - 0.02], [w, d, 0.04], style.top)
  s.sight(f, 0, d / 2, h)
  s.support(f.at(0, d / 2, h), w - 0.1, d - 0.1, 7, 0.5)
  const stools = Object.values(roles.seats).flatMap((pool) => pool.filter(({ name }) => /stool/.test(name)))
  if (knees > 0 && stools.length > 0) {
    const stool = random.pick(stools)
    const n = Math.min(random.integer(2, 5), Math.floor(w / (stool.width + 0.12)))
    for (let i = 0; i < n; i++) {
      const at = ((i + 0.5) / n - 0.5) * w + random.normal(0, 0.03)
      seat(f.at(at, d + random.uniform(-0.15, 0.2) + stool.depth, 0, Math.PI + random.normal(0, 0.2)), stool)
    }
  }
  if (!random.chance(0.4)) return
  const [lamps, z, r] = [random.integer(1, 4), random.uniform(1.6, 2), random.uniform(0.07, 0.16)]
  const shade = random.pick([style.white, style.metal, style.dark, s.anyPaint()])
  for (let i = 0; i < lamps; i++) {
    const at: Vector = [((i + 0.5) / lamps - 0.5) * w, d / 2, z]
    s.ball(f, at, [r, r, r * random.uniform(0.7, 1.2)], shade)
    s.post(f, [at[0], at[1], z + r * 0.6], 0.006, 0.6, style.dark)
  }
}

/** Tiles between the worktop and the upper cupboards. */
function splashback(s: SceneBuilder, wall: Wall, [from, to]: Stretch): void {
  const { random } = s
  if (!random.chance(0.7) || wall.holes.some(([a, b]) => a < to && b > from)) return
  const base = hsv(random.uniform(0.05, 0.6), random.uniform(0, 0.25), random.uniform(0.35, 0.95))
  const size = random.uniform(0.06, 0.2)
  const tiles = s.add(
    material(random, {
      pattern: Pattern.tiles,
      base,
      second: scaled(base, random.uniform(0.6, 1.2)),
      third: hsv(0.1, 0.05, random.uniform(0.3, 0.9)),
      scale: size * random.pick([1, 1, 2]),
      scale2: size,
      gloss: random.uniform(0.3, 0.9),
      mirror: random.uniform(0.02, 0.1),
    }),
  )
  s.sheet(wall.frame, [(from + to) / 2, 0.006, 1.15], to - from, 0.6, tiles)
}

/** A board on the wall, full of small things. It needs a stretch of wall without a window. */
export function openShelf(s: SceneBuilder, wall: Wall, [from, to]: Stretch, bottom: number): void {
  const { random } = s
  const clear = (height: number) => !wall.taken.some(([a, b, low]) => a < to && b > from && low < height)
  const boards = random.integer(1, 3)
  const [w, d] = [to - from, random.uniform(0.16, 0.28)]
  if (w < 0.4 || !clear(bottom + 0.35 * boards)) return
  wall.taken.push([from, to, bottom])
  const board = random.pick([s.style.wood, s.style.white, s.style.wood2])
  for (let k = 0; k < boards; k++) {
    const z = bottom + 0.33 * k
    s.box(wall.frame, [(from + to) / 2, d / 2, z], [w, d, 0.022], board)
    for (let x = from + 0.08; x < to - 0.06; ) {
      const r = random.uniform(0.04, 0.09)
      if (random.chance(0.8)) {
        const f = wall.frame.at(x, d / 2, z + 0.012, random.uniform(-0.5, 0.5))
        smallThing(s, f, r, 0.28)
        s.detail(f)
      }
      x += 2 * r + random.uniform(0.02, 0.14)
    }
  }
}

/** The fittings of a bathroom, each with its back to one of the walls, and a mirror over the washbasin. */
export function bathroomFittings(s: SceneBuilder, walls: readonly Wall[], pool: readonly Piece[], stand: Stand): void {
  const { random } = s
  for (const kind of [BATH, BASIN, TOILET]) {
    const pieces = pool.filter(({ name }) => kind.test(name))
    if (pieces.length === 0 || !random.chance(0.9)) continue
    const piece = random.pick(pieces)
    for (let attempt = 0; attempt < 8; attempt++) {
      const wall = random.pick(walls)
      if (wall.length < piece.width + 0.1) continue
      const x = random.chance(0.5) ? 0.02 : random.uniform(0.02, wall.length - piece.width - 0.02)
      if (!stand(wall, x, piece)) continue
      const stretch: Stretch = [x, x + piece.width]
      if (kind === BASIN) mirrorOver(s, wall, stretch)
      else if (random.chance(0.3)) openShelf(s, wall, stretch, random.uniform(1.2, 1.5))
      break
    }
  }
}

/** Its depth is that of the glass. */
function mirrorOver(s: SceneBuilder, wall: Wall, [from, to]: Stretch): void {
  const { random } = s
  const bottom = random.uniform(1, 1.2)
  if (!random.chance(0.85) || wall.taken.some(([a, b, low]) => a < to && b > from && low < 1.9)) return
  wall.taken.push([from, to, bottom])
  const [w, h] = [Math.min(to - from, 1.4) * random.uniform(0.6, 1), random.uniform(0.5, 0.85)]
  const glass = s.add(material(random, { base: [0.7, 0.72, 0.72], mirror: 0.9 }))
  const x = (from + to) / 2
  if (random.chance(0.5)) {
    s.box(
      wall.frame,
      [x, 0.01, bottom + h / 2],
      [w + 0.07, 0.02, h + 0.07],
      random.pick([s.style.wood, s.style.metal, s.style.dark]),
    )
    s.sheet(wall.frame, [x, 0.022, bottom + h / 2], w, h, glass)
  } else s.sheet(wall.frame, [x, 0.015, bottom + h / 2], w, h, glass)
}
