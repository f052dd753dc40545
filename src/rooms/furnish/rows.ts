/** Rows of an office or a hall: desks back to back with screens and chairs, and tables joined to a long one. */
import type { SceneBuilder } from '../builder.ts'
import { isTable, type Roles } from '../catalogue/roles.ts'
import type { Piece } from '../catalogue/sh3f.ts'
import type { Rect } from '../plan/floor-plan.ts'
import { Pose } from '../solids/primitives.ts'
import { isWorkHeight, type Spot, screenSpots, workplace } from './workplace.ts'

/** Puts pieces into one room. */
export interface Placer {
  readonly s: SceneBuilder
  readonly roles: Roles
  readonly room: Rect
  /** Puts a piece down, its back edge at `f`, if there is room for it. `spots`: circles on its top that are taken. */
  take(f: Pose, piece: Piece, spots?: readonly Spot[]): boolean
  /** Takes ground for something else, its back edge at `f`; false where there is no room. */
  claim(f: Pose, width: number, depth: number): boolean
  /** A seat that may stand under the table in front of it. */
  seat(f: Pose, piece: Piece): void
}

/** A grid over the room, its x along the longer side: where rows may run. */
export function along({ x0, x1, y0, y1 }: Rect): {
  readonly corner: Pose
  readonly long: number
  readonly deep: number
} {
  const [w, d] = [x1 - x0, y1 - y0]
  return w >= d
    ? { corner: new Pose(x0, y0, 0, 0), long: w, deep: d }
    : { corner: new Pose(x1, y0, 0, Math.PI / 2), long: d, deep: w }
}

/** Rows of double desks with a passage between them. Nothing where the catalogue has no desk. */
export function deskRows({ s, roles, room, take, seat }: Placer): void {
  const { random } = s
  const desks = roles.tables.office.filter(({ width, depth, top }) => isWorkHeight(top) && width < 2 && depth < 1)
  const pool = desks.length > 0 ? desks : [...roles.tables.office, ...roles.tables.living].filter(isTable)
  const seats = roles.seats.office.length > 0 ? roles.seats.office : roles.seats.living
  if (pool.length === 0 || seats.length === 0) return
  const [desk, chair] = [random.pick(pool), random.pick(seats)]
  const { corner, long, deep } = along(room)
  const aisle = random.uniform(0.8, 1.3)
  const pitch = 2 * (desk.depth + 0.65) + aisle
  const gap = random.chance(0.7) ? 0.02 : random.uniform(0.02, 0.3)
  const from = random.uniform(0.6, 1.4)
  const until = long - random.uniform(0.5, 1.6)
  const partition = random.chance(0.5) ? random.uniform(1.1, 1.5) : 0
  const cloth = partition > 0 ? s.anyFabric() : 0
  const busy = random.uniform(0.6, 1)
  for (let y = desk.depth + random.uniform(0.9, 1.3); y + desk.depth + 0.5 < deep; y += pitch) {
    let end = from
    for (let x = from + desk.width / 2; x + desk.width / 2 < until; x += desk.width + gap)
      for (const side of [0, Math.PI]) {
        if (!random.chance(0.94)) continue
        const f = corner.at(x, y, 0, side).at(0, 0.02, 0)
        const screens = random.chance(busy) ? random.pick([1, 1, 2]) : 0
        const spots = screenSpots(desk, screens)
        if (!take(f, desk, spots)) continue
        workplace(s, f, desk, spots)
        if (random.chance(0.92)) seat(chairAt(s, f, desk, chair, 0), chair)
        end = Math.max(end, x + desk.width / 2)
      }
    if (partition > 0 && end > from)
      s.box(corner.at((from + end) / 2, y, 0), [0, 0, partition / 2 + 0.2], [end - from, 0.03, partition - 0.4], cloth)
  }
}

/** Two to four equal tables end to end, with chairs on both sides. */
export function longTable({ s, roles, room, take, seat }: Placer): void {
  const { random } = s
  const fits = ({ width, depth, top }: Piece) => isWorkHeight(top) && width > 1 && width < 2.4 && depth < 1.3
  const pool = [...roles.tables.living, ...roles.tables.office].filter(fits)
  const seats = roles.seats.living
  if (pool.length === 0 || seats.length === 0) return
  const [table, chair] = [random.pick(pool), random.pick(seats)]
  const { corner, long, deep } = along(room)
  const most = Math.floor((long - 2.2) / table.width)
  const n = Math.min(random.integer(1, 5), most)
  const y = random.uniform(0.4, 0.6) * deep - table.depth / 2
  let x = random.uniform(1, Math.max(long - 1 - n * table.width, 1.01)) + table.width / 2
  for (let i = 0; i < n; i++, x += table.width + 0.005) {
    const f = corner.at(x, y, 0)
    if (!take(f, table)) continue
    const opposite = f.at(0, table.depth, 0, Math.PI)
    const places = table.width > 1.25 ? [-0.25, 0.25] : [0]
    for (const side of [f, opposite])
      for (const place of places)
        if (random.chance(0.88)) seat(chairAt(s, side, table, chair, place * table.width), chair)
  }
}

/** A chair in front of a table whose back edge is at `f`, turned to it, pushed in or pulled out. */
export function chairAt({ random }: SceneBuilder, f: Pose, table: Piece, chair: Piece, x: number): Pose {
  const out = table.depth + random.uniform(-0.25, 0.2) + chair.depth
  return f.at(x + random.normal(0, 0.04), out, 0, Math.PI + random.normal(0, 0.15))
}
