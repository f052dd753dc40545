/**
 * Pieces of a catalogue put into the rooms of a home: backs to walls, chairs at tables, things on things and on the floor,
 * some of the builders' own furniture (open shelves, cartons) among them.
 */
import type { SceneBuilder, Support } from '../builder.ts'
import { type HomeRoom, isSeat, isSoft, isTable, type Roles } from '../catalogue/roles.ts'
import type { Piece } from '../catalogue/sh3f.ts'
import type { Rect, Wall } from '../plan/floor-plan.ts'
import { type Home, type Part, partOf } from '../plan/home.ts'
import { Pose, type Vector } from '../solids/primitives.ts'
import { rug } from './hangings.ts'
import { plant } from './plant.ts'
import { chairAt, deskRows, longTable, type Placer } from './rows.ts'
import { cushion, throwOver } from './seats.ts'
import { smallThing } from './small-things.ts'
import { boxStack, shelf } from './storage.ts'
import { bathroomFittings, kitchenIsland, kitchenLine, openShelf } from './wet-rooms.ts'
import { isDesk, type Spot, screenSpots, workplace } from './workplace.ts'

/** A level surface that things may be put on, and how it is used. */
interface Top extends Support {
  readonly soft: boolean
  /** Circles of the surface that are taken. */
  readonly spots: readonly Spot[]
}

/** How often the next piece at a wall is a desk that somebody works at. */
const WORKS_AT: Readonly<Record<HomeRoom, number>> = {
  living: 0.06,
  office: 0.25,
  bedroom: 0.06,
  kitchen: 0,
  bathroom: 0,
}

class Furnisher {
  private readonly s: SceneBuilder
  private readonly home: Home
  private readonly roles: Roles
  private readonly part: Part
  private readonly walls: readonly Wall[]
  /** 1 for a room that is lived in; less for emptier rooms. */
  private readonly fill: number
  private readonly tops: Top[] = []
  private readonly desks: readonly Piece[]

  constructor(s: SceneBuilder, home: Home, roles: Roles, part: Part, fill: number) {
    this.s = s
    this.home = home
    this.roles = roles
    this.part = part
    this.walls = home.plan.walls.filter((wall) => partOf(home, wall) === part)
    this.fill = fill
    this.desks = roles.tables.office.filter(isDesk)
  }

  run(): void {
    const { s, part } = this
    if (s.random.chance(0.3) && part.kind !== 'kitchen' && part === this.home.parts[0]) rug(s, this.home.plan)
    if (part.use === 'dining') longTable(this.placer())
    if (part.kind === 'kitchen') this.kitchen()
    if (part.kind === 'bathroom') bathroomFittings(s, this.walls, this.roles.atWall.bathroom, this.standAt)
    for (const wall of this.walls) this.alongWall(wall)
    if (part.use === 'desks') deskRows(this.placer())
    else if (part.use !== 'hall') this.inTheMiddle()
    this.onWalls()
    // The surfaces of built-in shelves are in `s.supports`.
    const own = s.supports.splice(0).map((support) => ({ ...support, soft: false, spots: [] }))
    const clutter = s.random.pick(part.kind === 'kitchen' ? [1.5, 3, 4, 6] : [0.5, 1, 2, 2, 4])
    for (const top of this.tops) this.fillTop(top, clutter)
    for (const top of own) this.fillTop(top, 3)
    this.onTheFloor()
    this.someone()
  }

  private placer(): Placer {
    const { s, roles } = this
    return {
      s,
      roles,
      room: this.part.rect,
      take: (f, piece, spots) => this.take(f, piece, spots),
      claim: (f, width, depth) => this.takeGround(groundOf(f, width, depth)),
      seat: (f, piece) => {
        const ground = groundOf(f, piece.width, piece.depth)
        if (!within(ground, this.part.rect)) return
        this.home.plan.occupied.push(ground)
        s.piece(f, piece)
      },
    }
  }

