/**
 * Outlines of homes and offices, before their walls stand: which rooms there are, and the passages between them. Four layouts,
 * mixed by the shares below, give views of up to twelve metres: along corridors, through doorways, across open plans.
 */
import type { Random } from '../../support/random.ts'
import { type HomeRoom, ROOMS } from '../catalogue/roles.ts'
import type { Rect } from './floor-plan.ts'

export interface Part {
  readonly kind: HomeRoom
  readonly rect: Rect
  /** `hall`: a corridor, nearly empty. `desks`: rows of desks. `dining`: a room with a long table. */
  readonly use: 'room' | 'hall' | 'desks' | 'dining'
  /** Whether there is no wall between it and the main room. */
  readonly open: boolean
}

/** An opening in a wall, as deep as the wall. */
export interface Passage {
  readonly rect: Rect
  /** Whether the passage leads along x. */
  readonly alongX: boolean
  readonly top: number
}

export interface Outline {
  /** The main room first, its corner at the origin. */
  readonly parts: Part[]
  readonly passages: Passage[]
}

/** What all rooms of a home share. */
interface Building {
  readonly height: number
  /** Of inner walls. */
  readonly thick: number
}

interface Layout {
  /** Percentage of homes. */
  readonly share: number
  draw(random: Random, building: Building): Outline
}

export const LAYOUTS = {
  flat: { share: 62, draw: drawFlat },
  corridor: { share: 11, draw: drawCorridor },
  openPlan: { share: 13, draw: drawOpenPlan },
  workplace: { share: 14, draw: drawWorkplace },
} satisfies Record<string, Layout>

export function drawOutline(random: Random, building: Building): Outline {
  let left = random.uniform(0, 100)
  for (const { share, draw } of Object.values(LAYOUTS)) {
    left -= share
    if (left < 0) return draw(random, building)
  }
  return drawFlat(random, building)
}

/** Least and greatest side of the main room, metres. */
const SIDES: Readonly<Record<HomeRoom, readonly [number, number]>> = {
  living: [3, 8],
  office: [2.4, 8],
  bedroom: [2.6, 5.2],
  kitchen: [2.2, 5],
  bathroom: [1.7, 3.6],
}

/** A room with up to two more behind doorways or wide openings. */
function drawFlat(random: Random, building: Building): Outline {
  const kind = random.pick([
    ...(['living', 'living', 'living', 'office'] as const),
    ...(['bedroom', 'bedroom', 'bedroom', 'kitchen', 'kitchen', 'kitchen', 'bathroom', 'bathroom'] as const),
  ])
  const [least, most] = SIDES[kind]
  const outline = mainRoom(kind, 'room', random.uniform(least, most), random.uniform(least, most))
  addNeighbours(random, building, outline, random.pick([0, 1, 1, 1, 2, 2]))
  return outline
}

/** A corridor with open doors on both sides, and often a room at its end. */
function drawCorridor(random: Random, building: Building): Outline {
  const long = random.uniform(5, 13)
  const wide = random.chance(0.7) ? random.uniform(1.1, 2) : random.uniform(2, 3.2)
  const kind = random.pick(['living', 'office'] as const)
  const outline = mainRoom(kind, 'hall', long, wide)
  if (random.chance(0.5)) {
    const across = random.uniform(2.5, 6)
    addNeighbour(building, outline, {
      kind: random.pick(ROOMS),
      alongX: true,
      far: true,
      start: random.uniform(wide - across, 0),
      across,
      deep: random.uniform(2.5, 6),
      door: random.pick([0.85, 0.9, wide]),
      ...doorDraws(random, building),
    })
  }
  for (const far of [false, true])
    for (let x = random.uniform(-1, 1.5); x < long - 1.2 && outline.parts.length < 6; ) {
      const across = random.uniform(2.2, 5)
      if (random.chance(0.65))
        addNeighbour(building, outline, {
          kind: random.pick(kind === 'office' ? (['office', 'office', 'kitchen'] as const) : ROOMS),
          alongX: false,
          far,
          start: x,
          across,
          deep: random.uniform(2.2, 5),
          door: random.pick([0.8, 0.85, 0.9, 1.4]),
          ...doorDraws(random, building),
        })
      x += across + building.thick
    }
  return outline
}

/** A living room and a kitchen without a wall between them, up to twelve metres long. */
function drawOpenPlan(random: Random, building: Building): Outline {
  const deep = random.uniform(3.4, 6.5)
  const long = random.uniform(4, 8.5)
  const outline = mainRoom('living', random.chance(0.5) ? 'dining' : 'room', long, deep)
  const kitchen = random.uniform(2.2, 4)
  const [x0, x1] = random.chance(0.5) ? [-kitchen, 0] : [long, long + kitchen]
  outline.parts.push({ kind: 'kitchen', use: 'room', open: true, rect: { x0, x1, y0: 0, y1: deep } })
  addNeighbours(random, building, outline, random.pick([0, 1, 1, 2]))
  return outline
}

