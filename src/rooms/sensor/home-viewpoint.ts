/**
 * Viewpoints of photos of a home, as people take them: with a hand-held Kinect, across the room, of a thing, close to a
 * thing, and through doors. Candidates are drawn and probed, and the best ones for the intent are taken.
 */
import type { Intrinsics } from '../../image/types.ts'
import { Random } from '../../support/random.ts'
import type { Scene } from '../scene.ts'
import { look, type Viewpoint } from '../solids/camera.ts'
import type { Vector } from '../solids/primitives.ts'
import { type Probed, probe } from './viewpoint.ts'

interface Intent {
  readonly name: 'kinect' | 'across' | 'thing' | 'close' | 'long'
  /** Percentage of pictures. */
  readonly share: number
  /** Horizontal field of view of the longer side, degrees: least and greatest. */
  readonly degrees: readonly [number, number]
  /** Height of the camera: mean and deviation, metres. */
  readonly height: readonly [number, number]
  /** Upwards: mean and deviation, radians. */
  readonly pitch: readonly [number, number]
  /** Median depth: least and greatest, metres. */
  readonly median: readonly [number, number]
  /** At most a tenth of the picture may be nearer than this, metres. */
  readonly clear: number
}

const INTENTS: readonly Intent[] = [
  {
    name: 'kinect',
    share: 34,
    degrees: [55, 60],
    height: [1.25, 0.25],
    pitch: [-0.22, 0.13],
    median: [1.6, 3.6],
    clear: 0.7,
  },
  {
    name: 'across',
    share: 26,
    degrees: [50, 80],
    height: [1.45, 0.2],
    pitch: [-0.1, 0.14],
    median: [2, 5],
    clear: 0.7,
  },
  {
    name: 'thing',
    share: 20,
    degrees: [46, 75],
    height: [1.35, 0.25],
    pitch: [-0.2, 0.15],
    median: [1.2, 3.2],
    clear: 0.6,
  },
  {
    name: 'close',
    share: 12,
    degrees: [46, 75],
    height: [1.2, 0.3],
    pitch: [-0.4, 0.2],
    median: [0.4, 1.3],
    clear: 0.2,
  },
  { name: 'long', share: 8, degrees: [50, 75], height: [1.4, 0.2], pitch: [-0.06, 0.1], median: [3.5, 7], clear: 0.8 },
]

/** Viewpoints of the scene, best first, at most `wanted`; none if there is no place to stand. */
export function drawHomeViewpoints(scene: Scene, seed: number, width: number, height: number, wanted = 3): Viewpoint[] {
  const random = new Random(seed, 2)
  const intent = pickIntent(random)
  const intrinsics = drawLens(random, intent, width, height)
  const target = random.uniform(...intent.median)
  const found: { view: Viewpoint; cost: number }[] = []
  for (let attempt = 0; attempt < 80 && found.length < 8; attempt++) {
    const stand = drawStand(random, scene, intent)
    if (stand === null) continue
    const { position, yaw, pitch } = stand
    const view = look(
      position,
      yaw,
      pitch,
      random.chance(0.85) ? random.normal(0, 0.025) : random.normal(0, 0.1),
      intrinsics,
    )
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
  for (const intent of INTENTS) {
    left -= intent.share
    if (left < 0) return intent
  }
  return INTENTS[0]
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

function drawStand(random: Random, scene: Scene, intent: Intent): Stand | null {
  const { plan, sights, height, tracer } = scene
  const main = plan.rects[0]
  const e = random.chance(0.8) ? main : plan.extent()
  let x = random.uniform(e.x0, e.x1)
  let y = random.uniform(e.y0, e.y1)
  let z = clamp(random.normal(...intent.height), 0.5, Math.min(1.9, height - 0.25))
  let yaw = random.uniform(0, 2 * Math.PI)
  let pitch = clamp(random.normal(...intent.pitch), -1, 0.5)
  if ((intent.name === 'thing' || intent.name === 'close') && sights.length > 0) {
    const p = random.pick(sights)
    if (intent.name === 'close') {
      const away = random.uniform(0.35, 1.1)
      const a = random.uniform(0, 2 * Math.PI)
      x = p[0] + away * Math.cos(a)
      y = p[1] + away * Math.sin(a)
      z = clamp(p[2] + random.uniform(0, 0.8), 0.3, height - 0.2)
    }
    const flat = Math.sqrt((p[0] - x) ** 2 + (p[1] - y) ** 2)
    if (flat < 0.2 || flat > 4.5) return null
    yaw = Math.atan2(p[1] - y, p[0] - x) + random.normal(0, 0.15)
    pitch = clamp(Math.atan2(p[2] - z, flat) * random.uniform(0.6, 1) + random.normal(0, 0.08), -1.2, 0.5)
  } else if (random.chance(0.5)) {
    // Towards the middle of the room, as from a corner.
    yaw = Math.atan2((main.y0 + main.y1) / 2 - y, (main.x0 + main.x1) / 2 - x) + random.normal(0, 0.5)
  }
  if (!plan.inside(x, y) || tracer.contains(x, y, z, intent.name === 'close' ? 0.1 : 0.2)) return null
  return { position: [x, y, z], yaw, pitch }
}

/** Lower is better; null for a picture that nobody would take. */
function judge({ depths, solids }: Probed, intent: Intent, target: number): number | null {
  const at = (share: number) => depths[Math.floor(share * (depths.length - 1))]
  const [near, median, far] = [at(0.1), at(0.5), at(0.9)]
  if (near < intent.clear) return null
  const flat = (far - near) / median < 0.25 ? 0.8 : 0
  const crowded = Math.min(solids, 45) / 45
  const reach = intent.name === 'long' ? 0.12 * Math.min(at(0.97), 9) : 0
  return Math.abs(Math.log(median / target)) - 0.9 * crowded + flat - reach
}

function clamp(v: number, lo: number, hi: number): number {
  return Math.min(Math.max(v, lo), hi)
}