  private readonly standAt = (wall: Wall, x: number, piece: Piece): boolean =>
    !this.coversOpening(wall, x, piece.width, piece.height) &&
    this.take(wall.frame.at(x + piece.width / 2, 0.016, 0), piece)

  /** Cupboards along one wall or two, longest first. */
  private kitchen(): void {
    const { s } = this
    const { random } = s
    const walls = this.walls.toSorted((a, b) => b.length - a.length).slice(0, random.pick([1, 2, 2]))
    for (const wall of walls) {
      const stretch = kitchenLine(s, wall, this.roles.atWall.kitchen, this.standAt)
      if (stretch !== null && random.chance(0.35)) openShelf(s, wall, stretch, random.uniform(1.4, 1.6))
    }
    if (random.chance(0.45)) kitchenIsland(this.placer())
  }

  /** Fills a wall from one end to the other, in kitchens without gaps. */
  private alongWall(wall: Wall): void {
    const { s, part, fill } = this
    const { random } = s
    const close = part.kind === 'kitchen' ? 0.85 : part.kind === 'bathroom' ? 0.3 : 0.35
    let x = random.chance(0.6) ? 0.02 : random.uniform(0.02, 1.2)
    while (x < wall.length - 0.3) {
      if (random.chance(1 - 0.8 * fill)) {
        x += random.uniform(0.2, 1.2)
        continue
      }
      if (random.chance(0.12)) {
        x += this.ownPiece(wall, x)
        continue
      }
      const pool = this.desks.length > 0 && random.chance(WORKS_AT[part.kind]) ? this.desks : this.wallPieces()
      if (pool.length === 0) return
      const piece = random.pick(pool)
      const spots = isDesk(piece) && random.chance(0.75) ? screenSpots(piece, random.pick([1, 1, 1, 2])) : []
      const gap = random.chance(0.7) ? 0.016 : random.uniform(0.016, 0.15)
      const f = wall.frame.at(x + piece.width / 2, gap, 0)
      if (
        x + piece.width < wall.length - 0.01 &&
        !this.coversOpening(wall, x, piece.width, piece.height) &&
        this.take(f, piece, spots)
      ) {
        if (spots.length > 0) this.workAt(f, piece, spots)
        x += piece.width + (random.chance(close) ? 0.004 : random.uniform(0.02, 0.7))
      } else x += random.uniform(0.1, 0.4)
    }
  }

  private wallPieces(): readonly Piece[] {
    const { s, part, roles } = this
    const own = roles.atWall[part.kind]
    return own.length > 0 && s.random.chance(0.9) ? own : roles.onFloor.any
  }

  /** Screens on a desk at the wall, and a chair before it. */
  private workAt(f: Pose, desk: Piece, spots: readonly Spot[]): void {
    const { s, roles } = this
    workplace(s, f, desk, spots)
    const seats = roles.seats.office.length > 0 ? roles.seats.office : roles.seats.living
    if (seats.length === 0 || s.random.chance(0.15)) return
    const chair = s.random.pick(seats)
    this.seatAt(chairAt(s, f, desk, chair, spots[0].x), chair, groundOf(f, desk.width, desk.depth))
  }

  /** A seat at a table that covers `own`, unless it would stand in something else. */
  private seatAt(at: Pose, seat: Piece, own: Rect): void {
    const { plan } = this.home
    const ground = groundOf(at, seat.width, seat.depth)
    if (!within(ground, this.part.rect)) return
    const same = (o: Rect) => Math.abs(o.x0 - own.x0) < 1e-6 && Math.abs(o.y0 - own.y0) < 1e-6
    if (plan.occupied.some((o) => overlaps(o, ground) && !same(o))) return
    plan.occupied.push(ground)
    this.s.piece(at, seat)
  }

