/**
 * Viewpoints of photos of a home, as people take them: with a hand-held Kinect, on a walk with a camera that looks down, across the room,
 * as an estate agent from a corner or a door, of a thing, down at a thing on the floor or on a table, at a desk, close to a thing, and
 * through doors. Candidates are drawn and probed, and the best ones for the intent are taken.
 *
 * The height of a camera tells how far the floor is, so heights are those of real photos: at the eyes of somebody who stands, seldom
 * lower (`scripts/depth-spread.ts` compares).
 */
import type { Intrinsics } from '../../image/types.ts'
import { Random } from '../../support/random.ts'
import type { Scene } from '../scene.ts'
import { look, type Viewpoint } from '../solids/camera.ts'
import type { Vector } from '../solids/primitives.ts'
import { type Probed, probe } from './viewpoint.ts'

type Range = readonly [number, number]

/** Where the camera stands and what it looks at: see `AIMS`. */
type Aim = 'anywhere' | 'corner' | 'thing' | 'below' | 'close' | 'detail' | 'table' | 'desk' | 'far'

/** Height of the camera: mean and deviation, and the share of photos taken by somebody who sits or crouches, at `LOW`. */
interface Eyes {
  readonly mean: number
  readonly deviation: number
  readonly low: number
}

const STANDING: Eyes = { mean: 1.55, deviation: 0.12, low: 0 }
const MOSTLY_STANDING: Eyes = { mean: 1.5, deviation: 0.14, low: 0.25 }
/** Metres. */
const LOW: Range = [0.7, 1.25]

interface Intent {
  readonly aim: Aim
  /** Percentage of pictures. */
  readonly share: number
  /** Horizontal field of view of the longer side, degrees: least and greatest. */
  readonly degrees: Range
  /** Where the aim leaves the height open. */
  readonly eyes: Eyes
  /** Upwards: mean and deviation, radians. */
  readonly pitch: Range
  /** Deviation of the roll, radians. */
  readonly roll: number
  /** Median depth: least and greatest, metres. */
  readonly median: Range
  /** At most a tenth of the picture may be nearer than this, metres. */
  readonly clear: number
  /** How much a far depth (97th percentile) counts. */
  readonly reach: number
}

/** Kinect and RealSense: focal length 525 to 640 pixels of 640, held by hand, mostly looking down a little. */
const SENSOR = { degrees: [53, 63], roll: 0.05, eyes: MOSTLY_STANDING } as const

/** In an order that means nothing; the shares add up to 100. */
const INTENTS: Readonly<Record<string, Intent>> = {
  kinect: { ...SENSOR, share: 15, aim: 'anywhere', pitch: [-0.24, 0.14], median: [1.3, 3.8], clear: 0.6, reach: 0 },
  kinectFar: { ...SENSOR, share: 9, aim: 'far', pitch: [-0.14, 0.12], median: [2, 4.5], clear: 0.7, reach: 0.04 },
  // Somebody walks about and looks where he goes.
  walk: {
    share: 15,
    aim: 'anywhere',
    degrees: [50, 70],
    eyes: STANDING,
    pitch: [-0.48, 0.14],
    roll: 0.05,
    median: [1.4, 3.2],
    clear: 0.6,
    reach: 0,
  },
  across: {
    share: 13,
    aim: 'anywhere',
    degrees: [50, 80],
    eyes: MOSTLY_STANDING,
    pitch: [-0.1, 0.14],
    roll: 0.03,
    median: [1.8, 4.5],
    clear: 0.7,
    reach: 0,
  },
  estate: {
    share: 13,
    aim: 'corner',
    degrees: [68, 95],
    eyes: { mean: 1.42, deviation: 0.12, low: 0 },
    pitch: [-0.05, 0.04],
    roll: 0.008,
    median: [2, 4.5],
    clear: 0.6,
    reach: 0,
  },
  thing: {
    share: 9,
    aim: 'thing',
    degrees: [46, 75],
    eyes: MOSTLY_STANDING,
    pitch: [-0.2, 0.15],
    roll: 0.03,
    median: [1.2, 3.2],
    clear: 0.6,
    reach: 0,
  },
  below: {
    share: 7,
    aim: 'below',
    degrees: [50, 70],
    eyes: STANDING,
    pitch: [-0.6, 0.15],
    roll: 0.06,
    median: [1.1, 2.4],
    clear: 0.5,
    reach: 0,
  },
  close: {
    share: 3,
    aim: 'close',
    degrees: [46, 75],
    eyes: MOSTLY_STANDING,
    pitch: [-0.4, 0.2],
    roll: 0.06,
    median: [0.4, 1.3],
    clear: 0.2,
    reach: 0,
  },
  detail: {
    share: 3,
    aim: 'detail',
    degrees: [50, 72],
    eyes: MOSTLY_STANDING,
    pitch: [-0.6, 0.2],
    roll: 0.1,
    median: [0.3, 0.8],
    clear: 0.2,
    reach: 0,
  },
  table: {
    share: 5,
    aim: 'table',
    degrees: [50, 66],
    eyes: MOSTLY_STANDING,
    pitch: [-0.6, 0.2],
    roll: 0.06,
    median: [0.6, 1.4],
    clear: 0.3,
    reach: 0,
  },
  desk: {
    share: 4,
    aim: 'desk',
    degrees: [50, 70],
    eyes: MOSTLY_STANDING,
    pitch: [-0.2, 0.1],
    roll: 0.06,
    median: [0.5, 1.4],
    clear: 0.25,
    reach: 0,
  },
  long: {
    share: 4,
    aim: 'far',
    degrees: [50, 75],
    eyes: STANDING,
    pitch: [-0.06, 0.08],
    roll: 0.02,
    median: [3, 7],
    clear: 0.8,
    reach: 0.12,
  },
}

