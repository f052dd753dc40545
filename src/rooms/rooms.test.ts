import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Random } from '../support/random.ts'
import { drawScene } from './draw-scene.ts'
import { type RenderedRoom, renderRoom } from './index.ts'
import type { Scene } from './scene.ts'
import { drawViewpoints } from './sensor/viewpoint.ts'
import { buildBvh } from './solids/bvh.ts'
import { FARTHEST, NEAREST } from './solids/camera.ts'
import { BOX, ELLIPSOID, FRUSTUM, Pose, PrimitiveList, QUAD } from './solids/primitives.ts'
import { MISS, Tracer } from './solids/ray-tracer.ts'

const SMALL = { width: 64, height: 48 }

function digest(room: RenderedRoom): string {
  const hash = createHash('sha256').update(room.image.data)
  return hash.update(new Uint8Array(room.depth.data.buffer)).update(JSON.stringify(room.intrinsics)).digest('hex')
}

describe('renderRoom', () => {
  test('gives the same bytes for the same seed, whatever was rendered between', () => {
    const first = digest(renderRoom({ seed: 5, ...SMALL }))
    renderRoom({ seed: 6, ...SMALL })
    expect(digest(renderRoom({ seed: 5, ...SMALL }))).toBe(first)
  })

  test('gives the pictures, depths and cameras that it has always given', () => {
    const hash = createHash('sha256')
    for (let seed = 0; seed < 40; seed++) hash.update(digest(renderRoom({ seed, ...SMALL })))
    hash.update(digest(renderRoom({ seed: 40, width: 48, height: 64 })))
    hash.update(digest(renderRoom({ seed: 41 })))
    expect(hash.digest('hex')).toBe('175f4cc1648d6303c23cc2f19eb61703277c3cf9347aec96b067ad7788cfcf14')
  })

  test('gives different pictures for different seeds', () => {
    const digests = Array.from({ length: 12 }, (_, seed) => digest(renderRoom({ seed, width: 16, height: 12 })))
    expect(new Set(digests).size).toBe(12)
  })

  test('has a depth within range at every pixel, and pictures that are neither black nor white', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { depth, image } = renderRoom({ seed, width: 32, height: 24 })
      expect(depth.data.length).toBe(32 * 24)
      for (const d of depth.data) if (!(d >= NEAREST && d <= FARTHEST)) expect.fail(`seed ${seed}: depth ${d}`)
      const mean = image.data.reduce((a, b) => a + b, 0) / image.data.length
      expect(mean, `seed ${seed}`).toBeGreaterThan(15)
      expect(mean, `seed ${seed}`).toBeLessThan(250)
    }
  })

  test('has a median depth of 1 to 4 metres in most rooms', () => {
    const medians = Array.from({ length: 60 }, (_, seed) => {
      const sorted = renderRoom({ seed, width: 16, height: 12 }).depth.data.slice().sort()
      return sorted[sorted.length >> 1]
    }).sort((a, b) => a - b)
    expect(medians[30]).toBeGreaterThan(1.8)
    expect(medians[30]).toBeLessThan(3)
    expect(medians[6]).toBeGreaterThan(0.9)
    expect(medians[54]).toBeLessThan(4.5)
  })

  test('refuses sizes that are not whole numbers within reason', () => {
    expect(() => renderRoom({ seed: 1, width: 0 })).toThrow(/width is 0/)
    expect(() => renderRoom({ seed: 1, height: 20.5 })).toThrow(/height is 20.5/)
  })
})

/**
 * The slow reference: the point p + t·d in a solid's own frame is a + t·b; whether it is inside is asked of the shape's
 * inequality. Entry is found by stepping and bisecting, with no closed form.
 */
