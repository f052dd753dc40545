/** The small things that lie on tables, shelves and floors. Frames as in `seats.ts`. */
import type { SceneBuilder, Support } from '../builder.ts'
import { paper, picture } from '../materials/materials.ts'
import type { Pose } from '../solids/primitives.ts'
import { lamp } from './lamp.ts'
import { plant } from './plant.ts'
import { monitor, throwOver } from './seats.ts'
import { toy } from './toy.ts'

/** Scatters small things over a support. */
export function clutter(s: SceneBuilder, support: Support): void {
  const { random } = s
  const area = support.width * support.depth
  const n = Math.min(Math.round(random.uniform(0, 2) * support.density * area), 14)
  const placed: { x: number; y: number; r: number }[] = []
  for (let i = 0; i < n; i++) {
    const r = random.uniform(0.04, 0.14)
    const x = random.uniform(-0.5, 0.5) * Math.max(support.width - 2 * r, 0)
    const y = random.uniform(-0.5, 0.5) * Math.max(support.depth - 2 * r, 0)
    if (placed.some((p) => (p.x - x) ** 2 + (p.y - y) ** 2 < (p.r + r) ** 2)) continue
    placed.push({ x, y, r })
    smallThing(s, support.frame.at(x, y, 0.001, random.uniform(0, 6.2832)), r, support.room)
  }
}

/** Builds a thing that stands in a circle of `radius` metres and is at most `room` metres high; nothing if it would not fit. */
type Thing = (s: SceneBuilder, f: Pose, radius: number, room: number) => void

/** One thing that fits in a circle of radius `r`, at most `room` high. */
export function smallThing(s: SceneBuilder, f: Pose, r: number, room: number): void {
  s.random.pick(THINGS)(s, f, r, room)
}

/** A height between the two, limited by the room above. */
function tall(s: SceneBuilder, room: number, lo: number, hi: number): number {
  return Math.min(s.random.uniform(lo, hi), room * 0.9)
}

const mug: Thing = (s, f, _, room) => {
  const h = tall(s, room, 0.07, 0.12)
  const m = s.anyPaint()
  s.post(f, [0, 0, 0], 0.04, h, m, { taper: s.random.uniform(0.9, 1.25) })
  s.box(f, [0.05, 0, h / 2], [0.03, 0.01, h * 0.5], m)
}

const bottle: Thing = (s, f, _, room) => {
  const h = tall(s, room, 0.2, 0.34)
  const m = s.anyPaint()
  s.post(f, [0, 0, 0], 0.035, h * 0.65, m)
  s.post(f, [0, 0, h * 0.65], 0.035, h * 0.15, m, { taper: 0.4 })
  s.post(f, [0, 0, h * 0.8], 0.014, h * 0.2, s.random.chance(0.5) ? m : s.style.dark)
}

/** Books or magazines on each other. */
const pile: Thing = (s, f, r, room) => {
  const { random } = s
  let z = 0
  for (let i = random.integer(1, 5); i > 0 && z < room - 0.06; i--) {
    const h = random.uniform(0.01, 0.05)
    s.box(
      f,
      [0, 0, z + h / 2],
      [r * random.uniform(1.1, 1.7), r * random.uniform(0.9, 1.4), h],
      random.chance(0.5) ? s.anyPaint() : s.add(picture(random)),
      { yaw: random.uniform(-0.3, 0.3) },
    )
    z += h
  }
}

const sheetOfPaper: Thing = (s, f) => s.slab(f, [0, 0, 0.001], 0.21, 0.297, s.add(paper(s.random)))

const carton: Thing = (s, f, r, room) => {
  const { random } = s
  const h = tall(s, room, 0.06, 0.3)
  s.box(
    f,
    [0, 0, h / 2],
    [r * random.uniform(0.8, 1.5), r * random.uniform(0.5, 1.4), h],
    random.chance(0.6) ? s.anyPaint() : s.add(picture(random)),
  )
}

const ball: Thing = (s, f, r, room) => {
  const k = Math.min(r, room * 0.4)
  s.ball(f, [0, 0, k], [k, k, k], s.random.chance(0.5) ? s.anyPaint() : s.anyFabric())
}

const laptop: Thing = (s, f, _, room) => {
  if (room <= 0.3) return
  const m = s.random.pick([s.style.dark, s.style.metal, s.style.white])
  s.box(f, [0, 0, 0.01], [0.32, 0.22, 0.018], m)
  s.box(f, [0, -0.14, 0.12], [0.32, 0.012, 0.22], m, { pitch: 0.25 })
}

const bowlOfFruit: Thing = (s, f, r, room) => {
  const { random } = s
  s.post(f, [0, 0, 0], r * 0.6, tall(s, room, 0.04, 0.09), s.anyPaint(), { taper: random.uniform(1.2, 1.9) })
  for (let i = random.integer(0, 5); i > 0; i--)
    s.ball(f, [random.normal(0, 0.3) * r, random.normal(0, 0.3) * r, 0.09], [0.035, 0.035, 0.035], s.matt())
}

const smallPlant: Thing = (s, f, _, room) => {
  if (room > 0.35) plant(s, f.at(0, -0.2, 0), Math.min(s.random.uniform(0.2, 0.45), room * 0.9))
}

const softToy: Thing = (s, f, _, room) => {
  if (room > 0.3) toy(s, f)
}

const lampMonitorOrCloth: Thing = (s, f, _, room) => {
  if (room <= 0.4) return
  const which = s.random.uniform()
  if (which < 0.4) lamp(s, f.at(0, -0.2, 0), s.random.uniform(0.3, 0.4), false)
  else if (which < 0.65) monitor(s, f, 0.35)
  else throwOver(s, f)
}

/** A jar or tin with a lid. */
const jar: Thing = (s, f, r, room) => {
  const h = tall(s, room, 0.06, 0.22)
  s.post(f, [0, 0, 0], r * 0.5, h * 0.85, s.anyPaint())
  s.post(f, [0, 0, h * 0.85], r * 0.52, h * 0.15, s.anyPaint())
}

/** All equally likely. Piles and cartons are listed twice. */
const THINGS: readonly Thing[] = [
  mug,
  bottle,
  pile,
  pile,
  sheetOfPaper,
  carton,
  carton,
  ball,
  laptop,
  bowlOfFruit,
  smallPlant,
  softToy,
  lampMonitorOrCloth,
  jar,
]
