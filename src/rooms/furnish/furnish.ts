/** Chooses furniture for each kind of room and places it: along the walls first, then on free floor. */
import type { SceneBuilder } from '../builder.ts'
import type { FloorPlan } from '../plan/floor-plan.ts'
import type { Kind } from '../plan/kinds.ts'
import { Pose } from '../solids/primitives.ts'
import { backdrop, rug } from './hangings.ts'
import { lamp } from './lamp.ts'
import { person } from './person.ts'
import { plant } from './plant.ts'
import { bed, chair, desk, sofa, stool, table, throwOver } from './seats.ts'
import { smallThing } from './small-things.ts'
import { bathtub, boxStack, cupboard, kitchenRun, shelf, toilet, tvStand, washstand } from './storage.ts'
import { toy } from './toy.ts'

type Piece = { w: number; d: number; build: (f: Pose) => void }

/** The pieces that a room of this kind may have, in the order in which they are tried. */
function pieces(s: SceneBuilder, kind: Kind): Piece[] {
  const { random } = s
  const u = (lo: number, hi: number) => random.uniform(lo, hi)
  const sized = (w: number, d: number, build: (f: Pose) => void): Piece => ({ w, d, build })
  const make = {
    sofa: () => {
      const w = u(0.9, 2.3)
      const d = u(0.8, 1)
      return sized(w, d, (f) => sofa(s, f, w, d))
    },
    table: () => {
      const w = u(0.7, 1.8)
      const d = u(0.6, 0.95)
      const h = u(0.7, 0.78)
      return sized(w, d + 0.5, (f) => {
        table(s, f.at(0, 0.25, 0), w, d, h)
        for (let i = random.integer(0, 4); i > 0; i--) {
          const front = random.chance(0.5)
          chair(s, f.at(u(-0.35, 0.35) * w, front ? d + 0.5 : 0, 0, (front ? Math.PI : 0) + u(-0.4, 0.4)))
        }
      })
    },
    coffee: () => {
      const w = u(0.5, 1.2)
      const d = u(0.4, 0.7)
      const h = u(0.35, 0.5)
      return sized(w, d, (f) => table(s, f, w, d, h))
    },
    desk: () => {
      const w = u(0.9, 1.8)
      const d = u(0.55, 0.8)
      return sized(w, d + 0.6, (f) => {
        desk(s, f, w, d)
        if (random.chance(0.8)) chair(s, f.at(u(-0.2, 0.2), d + 0.5, 0, Math.PI + u(-0.7, 0.7)))
      })
    },
    bed: () => {
      const w = random.chance(0.4) ? u(0.85, 1.1) : u(1.4, 1.9)
      const d = u(1.9, 2.1)
      return sized(w, d, (f) => bed(s, f, w, d))
    },
    shelf: () => {
      const w = u(0.4, 1.6)
      const d = u(0.22, 0.4)
      const h = random.chance(0.3) ? u(0.6, 1.2) : u(1.4, 2.2)
      return sized(w, d, (f) => shelf(s, f, w, d, h))
    },
    wardrobe: () => {
      const w = u(0.6, 1.8)
      const d = u(0.45, 0.62)
      const h = u(1.6, 2.25)
      return sized(w, d, (f) => cupboard(s, f, w, d, h))
    },
    chest: () => {
      const w = u(0.4, 1.5)
      const d = u(0.35, 0.5)
      const h = u(0.45, 1.15)
      return sized(w, d, (f) => cupboard(s, f, w, d, h))
    },
    tv: () => {
      const w = u(0.9, 1.8)
      const d = u(0.35, 0.5)
      return sized(w, d, (f) => tvStand(s, f, w, d))
    },
    kitchen: () => {
      const w = u(1.2, 3.2)
      return sized(w, 0.62, (f) => kitchenRun(s, f, w, 0.62))
    },
    chair: () => sized(0.5, 0.55, (f) => chair(s, f)),
    stool: () => sized(0.4, 0.4, (f) => stool(s, f)),
    boxes: () => sized(0.6, 0.6, (f) => boxStack(s, f)),
    plant: () => {
      const h = u(0.5, 1.6)
      return sized(0.45, 0.45, (f) => plant(s, f, h))
    },
    lamp: () => sized(0.4, 0.4, (f) => lamp(s, f, u(1.2, 1.8), random.chance(0.6))),
    standing: () => sized(0.55, 0.45, (f) => person(s, f, false)),
    seated: () =>
      sized(0.6, 0.9, (f) => {
        stool(s, f)
        person(s, f, true)
      }),
    heap: () => sized(0.7, 0.6, (f) => throwOver(s, f.at(0, 0.3, 0))),
    toy: () => sized(0.35, 0.35, (f) => toy(s, f.at(0, 0.17, 0))),
    ball: () => sized(0.5, 0.5, (f) => s.ball(f, [0, 0.25, 0.2], [0.2, 0.2, 0.2], s.anyPaint())),
    bin: () =>
      sized(0.35, 0.35, (f) => s.post(f, [0, 0.17, 0], u(0.1, 0.15), u(0.25, 0.6), s.anyPaint(), { taper: 1.25 })),
    wash: () => {
      const w = u(0.5, 1.3)
      return sized(w, 0.5, (f) => washstand(s, f, w))
    },
    toilet: () => sized(0.45, 0.7, (f) => toilet(s, f)),
    bath: () => sized(1.6, 0.76, (f) => bathtub(s, f, 1.6)),
    fridge: () => {
      const w = u(0.55, 0.75)
      const h = u(0.85, 1.9)
      return sized(w, 0.62, (f) => cupboard(s, f, w, 0.62, h))
    },
  }
  const lists: Record<Kind, (keyof typeof make)[]> = {
    living: ['sofa', 'tv', 'coffee', 'sofa', 'shelf', 'table', 'plant', 'lamp', 'chest', 'chair', 'shelf'],
    bedroom: ['bed', 'wardrobe', 'chest', 'chest', 'desk', 'lamp', 'chair', 'shelf', 'heap'],
    kitchen: ['kitchen', 'kitchen', 'fridge', 'table', 'chair', 'shelf', 'stool', 'bin'],
    office: ['desk', 'desk', 'desk', 'shelf', 'wardrobe', 'table', 'chair', 'plant', 'boxes', 'chest', 'desk'],
    corridor: ['chest', 'shelf', 'plant', 'boxes', 'chair', 'wardrobe', 'bin'],
    bathroom: ['wash', 'toilet', 'bath', 'chest', 'bin', 'stool'],
    studio: ['standing', 'seated', 'table', 'boxes', 'heap', 'chair', 'plant', 'toy', 'stool', 'toy'],
    store: ['shelf', 'boxes', 'boxes', 'wardrobe', 'shelf', 'boxes', 'chest', 'heap', 'ball'],
  }
  const share = random.uniform(0.55, 1)
  const list = lists[kind].filter(() => random.chance(share))
  const extras = [
    'standing',
    'seated',
    'boxes',
    'ball',
    'toy',
    'heap',
    'plant',
    'stool',
    'bin',
    'lamp',
    'chair',
  ] as const
  for (let i = random.integer(1, 8); i > 0; i--) list.push(random.pick(extras))
  return list.map((name) => make[name]())
}