function enters(scene: Pick<Scene, 'tracer'>, i: number, p: number[], d: number[], far: number): number {
  const { toLocal, shape, taper } = scene.tracer.primitives
  const row = (r: number, v: number[], w: number) =>
    [0, 1, 2].reduce((sum, c) => sum + toLocal[12 * i + 4 * r + c] * v[c], w * toLocal[12 * i + 4 * r + 3])
  const [ax, ay, az] = [0, 1, 2].map((r) => row(r, p, 1))
  const [bx, by, bz] = [0, 1, 2].map((r) => row(r, d, 0))
  const kind = shape[i]
  if (kind === QUAD) {
    const t = -az / bz
    return t > 1e-6 && Math.abs(ax + t * bx) <= 1 && Math.abs(ay + t * by) <= 1 ? t : MISS
  }
  /** Positive outside, negative inside, continuous. */
  const outside = (t: number): number => {
    const x = ax + t * bx
    const y = ay + t * by
    const z = az + t * bz
    if (kind === BOX) return Math.max(Math.abs(x), Math.abs(y), Math.abs(z)) - 1
    if (kind === ELLIPSOID) return Math.sqrt(x * x + y * y + z * z) - 1
    const radius = (1 - z + (1 + z) * taper[i]) / 2
    return Math.max(Math.sqrt(x * x + y * y) - radius, Math.abs(z) - 1)
  }
  // Each inequality is convex along the ray, so the least value can be bracketed by thirds.
  let lo = 0
  let hi = far
  for (let k = 0; k < 70 && outside((lo + hi) / 2) > 0; k++) {
    const m1 = lo + (hi - lo) / 3
    const m2 = hi - (hi - lo) / 3
    if (outside(m1) < outside(m2)) hi = m2
    else lo = m1
  }
  const deepest = (lo + hi) / 2
  if (outside(deepest) > 0 || outside(0) < 0) return MISS
  lo = 0
  hi = deepest
  for (let k = 0; k < 45; k++) {
    const middle = (lo + hi) / 2
    if (outside(middle) > 0) lo = middle
    else hi = middle
  }
  return hi
}

describe('depth', () => {
  test('agrees with brute-force bisection over every solid at random pixels', () => {
    const random = new Random(9)
    let compared = 0
    for (let seed = 0; seed < 6; seed++) {
      const draw = new Random(seed, 0).bits() | 0
      const scene = drawScene(draw)
      const views = drawViewpoints(scene, draw, 48, 36)
      if (views.length === 0) continue
      const { depth, intrinsics: k } = renderRoom({ seed, width: 48, height: 36 })
      if (k !== views[0].intrinsics && JSON.stringify(k) !== JSON.stringify(views[0].intrinsics)) continue
      const { position, right, down, forward } = views[0]
      for (let n = 0; n < 12; n++) {
        const x = random.integer(0, 48)
        const y = random.integer(0, 36)
        const a = (x - k.cx) / k.fx
        const b = (y - k.cy) / k.fy
        const d = [0, 1, 2].map((c) => forward[c] + a * right[c] + b * down[c])
        let best = MISS
        for (let i = 0; i < scene.tracer.primitives.count; i++)
          best = Math.min(best, enters(scene, i, [...position], d, 12))
        expect(Math.abs(depth.data[y * 48 + x] - best), `seed ${seed}, pixel ${x},${y}`).toBeLessThan(1e-4)
        compared++
      }
    }
    expect(compared).toBeGreaterThan(36)
  })

  test('back-projects the floor onto one plane with the intrinsics', () => {
    let checked = 0
    for (let seed = 0; seed < 12 && checked < 4; seed++) {
      const draw = new Random(seed, 0).bits() | 0
      const scene = drawScene(draw)
      const view = drawViewpoints(scene, draw, 64, 48)[0]
      const { depth, intrinsics: k } = renderRoom({ seed, ...SMALL })
      if (view === undefined || JSON.stringify(view.intrinsics) !== JSON.stringify(k)) continue
      // Pixels whose ray meets the ground z = 0 exactly where the depth says.
      const points: number[][] = []
      for (let y = 0; y < 48; y++)
        for (let x = 0; x < 64; x++) {
          const t = depth.data[y * 64 + x]
          const p = [((x - k.cx) / k.fx) * t, ((y - k.cy) / k.fy) * t, t]
          const height = view.position[2] + p[0] * view.right[2] + p[1] * view.down[2] + p[2] * view.forward[2]
          if (Math.abs(height) < 1e-5) points.push(p)
        }
      if (points.length < 100) continue
      // The plane through three of them, well apart, holds all the others.
      const [a, b, c] = [points[0], points[points.length - 1], farthestFromLine(points)]
      const n = cross(minus(b, a), minus(c, a))
      const size = Math.hypot(...n)
      for (const p of points) expect(Math.abs(dot(n, minus(p, a))) / size).toBeLessThan(1e-3)
      checked++
    }
    expect(checked).toBe(4)
  })
})

