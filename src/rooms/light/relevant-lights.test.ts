import { expect, test } from 'vitest'
import type { Light } from '../builder.ts'
import type { Scene } from '../scene.ts'
import { buildBvh } from '../solids/bvh.ts'
import { look } from '../solids/camera.ts'
import { Pose, PrimitiveList, QUAD } from '../solids/primitives.ts'
import { Tracer } from '../solids/ray-tracer.ts'
import { relevantLights } from './relevant-lights.ts'

const bulb = (x: number, y: number, power: number): Light => ({
  centre: [x, y, 2],
  u: [0.1, 0, 0],
  v: [0, 0.1, 0],
  normal: null,
  colour: [power, power, power],
})

/** A floor, and a wall across it at x = 4 with a gap where |y| < 1. */
function scene(lights: readonly Light[]): Scene {
  const list = new PrimitiveList()
  const ground = new Pose(0, 0, 0, 0)
  list.add(QUAD, ground, [0, 0, 0], [10, 10, 1], 0)
  for (const side of [-1, 1])
    list.add(QUAD, new Pose(4, 3.5 * side, 0, Math.PI / 2), [0, 0, 2], [2.5, 2, 1], 0, { pitch: Math.PI / 2 })
  const bvh = buildBvh(list.worldBounds())
  return { tracer: new Tracer(list.finish(bvh.order), bvh), lights } as unknown as Scene
}

const view = look([2.8, 0, 1.5], 0, -0.3, 0, { fx: 16, fy: 16, cx: 15.5, cy: 11.5 })
const size = { width: 32, height: 24 }

test('a lamp behind the doorway counts more than a second one before it, and hidden ones count nothing', () => {
  const near = bulb(2, 0, 8)
  const second = bulb(2, 0.4, 1)
  const beyond = bulb(6, 0, 4)
  const behind = bulb(-8, 0, 1)
  const all = scene([second, behind, near, beyond])
  expect(relevantLights(all, view, { ...size, most: 2 })).toEqual([near, beyond])
})

test('a scene with few lights keeps them all, in their order', () => {
  const lights = [bulb(-5, -5, 0.1), bulb(2, 0, 1)]
  expect(relevantLights(scene(lights), view, { ...size, most: 2 })).toEqual(lights)
})
