import { describe, expect, it } from 'vitest'
import { findPlanes, focalOfRightAngle, type Plane, type Point } from '../scripts/lens/planes.ts'
import { Random } from '../src/data/index.ts'

const FOCAL = 0.7

/** A picture of 4:3 of planes n·P = 1, the nearest of them at each pixel, with noise of the depth. n points away from the camera. */
function view(normals: readonly (readonly number[])[], noise: number, random: Random): Point[] {
  const points: Point[] = []
  for (let j = 0; j < 48; j++)
    for (let i = 0; i < 64; i++) {
      const [x, y] = [((i + 0.5) / 64 - 0.5) * 0.8, ((j + 0.5) / 48 - 0.5) * 0.6]
      const inverse = normals.map(([a, b, c]) => (a * x) / FOCAL + (b * y) / FOCAL + c)
      points.push({ x, y, w: Math.max(...inverse) * (1 + noise * random.uniform(-1, 1)) })
    }
  return points
}

const pairs = (planes: readonly Plane[]) => planes.flatMap((p, i) => planes.slice(0, i).map((q) => [p, q] as const))
const focals = (points: readonly Point[], random: Random) =>
  pairs(findPlanes(points, random)).flatMap(([p, q]) => focalOfRightAngle(p, q) ?? [])

/** Two walls that meet at `degrees` in front of the camera, the left one turned by `turn` from the axis, and a floor. */
function corner(degrees: number, turn: number): number[][] {
  const radians = (angle: number) => (angle * Math.PI) / 180
  const wall = (angle: number) => [Math.sin(radians(angle)) / 2.5, 0, Math.cos(radians(angle)) / 2.5]
  return [wall(-turn), wall(180 - degrees - turn), [0, 1 / 1.4, 0.02]]
}

describe('planes at right angles', () => {
  it.each([35, 45, 55])('tell the lens of a corner that is turned by %i degrees', (turn) => {
    const random = new Random(turn)
    const found = focals(view(corner(90, turn), 0.004, random), random)
    expect(found.length).toBeGreaterThan(0)
    for (const focal of found) expect(Math.abs(focal / FOCAL - 1)).toBeLessThan(0.05)
  })

  it('tell another lens where the walls are at another angle', () => {
    const random = new Random(9)
    const [p, q] = findPlanes(view(corner(110, 35), 0, random).slice(0, 64 * 24), random)
    expect(Math.abs(focalOfRightAngle(p, q)! / FOCAL - 1)).toBeGreaterThan(0.2)
  })

  it('say nothing of a wall that is seen from the front', () => {
    const random = new Random(4)
    expect(findPlanes(view([[0, 0, 0.4]], 0.004, random), random)).toHaveLength(1)
    expect(focalOfRightAngle({ a: 0, b: 0.001, c: 0.4, share: 1 }, { a: 1, b: 0, c: 0.001, share: 1 })).toBeNull()
  })

  it('find no plane in a cloud', () => {
    const random = new Random(5)
    const cloud = Array.from({ length: 3000 }, () => ({
      x: random.uniform(-0.4, 0.4),
      y: random.uniform(-0.3, 0.3),
      w: random.uniform(0.2, 2),
    }))
    expect(findPlanes(cloud, random)).toEqual([])
  })
})