describe('Tracer', () => {
  test('finds what a loop over all solids finds, for random rays among random solids', () => {
    const random = new Random(4)
    const list = new PrimitiveList()
    for (let i = 0; i < 60; i++) {
      const u = () => random.uniform(0.05, 0.5)
      const at = () => random.uniform(-2, 2)
      const options = { yaw: at(), pitch: at(), roll: at(), taper: random.uniform(0, 2) }
      const shape = i % 4
      list.add(
        shape,
        new Pose(at(), at(), at(), at()),
        [0, 0, 0],
        [u(), u(), u()],
        0,
        shape === FRUSTUM ? options : { ...options, taper: 1 },
      )
    }
    const bvh = buildBvh(list.worldBounds())
    const tracer = new Tracer(list.finish(bvh.order), bvh)
    let hits = 0
    for (let n = 0; n < 150; n++) {
      const p = [random.uniform(-4, -3), random.uniform(-2, 2), random.uniform(-2, 2)]
      const d = [1, random.uniform(-0.5, 0.5), random.uniform(-0.5, 0.5)]
      tracer.ray.set([...p, ...d])
      const hit = tracer.nearest()
      const found = tracer.ray[6]
      let best = MISS
      for (let i = 0; i < 60; i++) best = Math.min(best, enters({ tracer }, i, p, d, 10))
      if (best === MISS) expect(hit).toBe(-1)
      else {
        expect(Math.abs(found - best)).toBeLessThan(1e-6)
        hits++
      }
      tracer.ray.set([...p, ...d])
      expect(tracer.blocker(best === MISS ? 10 : best * 1.001) >= 0).toBe(best !== MISS)
      if (best !== MISS) expect(tracer.blocker(best * 0.999)).toBe(-1)
    }
    expect(hits).toBeGreaterThan(40)
  })

  test('sees through nothing that it stands in: a point inside a solid is reported', () => {
    const list = new PrimitiveList()
    list.add(BOX, new Pose(0, 0, 0, 0.7), [0, 0, 1], [0.2, 0.2, 0.2], 0)
    const bvh = buildBvh(list.worldBounds())
    const tracer = new Tracer(list.finish(bvh.order), bvh)
    expect(tracer.contains(0, 0, 1, 0)).toBe(true)
    expect(tracer.contains(0, 0, 1.3, 0)).toBe(false)
    expect(tracer.contains(0, 0, 1.3, 0.15)).toBe(true)
  })
})

function minus(a: number[], b: number[]): number[] {
  return a.map((v, k) => v - b[k])
}

function dot(a: number[], b: number[]): number {
  return a.reduce((sum, v, k) => sum + v * b[k], 0)
}

function cross(a: number[], b: number[]): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/** The point farthest from the line through the first and the last. */
function farthestFromLine(points: number[][]): number[] {
  const a = points[0]
  const along = minus(points[points.length - 1], a)
  const distance = (p: number[]) => Math.hypot(...cross(along, minus(p, a)))
  return points.reduce((best, p) => (distance(p) > distance(best) ? p : best))
}