/** Greatest roll, radians (8 degrees). */
const MOST_ROLL = 0.14

/** Viewpoints of the scene, best first, at most `wanted`; none if there is no place to stand. */
export function drawHomeViewpoints(scene: Scene, seed: number, width: number, height: number, wanted = 3): Viewpoint[] {
  const random = new Random(seed, 2)
  const intent = pickIntent(random)
  const intrinsics = drawLens(random, intent, width, height)
  const target = random.uniform(...intent.median)
  const found: { view: Viewpoint; cost: number }[] = []
  for (let attempt = 0; attempt < 80 && found.length < 8; attempt++) {
    const stand = AIMS[intent.aim](random, scene, intent)
    if (stand === null) continue
    const { position, yaw, pitch } = stand
    const [x, y, z] = position
    const near = intent.median[0] < 1
    if (!scene.plan.inside(x, y) || scene.tracer.contains(x, y, z, near ? 0.1 : 0.2)) continue
    const roll = clamp(random.normal(0, intent.roll), -MOST_ROLL, MOST_ROLL)
    const view = look(position, yaw, pitch, roll, intrinsics)
    const probed = probe(scene, view, width, height)
    if (probed === null) continue
    const cost = judge(probed, intent, target)
    if (cost !== null) found.push({ view, cost })
  }
  found.sort((a, b) => a.cost - b.cost)
  return found.slice(0, wanted).map((f) => f.view)
}

function pickIntent(random: Random): Intent {
  let left = random.uniform(0, 100)
  for (const intent of Object.values(INTENTS)) {
    left -= intent.share
    if (left < 0) return intent
  }
  return INTENTS.across
}

function drawLens(random: Random, { degrees }: Intent, width: number, height: number): Intrinsics {
  const f = Math.max(width, height) / 2 / Math.tan((random.uniform(...degrees) * Math.PI) / 360)
  const shift = () => random.uniform(-0.01, 0.01)
  return { fx: f, fy: f, cx: (width - 1) / 2 + shift() * width, cy: (height - 1) / 2 + shift() * height }
}

interface Stand {
  readonly position: Vector
  readonly yaw: number
  readonly pitch: number
}

