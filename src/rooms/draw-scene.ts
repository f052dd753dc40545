/**
 * A furnished room drawn from a seed: outline, surfaces, openings, lamps, furniture, things on the furniture. Room kinds only
 * bias what is put in; nothing here knows of cameras or pixels.
 */
import { Random } from '../support/random.ts'
import { SceneBuilder } from './builder.ts'
import { furnish } from './furnish/furnish.ts'
import { hangings } from './furnish/hangings.ts'
import { clutter } from './furnish/small-things.ts'
import { lamps } from './light/lighting.ts'
import { hsv, mix, scaled } from './materials/materials.ts'
import { drawFloorPlan } from './plan/floor-plan.ts'
import { KINDS, SIZES } from './plan/kinds.ts'
import { openings } from './plan/openings.ts'
import { shell } from './plan/shell.ts'
import type { Scene } from './scene.ts'
import { buildBvh } from './solids/bvh.ts'
import { FARTHEST, NEAREST } from './solids/camera.ts'
import type { Vector } from './solids/primitives.ts'
import { Tracer } from './solids/trace.ts'

export function drawScene(seed: number): Scene {
  const random = new Random(seed, 1)
  const s = new SceneBuilder(random)
  const kind = random.pick([...KINDS, 'living', 'living', 'office', 'bedroom', 'studio', 'kitchen'] as const)
  const [w0, w1, d0, d1] = SIZES[kind]
  const plan = drawFloorPlan(random, random.uniform(w0, w1), random.uniform(d0, d1))
  const height = random.chance(0.85) ? random.uniform(2.3, 2.9) : random.uniform(2.9, 3.8)
  shell(s, plan, height, kind)
  const day = random.chance(0.7)
  const windows = openings(s, plan, height, day, kind === 'corridor' || kind === 'store' ? 1 : 3)
  furnish(s, plan, height, kind)
  lamps(s, plan, height, windows)
  for (const support of s.supports) clutter(s, support)
  hangings(s, plan, height)

  const power = day ? random.uniform(0.12, 0.45) : random.uniform(0.05, 0.2)
  const tint = hsv(random.chance(0.6) ? 0.09 : 0.6, random.uniform(0, 0.25), 1)
  const ambient = scaled(tint, power)
  const bvh = buildBvh(s.solids.worldBounds())
  let sun: Scene['sun'] = null
  if (day && windows.length > 0 && random.chance(0.5)) {
    const from = random.pick(windows)
    const side = random.uniform(-1, 1)
    const direction = unit([
      -from.normal[0] + side * from.along[0],
      -from.normal[1] + side * from.along[1],
      random.uniform(0.3, 1.4),
    ])
    const strength = random.uniform(1.5, 6)
    sun = { direction, colour: [strength, strength * 0.92, strength * 0.8], windows }
  }
  return {
    kind,
    tracer: new Tracer(s.solids.finish(bvh.order), bvh),
    materials: s.materials,
    lights: s.lights.slice(0, 4),
    sun,
    ambient,
    ambientDown: scaled(
      mix(ambient, [ambient[0], ambient[1] * 0.85, ambient[2] * 0.7], 0.6),
      random.uniform(0.5, 0.95),
    ),
    plan,
    height,
    sights: s.sights,
    range: { nearest: NEAREST, farthest: FARTHEST },
  }
}

function unit(v: Vector): Vector {
  const length = Math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
  return [v[0] / length, v[1] / length, v[2] / length]
}