/** An office with rows of desks, a large kitchen of an office, or a hall with a long table. */
function drawWorkplace(random: Random, building: Building): Outline {
  const use = random.pick(['desks', 'desks', 'desks', 'dining'] as const)
  const kind = use === 'dining' ? random.pick(['living', 'kitchen'] as const) : 'office'
  const outline = mainRoom(kind, use, random.uniform(5.5, 12.5), random.uniform(4.2, 8))
  addNeighbours(random, building, outline, random.pick([0, 1, 1, 2]))
  return outline
}

function mainRoom(kind: HomeRoom, use: Part['use'], x1: number, y1: number): Outline {
  return { parts: [{ kind, use, open: false, rect: { x0: 0, y0: 0, x1, y1 } }], passages: [] }
}

/** Up to `wanted` rooms at random places round the main one. */
function addNeighbours(random: Random, building: Building, outline: Outline, wanted: number): void {
  const { x1: w, y1: d } = outline.parts[0].rect
  for (let attempt = 0, added = 0; attempt < 6 && added < wanted; attempt++) {
    const alongX = random.chance(0.5)
    const side = alongX ? d : w
    const across = random.uniform(1.4, 5)
    const there = addNeighbour(building, outline, {
      kind: random.pick(ROOMS),
      alongX,
      far: random.chance(0.5),
      start: Math.max(Math.min(random.uniform(0, side) - across / 2, side - 1.2), 1.2 - across),
      across,
      deep: random.uniform(2, 6.5),
      door: random.pick([0.8, 0.85, 0.9, 1.2, 1.8, 3]),
      ...doorDraws(random, building),
    })
    if (there) added++
  }
}

interface Neighbour {
  readonly kind: HomeRoom
  /** Whether it lies beside the main room along x, and whether beyond that side or before it. */
  readonly alongX: boolean
  readonly far: boolean
  /** Where it begins along the side, how long it is there, and how deep away from it, metres. */
  readonly start: number
  readonly across: number
  readonly deep: number
  /** Width of the doorway, and its place: 0 at the beginning, 1 at the end of the stretch of wall that both share. */
  readonly door: number
  readonly place: number
  /** Height of a door, and of a wider opening, metres. */
  readonly doorTop: number
  readonly openingTop: number
}

function doorDraws(random: Random, { height }: Building): Pick<Neighbour, 'place' | 'doorTop' | 'openingTop'> {
  return {
    place: random.uniform(),
    doorTop: Math.min(random.pick([2, 2.05, 2.1, height]), height),
    openingTop: Math.min(random.pick([2.1, 2.25, height]), height),
  }
}

/** Adds a room and its doorway; false where there is no wall wide enough, or another room. */
function addNeighbour(
  { thick }: Building,
  { parts, passages }: Outline,
  { kind, alongX, far, start, across, deep, door, place, doorTop, openingTop }: Neighbour,
): boolean {
  const { x1: w, y1: d } = parts[0].rect
  const lo = Math.max(0, start) + 0.1
  const hi = Math.min(alongX ? d : w, start + across) - 0.1
  const width = Math.min(hi - lo, door)
  if (width < 0.7) return false
  const from = lo + place * (hi - lo - width)
  const wall = alongX ? w : d
  const [near, end] = far ? [wall + thick, wall + thick + deep] : [-thick - deep, -thick]
  const [gap0, gap1] = far ? [wall, wall + thick] : [-thick, 0]
  const rect = alongX
    ? { x0: near, x1: end, y0: start, y1: start + across }
    : { x0: start, x1: start + across, y0: near, y1: end }
  if (parts.slice(1).some((part) => overlap(part.rect, rect, thick))) return false
  const gap = alongX
    ? { x0: gap0, x1: gap1, y0: from, y1: from + width }
    : { x0: from, x1: from + width, y0: gap0, y1: gap1 }
  parts.push({ kind, use: 'room', open: false, rect })
  passages.push({ rect: gap, alongX, top: width < 1 ? doorTop : openingTop })
  return true
}

/** With a margin of less than `gap`, so that neighbours may share a wall. */
function overlap(a: Rect, b: Rect, gap: number): boolean {
  const margin = gap - 1e-6
  return a.x0 < b.x1 + margin && b.x0 < a.x1 + margin && a.y0 < b.y1 + margin && b.y0 < a.y1 + margin
}