const AIMS: Readonly<Record<Aim, (random: Random, scene: Scene, intent: Intent) => Stand | null>> = {
  /** Stands anywhere, looks anywhere or towards the middle of the main room. */
  anywhere(random, scene, intent) {
    const [x, y] = drawPlace(random, scene)
    const { x0, y0, x1, y1 } = scene.plan.rects[0]
    const yaw = random.chance(0.5)
      ? random.uniform(0, 2 * Math.PI)
      : Math.atan2((y0 + y1) / 2 - y, (x0 + x1) / 2 - x) + random.normal(0, 0.5)
    return { position: [x, y, drawHeight(random, scene, intent)], yaw, pitch: drawPitch(random, intent) }
  },

  /** Stands in a corner of a room, or in a doorway, and looks at the middle of the room. */
  corner(random, { plan, ...scene }, intent) {
    const room = random.chance(0.75) ? plan.rects[0] : random.pick(plan.rects)
    const [cx, cy] = [(room.x0 + room.x1) / 2, (room.y0 + room.y1) / 2]
    const doors = plan.necks
    let x: number
    let y: number
    if (doors.length > 0 && random.chance(0.35)) {
      const door = random.pick(doors)
      x = random.uniform(door.x0, door.x1)
      y = random.uniform(door.y0, door.y1)
    } else {
      const inset = () => random.uniform(0.25, 0.9)
      x = random.chance(0.5) ? room.x0 + inset() : room.x1 - inset()
      y = random.chance(0.5) ? room.y0 + inset() : room.y1 - inset()
    }
    const yaw = Math.atan2(cy - y, cx - x) + random.normal(0, 0.22)
    return { position: [x, y, drawHeight(random, scene, intent)], yaw, pitch: drawPitch(random, intent) }
  },

  /** Stands anywhere near a piece of furniture and looks at it. */
  thing(random, scene, intent) {
    if (scene.sights.length === 0) return null
    const [x, y] = drawPlace(random, scene)
    return facing(random, random.pick(scene.sights), [x, y, drawHeight(random, scene, intent)])
  },

  /** Stands before a piece of furniture and looks down at it. */
  below(random, scene, intent) {
    return nearTo(random, scene, scene.sights, { away: [0.7, 1.9], height: drawHeight(random, scene, intent) })
  },

  /** Close to a piece of furniture. */
  close(random, scene) {
    return nearTo(random, scene, scene.sights, { away: [0.35, 1.1], above: [0, 0.8] })
  },

  /** Close to a small thing that lies on another, as from a hand. */
  detail(random, scene) {
    return nearTo(random, scene, smallThings(scene), { away: [0.2, 0.65], above: [0.08, 0.6] })
  },

  /** Before a table or shelf with things on it. */
  table(random, scene) {
    return nearTo(random, scene, smallThings(scene), { away: [0.4, 1.1], above: [0.3, 0.8] })
  },

  /** Sits before a screen; close to a piece of furniture where there is none. */
  desk(random, scene, intent) {
    if (scene.screens.length === 0) return AIMS.close(random, scene, intent)
    const { foot, yaw } = random.pick(scene.screens)
    const [away, aside] = [random.uniform(0.5, 1), random.normal(0, 0.15)]
    const at = foot[2] + clamp(random.normal(0.45, 0.1), 0.2, 0.8)
    const [c, s] = [Math.cos(yaw), Math.sin(yaw)]
    const from: Vector = [foot[0] + away * c - aside * s, foot[1] + away * s + aside * c, at]
    return facing(random, [foot[0], foot[1], foot[2] + random.uniform(-0.1, 0.35)], from)
  },

  /** Stands anywhere, looks where it is farthest to the next solid: along corridors, through doors. */
  far(random, scene, intent) {
    const [x, y] = drawPlace(random, scene)
    const z = drawHeight(random, scene, intent)
    const { ray } = scene.tracer
    const directions = 24
    let [yaw, most] = [0, 0]
    for (let k = 0; k < directions; k++) {
      const a = ((k + random.uniform()) * 2 * Math.PI) / directions
      ray[0] = x
      ray[1] = y
      ray[2] = z
      ray[3] = Math.cos(a)
      ray[4] = Math.sin(a)
      ray[5] = 0
      scene.tracer.nearest()
      const free = Math.min(ray[6], scene.range.farthest) * random.uniform(0.7, 1)
      if (free > most) [yaw, most] = [a, free]
    }
    return { position: [x, y, z], yaw: yaw + random.normal(0, 0.15), pitch: drawPitch(random, intent) }
  },
}

/** Small things on others, else pieces of furniture. */
function smallThings({ details, sights }: Scene): readonly Vector[] {
  return details.length > 0 ? details : sights
}

/** Mostly in the main room. */
function drawPlace(random: Random, { plan }: Scene): [number, number] {
  const e = random.chance(0.7) ? plan.rects[0] : random.pick(plan.rects)
  return [random.uniform(e.x0, e.x1), random.uniform(e.y0, e.y1)]
}

function drawHeight(random: Random, { height }: Pick<Scene, 'height'>, { eyes }: Intent): number {
  const z = random.chance(eyes.low) ? random.uniform(...LOW) : clamp(random.normal(eyes.mean, eyes.deviation), 1.1, 1.9)
  return Math.min(z, height - 0.25)
}

function drawPitch(random: Random, { pitch }: Intent): number {
  return clamp(random.normal(...pitch), -1, 0.5)
}

function nearTo(
  random: Random,
  { height }: Scene,
  things: readonly Vector[],
  { away, above = [0, 0], height: eyes }: { readonly away: Range; readonly above?: Range; readonly height?: number },
): Stand | null {
  if (things.length === 0) return null
  const p = random.pick(things)
  const flat = random.uniform(...away)
  const a = random.uniform(0, 2 * Math.PI)
  const z = clamp(eyes ?? p[2] + random.uniform(...above), 0.3, height - 0.2)
  return facing(random, p, [p[0] + flat * Math.cos(a), p[1] + flat * Math.sin(a), z])
}

function facing(random: Random, p: Vector, [x, y, z]: Vector): Stand | null {
  const flat = Math.sqrt((p[0] - x) ** 2 + (p[1] - y) ** 2)
  if (flat < 0.15 || flat > 4.5) return null
  return {
    position: [x, y, z],
    yaw: Math.atan2(p[1] - y, p[0] - x) + random.normal(0, 0.15),
    pitch: clamp(Math.atan2(p[2] - z, flat) * random.uniform(0.6, 1) + random.normal(0, 0.08), -1.2, 0.5),
  }
}

/** Lower is better; null for a picture that nobody would take. */
function judge({ depths, solids }: Probed, intent: Intent, target: number): number | null {
  const at = (share: number) => depths[Math.floor(share * (depths.length - 1))]
  const [near, median, far] = [at(0.1), at(0.5), at(0.9)]
  if (near < intent.clear) return null
  const flat = (far - near) / median < 0.25 ? 0.8 : 0
  const crowded = Math.min(solids, 45) / 45
  return Math.abs(Math.log(median / target)) - 0.9 * crowded + flat - intent.reach * Math.min(at(0.97), 11)
}

function clamp(v: number, lo: number, hi: number): number {
  return Math.min(Math.max(v, lo), hi)
}
