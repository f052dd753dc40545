import { expect, test } from 'vitest'
import { buildBvh } from '../solids/bvh.ts'
import { Pose, PrimitiveList, QUAD } from '../solids/primitives.ts'
import { Tracer } from '../solids/ray-tracer.ts'
import { Bounce } from './bounce.ts'

const SIZE = 8

/** The light on the floor of a room two metres wide, whose other faces send back `radiance`; `open`: without a ceiling. */
function floorLight(radiance: readonly number[], open: boolean): number[] {
  const list = new PrimitiveList()
  const ground = new Pose(0, 0, 0, 0)
  list.add(QUAD, ground, [0, 0, 0], [1, 1, 1], 0)
  for (let k = 0; k < 4; k++)
    list.add(QUAD, new Pose(0, 0, 0, (k * Math.PI) / 2), [0, 1, 1], [1, 1, 1], 0, { pitch: Math.PI / 2 })
  if (!open) list.add(QUAD, ground, [0, 0, 2], [1, 1, 1], 0)
  const bvh = buildBvh(list.worldBounds())
  const tracer = new Tracer(list.finish(bvh.order), bvh)
  const aim = (x: number, y: number) => {
    tracer.ray.set([(x - 3.5) / 40, (y - 3.5) / 40, 1, 0, 0, -1])
    tracer.nearest()
  }
  aim(4, 4)
  const keys = new Int32Array(SIZE * SIZE).fill(8 * tracer.nearest())
  const bounce = new Bounce({ tracer }, keys, SIZE, SIZE)
  bounce.cast(aim, () => radiance)
  bounce.smoothen()
  bounce.gather(3, 5, keys[0])
  return [...bounce.here]
}

test('a room that shines evenly lights its floor as brightly as itself', () => {
  floorLight([1, 0.5, 0.25], false).forEach((v, k) => {
    expect(v).toBeCloseTo([1, 0.5, 0.25][k], 6)
  })
})

test('what no ray comes back from is dark', () => {
  const [r] = floorLight([1, 1, 1], true)
  // A fifth of the light from a hemisphere comes through a square as far away as it is wide; the rest comes from the walls.
  expect(r).toBeGreaterThan(0.2)
  expect(r).toBeLessThan(0.95)
})

test('lamps and windows count no more than a bright wall: their light is counted elsewhere', () => {
  expect(floorLight([100, 1, 1], false)[0]).toBeCloseTo(1.2, 6)
})