  /** A shelf or a pile of cartons at `x` of the wall. Returns the x of its far end. */
  private ownPiece(wall: Wall, x: number): number {
    const { s } = this
    const { random } = s
    const w = random.uniform(0.5, 1.4)
    const [d, h] = [random.uniform(0.22, 0.4), random.chance(0.3) ? random.uniform(0.6, 1.2) : random.uniform(1.4, 2.2)]
    const f = wall.frame.at(x + w / 2, 0.016, 0)
    if (x + w > wall.length || this.coversOpening(wall, x, w, h)) return random.uniform(0.1, 0.4)
    if (!this.takeGround(groundOf(f, w, d))) return random.uniform(0.1, 0.4)
    if (random.chance(0.75)) shelf(s, f, w, d, h)
    else boxStack(s, f)
    return w + random.uniform(0, 0.5)
  }

  private coversOpening(wall: Wall, x: number, width: number, height: number): boolean {
    return wall.taken.some(([a, b, low]) => a < x + width && b > x && low < height - 0.05)
  }

  /** Puts a piece down if there is room for it. */
  private take(f: Pose, piece: Piece, spots: readonly Spot[] = []): boolean {
    if (!this.takeGround(groundOf(f, piece.width, piece.depth))) return false
    this.put(f, piece, spots)
    return true
  }

  private takeGround(ground: Rect): boolean {
    const { plan } = this.home
    if (!within(ground, this.part.rect) || !plan.free(ground)) return false
    plan.occupied.push(ground)
    return true
  }

  private put(f: Pose, piece: Piece, spots: readonly Spot[]): void {
    const { s } = this
    // Screens stand at the height that the catalogue gives.
    const k = spots.length > 0 ? 1 : s.random.uniform(0.95, 1.06)
    const scale: Vector = [k, k, k]
    s.piece(f, piece, scale)
    const { top, width, depth } = piece
    if (top === null || top < 0.2 || top > 1.9 || isSeat(piece)) return
    const frame = f.at(0, depth / 2, top * k + 0.001)
    this.tops.push({
      frame,
      width: 0.92 * width,
      depth: 0.84 * depth,
      room: 0.62,
      density: 1,
      soft: isSoft(piece),
      spots,
    })
    if (isSoft(piece)) this.dress(f, piece, top * k)
  }

  /** Cushions and blankets. */
  private dress(f: Pose, { width, depth, name }: Piece, top: number): void {
    const { s } = this
    const { random } = s
    if (!/sofa|couch|bed|futon|armchair/.test(name) || top > 0.8) return
    for (let i = random.integer(0, Math.round(1 + 1.5 * width)); i > 0; i--)
      cushion(s, f, random.uniform(-0.4, 0.4) * width, random.uniform(0.25, 0.5) * Math.min(depth, 1), top + 0.02)
    if (random.chance(0.2)) throwOver(s, f.at(random.uniform(-0.2, 0.2) * width, 0.6 * depth, top - 0.02))
  }

  /** Tables with chairs, and other free-standing pieces. */
  private inTheMiddle(): void {
    const { s, roles, part, fill } = this
    const { random } = s
    const r = part.rect
    const area = (r.x1 - r.x0) * (r.y1 - r.y0)
    const tables = roles.tables[part.kind].length > 0 ? roles.tables[part.kind] : roles.tables.living
    const others = [...roles.onFloor[part.kind], ...roles.onFloor.any]
    const n = Math.floor((area / random.uniform(3, 9)) * fill) + random.integer(0, 3)
    for (let i = 0; i < n; i++) {
      const pool = random.chance(0.45) && part.kind !== 'bathroom' && tables.length > 0 ? tables : others
      if (pool.length === 0) return
      const piece = random.pick(pool)
      const yaw = (random.integer(0, 4) * Math.PI) / 2 + (random.chance(0.5) ? random.normal(0, 0.12) : 0)
      for (let attempt = 0; attempt < 10; attempt++) {
        const at = new Pose(random.uniform(r.x0, r.x1), random.uniform(r.y0, r.y1), 0, yaw)
        const f = at.at(0, -piece.depth / 2, 0)
        if (!this.take(f, piece)) continue
        if (isTable(piece) && (piece.top ?? piece.height) > 0.6) this.chairsAt(f, piece)
        break
      }
    }
  }

