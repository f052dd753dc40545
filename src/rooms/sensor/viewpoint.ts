/**
 * Viewpoints of photos: a pinhole camera held by a person who looks across the room, at something in it, or at
 * something close. Candidates are drawn and probed with a coarse grid of rays. The one whose depths fit the drawn
 * intent best is taken.
 */
import type { Intrinsics } from '../../image/types.ts'
import { Random } from '../../support/random.ts'
import type { Scene } from '../scene.ts'
import { aimThrough, look, type Viewpoint } from '../solids/camera.ts'

/** Grid of rays for judging a candidate. */
const COLUMNS = 13
const ROWS = 10

/** Focal length in pixels and principal point for a lens drawn at random; horizontal field of view 50 to 90 degrees, mostly 55 to 75. */
function drawIntrinsics(random: Random, width: number, height: number): Intrinsics {
  const degrees = random.chance(0.8) ? random.uniform(55, 75) : random.uniform(50, 90)
  // The field of view belongs to the longer side, as on a phone.
  const f = Math.max(width, height) / 2 / Math.tan((degrees * Math.PI) / 360)
  const shift = () => random.uniform(-0.01, 0.01)
  return { fx: f, fy: f, cx: (width - 1) / 2 + shift() * width, cy: (height - 1) / 2 + shift() * height }
}

/** Viewpoints of the scene, best first, at most `wanted`; none if there is no place to stand. */
export function drawViewpoints(scene: Scene, seed: number, width: number, height: number, wanted = 3): Viewpoint[] {
  const random = new Random(seed, 2)
  const intrinsics = drawIntrinsics(random, width, height)
  const intent = random.uniform()
  const mode = intent < 0.42 ? 'across' : intent < 0.82 ? 'sight' : 'close'
  const target =
    mode === 'across'
      ? random.uniform(2.2, 5.5)
      : mode === 'sight'
        ? random.uniform(1.4, 3.6)
        : random.uniform(0.7, 2.2)
  const found: { view: Viewpoint; cost: number }[] = []
  const e = scene.plan.extent()
  for (let attempt = 0; attempt < 60 && found.length < 8; attempt++) {
    const x = random.uniform(e.x0, e.x1)
    const y = random.uniform(e.y0, e.y1)
    const z = Math.min(Math.max(random.normal(1.42, 0.25), 0.8), 1.9)
    const roll = random.chance(0.85) ? random.normal(0, 0.025) : random.normal(0, 0.1)
    let yaw = random.uniform(0, 2 * Math.PI)
    let pitch = Math.min(Math.max(random.normal(mode === 'close' ? -0.18 : -0.12, 0.14), -0.8), 0.5)
    if (mode === 'sight' && scene.sights.length > 0) {
      const p = random.pick(scene.sights)
      const dx = p[0] - x
      const dy = p[1] - y
      const flat = Math.sqrt(dx * dx + dy * dy)
      if (flat < 0.5 || flat > 4.5) continue
      yaw = Math.atan2(dy, dx) + random.normal(0, 0.15)
      pitch = Math.min(Math.max(Math.atan2(p[2] - z, flat) * random.uniform(0.4, 1) + random.normal(0, 0.08), -1), 0.5)
    }
    if (!scene.plan.inside(x, y) || z > scene.height - 0.2) continue
    if (scene.tracer.contains(x, y, z, 0.22)) continue
    const view = look([x, y, z], yaw, pitch, roll, intrinsics)
    const probed = probe(scene, view, width, height)
    if (probed === null) continue
    const { depths, solids } = probed
    const median = depths[depths.length >> 1]
    // Among views of equal depths, more visible things are better, and a near wall along the view is worse.
    const crowded = Math.min(solids, 30) / 30
    const wall = Math.max(0.7 - depths[Math.floor(0.1 * depths.length)], 0)
    found.push({ view, cost: Math.abs(Math.log(median / target)) - 0.6 * crowded + (mode === 'close' ? 0 : wall) })
  }
  found.sort((a, b) => a.cost - b.cost)
  return found.slice(0, wanted).map((f) => f.view)
}

export interface Probed {
  /** Ascending. */
  readonly depths: Float64Array
  /** Solids that the rays meet. */
  readonly solids: number
}

/** Depths on a coarse grid over the image; null if one is outside the scene's range. */
export function probe(scene: Scene, view: Viewpoint, width: number, height: number): Probed | null {
  const depths = new Float64Array(COLUMNS * ROWS)
  const seen = new Set<number>()
  for (let j = 0; j < ROWS; j++)
    for (let i = 0; i < COLUMNS; i++) {
      const { ray } = scene.tracer
      aimThrough(ray, view, (i * (width - 1)) / (COLUMNS - 1), (j * (height - 1)) / (ROWS - 1))
      seen.add(scene.tracer.nearest())
      const t = ray[6]
      if (t < scene.range.nearest * 1.05 || t > scene.range.farthest * 0.99) return null
      depths[j * COLUMNS + i] = t
    }
  return { depths: depths.sort(), solids: seen.size }
}
