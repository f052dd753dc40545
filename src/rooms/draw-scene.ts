/**
 * A furnished room drawn from a seed: outline, surfaces, openings, lamps, furniture, things on the furniture. The kind
 * of room only changes the odds of what is put in. Cameras and pixels are handled elsewhere.
 */
import { Random } from '../support/random.ts'
import { SceneBuilder } from './builder.ts'
import { furnish } from './furnish/furnish.ts'
import { hangings } from './furnish/hangings.ts'
import { clutter } from './furnish/small-things.ts'
import { daylight } from './light/daylight.ts'
import { lamps } from './light/lighting.ts'
import { drawFloorPlan } from './plan/floor-plan.ts'
import { KINDS, SIZES } from './plan/kinds.ts'
import { openings } from './plan/openings.ts'
import { shell } from './plan/shell.ts'
import type { Scene } from './scene.ts'
import { buildBvh } from './solids/bvh.ts'
import { FARTHEST, NEAREST } from './solids/camera.ts'
import { Tracer } from './solids/ray-tracer.ts'

export function drawScene(seed: number): Scene {
  const random = new Random(seed, 1)
  const s = new SceneBuilder(random)
  const kind = random.pick([...KINDS, 'living', 'living', 'office', 'bedroom', 'studio', 'kitchen'] as const)
  const [w0, w1, d0, d1] = SIZES[kind]
  const plan = drawFloorPlan(random, random.uniform(w0, w1), random.uniform(d0, d1))
  const height = random.chance(0.85) ? random.uniform(2.3, 2.9) : random.uniform(2.9, 3.8)
  shell(s, plan, height, kind)
  const day = random.chance(0.7)
  const windows = openings(s, plan, height, { day, most: kind === 'corridor' || kind === 'store' ? 1 : 3 })
  furnish(s, plan, height, kind)
  lamps(s, plan, height, windows)
  for (const support of s.supports) clutter(s, support)
  hangings(s, plan, height)

  const bvh = buildBvh(s.solids.worldBounds())
  const light = daylight(random, day, windows)
  return {
    kind,
    tracer: new Tracer(s.solids.finish(bvh.order), bvh),
    materials: s.materials,
    lights: s.lights.slice(0, 4),
    ...light,
    plan,
    height,
    sights: s.sights,
    details: [],
    screens: [],
    bounce: false,
    key: 0.3,
    range: { nearest: NEAREST, farthest: FARTHEST },
  }
}