  /** Chairs on one to four sides of a table whose back edge is at `f`, pushed in or pulled out. */
  private chairsAt(f: Pose, table: Piece): void {
    const { s, roles, part } = this
    const { random } = s
    const pool = roles.seats[part.kind].length > 0 ? roles.seats[part.kind] : roles.seats.living
    if (pool.length === 0) return
    const seat = random.pick(pool)
    const middle = f.at(0, table.depth / 2, 0)
    for (let side = 0; side < 4; side++) {
      if (random.chance(0.35)) continue
      const across = side % 2 === 0 ? table.width : table.depth
      const reach = (side % 2 === 0 ? table.depth : table.width) / 2
      const places = across > 1.3 && random.chance(0.7) ? [-0.25, 0.25] : [random.uniform(-0.1, 0.1)]
      for (const place of places) {
        const out = reach + random.uniform(-0.2, 0.3)
        // The front (+y) of the chair faces the table.
        const at = middle.at(0, 0, 0, (side * Math.PI) / 2).at(place * across, out + seat.depth / 2, 0)
        const chair = new Pose(at.x, at.y, 0, at.yaw + Math.PI + random.normal(0, 0.2)).at(0, -seat.depth / 2, 0)
        this.seatAt(chair, seat, groundOf(f, table.width, table.depth))
      }
    }
  }

  /** Hanging things, at the height that the catalogue gives: cupboards over a kitchen's worktop, shelves, lamps. */
  private onWalls(): void {
    const { s, roles, part, home } = this
    const { random } = s
    const own = roles.hanging[part.kind]
    const pool = part.kind === 'kitchen' ? own : [...own, ...roles.hanging.any].filter((p) => p.elevation < 1.95)
    if (pool.length === 0) return
    for (const wall of this.walls) {
      for (let i = random.integer(0, part.kind === 'kitchen' ? 8 : 4); i > 0; i--) {
        const piece = random.pick(pool)
        if (wall.length < piece.width + 0.1 || piece.elevation + piece.height > home.height) continue
        const x = random.uniform(piece.width / 2 + 0.03, wall.length - piece.width / 2 - 0.03)
        const [from, to] = [x - piece.width / 2, x + piece.width / 2]
        if (wall.taken.some(([a, b]) => a < to && b > from)) continue
        wall.taken.push([from, to, piece.elevation])
        s.piece(wall.frame.at(x, 0.004, piece.elevation), piece)
      }
    }
  }

  private fillTop({ frame, width, depth, room, soft, density, ...top }: Top, clutter: number): void {
    const { s, roles, part } = this
    const { random } = s
    const [local, shared] = [roles.small[part.kind], roles.small.any]
    const area = width * depth
    const most = -Math.log(1 - 0.999 * random.uniform()) * clutter * (1 + 2.5 * area) * density * (soft ? 0.25 : 1)
    const spots = [...top.spots]
    for (let i = Math.min(Math.floor(most), 12); i > 0; i--) {
      const own = random.chance(0.2)
      const pool = local.length > 0 && (shared.length === 0 || random.chance(0.6)) ? local : shared
      const piece = own || pool.length === 0 ? null : random.pick(pool)
      if (piece !== null && piece.height > room) continue
      const r = piece === null ? random.uniform(0.04, 0.12) : Math.max(piece.width, piece.depth) / 2
      if (r > Math.min(width, depth) / 2 + 0.03) continue
      for (let attempt = 0; attempt < 6; attempt++) {
        const x = random.uniform(-0.5, 0.5) * Math.max(width - 1.2 * r, 0)
        const y = random.uniform(-0.5, 0.5) * Math.max(depth - 1.2 * r, 0)
        if (spots.some((p) => (p.x - x) ** 2 + (p.y - y) ** 2 < 0.8 * (p.r + r) ** 2)) continue
        spots.push({ x, y, r })
        const f = frame.at(x, y, 0, random.chance(0.5) ? 0 : random.uniform(0, 6.2832))
        s.detail(f)
        if (piece === null) smallThing(s, f, r, room)
        else s.piece(f.at(0, -piece.depth / 2, 0), piece)
        break
      }
    }
  }