/** Places the pieces that fit, a rug and some litter. */
export function furnish(s: SceneBuilder, plan: FloorPlan, height: number, kind: Kind): void {
  const { random } = s
  const e = plan.extent()
  if (kind === 'studio' && random.chance(0.75)) backdrop(s, plan, height)
  if (random.chance(0.35)) rug(s, plan)
  for (const piece of pieces(s, kind)) {
    for (let attempt = 0; attempt < 12; attempt++) {
      const loose = piece.w < 1.9 && attempt > 3 && random.chance(0.4)
      let f: Pose
      if (loose) f = new Pose(random.uniform(e.x0, e.x1), random.uniform(e.y0, e.y1), 0, random.uniform(0, 6.2832))
      else {
        const wall = random.pick(plan.walls)
        if (wall.length < piece.w + 0.05) continue
        const gap = random.chance(0.7) ? 0.02 : random.uniform(0.02, 0.25)
        f = wall.frame.at(random.uniform(piece.w / 2 + 0.02, wall.length - piece.w / 2 - 0.02), gap, 0)
      }
      const a = f.at(-piece.w / 2, 0, 0)
      const corners = [a, f.at(piece.w / 2, 0, 0), f.at(-piece.w / 2, piece.d, 0), f.at(piece.w / 2, piece.d, 0)]
      const ground = {
        x0: Math.min(...corners.map((c) => c.x)),
        x1: Math.max(...corners.map((c) => c.x)),
        y0: Math.min(...corners.map((c) => c.y)),
        y1: Math.max(...corners.map((c) => c.y)),
      }
      if (!plan.free(ground)) continue
      plan.occupied.push(ground)
      piece.build(f)
      break
    }
  }
  // A little litter on the floor.
  for (let i = random.integer(0, 4); i > 0; i--) {
    const x = random.uniform(e.x0, e.x1)
    const y = random.uniform(e.y0, e.y1)
    if (plan.free({ x0: x - 0.12, x1: x + 0.12, y0: y - 0.12, y1: y + 0.12 }))
      smallThing(s, new Pose(x, y, 0.002, random.uniform(0, 6.28)), 0.12, 0.6)
  }
}