  private onTheFloor(): void {
    const { s, roles, part, fill, home } = this
    const { random } = s
    const r = part.rect
    const pool = [...roles.small[part.kind], ...roles.small.any]
    const n = Math.floor(-Math.log(1 - 0.99 * random.uniform()) * 4 * fill)
    for (let i = 0; i < n; i++) {
      const at = new Pose(random.uniform(r.x0, r.x1), random.uniform(r.y0, r.y1), 0.001, random.uniform(0, 6.2832))
      const half = 0.18
      if (!home.plan.free({ x0: at.x - half, x1: at.x + half, y0: at.y - half, y1: at.y + half })) continue
      const kind = random.uniform()
      if (kind < 0.6 && pool.length > 0) {
        const piece = random.pick(pool)
        s.piece(at.at(0, -piece.depth / 2, 0), piece)
      } else if (kind < 0.75) plant(s, at.at(0, -0.2, 0), random.uniform(0.4, 1.5))
      else smallThing(s, at, 0.15, 0.8)
    }
  }

  private someone(): void {
    const { s, roles, part, fill } = this
    const { random } = s
    if (roles.people.length === 0 || !random.chance(0.22 * fill)) return
    const piece = random.pick(roles.people)
    const r = part.rect
    for (let attempt = 0; attempt < 10; attempt++) {
      const at = new Pose(random.uniform(r.x0, r.x1), random.uniform(r.y0, r.y1), 0, random.uniform(0, 6.2832))
      const f = at.at(0, -piece.depth / 2, 0)
      if (!this.takeGround(groundOf(f, piece.width, piece.depth))) continue
      s.piece(f, piece)
      // Listed twice, because photos often show people.
      s.sight(f, 0, piece.depth / 2, 0.8 * piece.height)
      return
    }
  }
}

/** Ground covered by what stands at `f` with its back edge at the origin. */
function groundOf(f: Pose, width: number, depth: number): Rect {
  const corners = [f.at(-width / 2, 0, 0), f.at(width / 2, 0, 0), f.at(-width / 2, depth, 0), f.at(width / 2, depth, 0)]
  return {
    x0: Math.min(...corners.map((c) => c.x)),
    x1: Math.max(...corners.map((c) => c.x)),
    y0: Math.min(...corners.map((c) => c.y)),
    y1: Math.max(...corners.map((c) => c.y)),
  }
}

function within(a: Rect, room: Rect): boolean {
  return a.x0 >= room.x0 && a.x1 <= room.x1 && a.y0 >= room.y0 && a.y1 <= room.y1
}

function overlaps(a: Rect, b: Rect): boolean {
  return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1
}

/** How full a room is, by its use. */
const FILL: Readonly<Record<Part['use'], number>> = { room: 1, dining: 0.8, desks: 0.7, hall: 0.3 }

/** Furnishes every room of the home, the main one most. */
export function furnishHome(s: SceneBuilder, home: Home, roles: Roles): void {
  // Some homes are nearly empty: somebody moves, or it is a hall.
  const main = s.random.chance(0.1) ? s.random.uniform(0.05, 0.35) : s.random.uniform(0.65, 1.2)
  for (const part of home.parts) {
    const share = part === home.parts[0] || part.open ? 1 : 0.7
    new Furnisher(s, home, roles, part, share * FILL[part.use] * main).run()
  }
  ceilingLamps(s, home, roles)
}

function ceilingLamps(s: SceneBuilder, home: Home, roles: Roles): void {
  const { random } = s
  if (roles.ceilingLamps.length === 0) return
  for (const { rect: r } of home.parts) {
    if (!random.chance(0.4)) continue
    const piece = random.pick(roles.ceilingLamps)
    const at = new Pose(
      (r.x0 + r.x1) / 2 + random.normal(0, 0.1),
      (r.y0 + r.y1) / 2 + random.normal(0, 0.1),
      home.height - piece.height,
      random.uniform(0, 6.2832),
    )
    s.piece(at.at(0, -piece.depth / 2, 0), piece)
  }
}
