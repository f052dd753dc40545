import { describe, expect, test } from 'vitest'
import { Random } from '../../support/random.ts'
import { buildBvh } from './bvh.ts'
import { withLevels } from './image.ts'
import { buildMesh, type Mesh, type MeshMaterial, MeshTracer } from './mesh.ts'
import { MESH, Pose, PrimitiveList } from './primitives.ts'
import { MISS, Tracer } from './ray-tracer.ts'
import { locate, Surface } from './surface.ts'

const PLAIN: MeshMaterial = { colour: [0.5, 0.5, 0.5], gloss: 0, image: null }

interface MeshOptions {
  readonly uvs?: readonly number[]
  readonly material?: MeshMaterial
  /** Half sizes of the piece that normals are taken of. */
  readonly half?: readonly number[]
}

/** Triangles given by their corners, with flat normals. */
function meshOf(corners: readonly number[], { uvs = [], material = PLAIN, half = [1, 1, 1] }: MeshOptions = {}): Mesh {
  const n = corners.length / 9
  const normals = new Float32Array(corners.length)
  for (let i = 0; i < n; i++) {
    const p = corners.slice(9 * i, 9 * i + 9).map((v, k) => v * half[k % 3])
    const [a, b] = [[0, 1, 2].map((k) => p[3 + k] - p[k]), [0, 1, 2].map((k) => p[6 + k] - p[k])]
    const c = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    const length = Math.hypot(...c)
    for (let k = 0; k < 9; k++) normals[9 * i + k] = c[k % 3] / length
  }
  return buildMesh({
    positions: Float32Array.from(corners),
    normals,
    uvs: Float32Array.from(uvs),
    material: new Uint8Array(n),
    materials: [material],
  })
}

/** The twelve triangles of the cube [−1, 1]³. */
const CUBE = meshOf(
  [0, 1, 2].flatMap((axis) =>
    [-1, 1].flatMap((side) => {
      const at = (u: number, v: number) => {
        const p = [0, 0, 0]
        p[axis] = side
        p[(axis + 1) % 3] = u
        p[(axis + 2) % 3] = v
        return p
      }
      return [at(-1, -1), at(1, -1), at(1, 1), at(-1, -1), at(1, 1), at(-1, 1)].flat()
    }),
  ),
)

/** Random triangles within [−1, 1]³. */
function crowd(random: Random, n: number): number[] {
  return Array.from({ length: n }, () => {
    const c = [0, 0, 0].map(() => random.uniform(-0.8, 0.8))
    return Array.from({ length: 9 }, (_, k) => c[k % 3] + random.uniform(-0.2, 0.2))
  }).flat()
}

/** Moller-Trumbore in its textbook form, over all triangles. */
function nearestOf(corners: readonly number[], o: readonly number[], d: readonly number[]): number {
  let best = MISS
  const cross = (a: number[], b: number[]) => [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ]
  const dot = (a: readonly number[], b: readonly number[]) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
  for (let i = 0; i < corners.length; i += 9) {
    const [a, b, c] = [0, 3, 6].map((k) => corners.slice(i + k, i + k + 3))
    const [e, f, s] = [b.map((v, k) => v - a[k]), c.map((v, k) => v - a[k]), o.map((v, k) => v - a[k])]
    const n = cross(e, f)
    const t = -dot(n, s) / dot(n, d)
    const p = s.map((v, k) => v + t * d[k])
    const n2 = dot(n, n)
    const [u, v] = [dot(cross(p, f), n) / n2, dot(cross(e, p), n) / n2]
    if (t > 1e-6 && u >= 0 && v >= 0 && u + v <= 1 && t < best) best = t
  }
  return best
}

function tracerOf(list: PrimitiveList, meshes: readonly Mesh[]): Tracer {
  const bvh = buildBvh(list.worldBounds())
  return new Tracer(list.finish(bvh.order), bvh, meshes)
}

describe('a mesh', () => {
  test('is met where its triangles are: a cube a metre wide, two metres ahead, at 1.5 m', () => {
    const list = new PrimitiveList()
    list.add(MESH, new Pose(2, 0, 0, 0), [0, 0, 0], [0.5, 0.5, 0.5], 0, { mesh: 0 })
    const tracer = tracerOf(list, [CUBE])
    tracer.ray.set([0, 0.1, -0.2, 1, 0, 0])
    expect(tracer.nearest()).toBe(0)
    expect(tracer.ray[6]).toBeCloseTo(1.5, 6)
    tracer.ray.set([0, 0.6, 0, 1, 0, 0])
    expect(tracer.nearest()).toBe(-1)
    // From inside it is seen too: meshes have no inside.
    tracer.ray.set([2, 0, 0, 1, 0, 0])
    tracer.nearest()
    expect(tracer.ray[6]).toBeCloseTo(0.5, 6)
  })

  test('hides a lamp behind it, and not one before it', () => {
    const list = new PrimitiveList()
    list.add(MESH, new Pose(2, 0, 0, 0.3), [0, 0, 0], [0.5, 0.5, 0.5], 0, { mesh: 0 })
    const tracer = tracerOf(list, [CUBE])
    tracer.ray.set([0, 0, 0, 1, 0, 0])
    expect(tracer.blocker(1)).toBe(-1)
    expect(tracer.blocker(4)).toBe(0)
  })

  test('gives what a loop over all triangles gives, for random rays', () => {
    const random = new Random(1)
    const corners = crowd(random, 300).map(Math.fround)
    const mesh = meshOf(corners)
    const tracer = new MeshTracer()
    let hits = 0
    for (let i = 0; i < 300; i++) {
      const o = [0, 0, 0].map(() => random.uniform(-2, 2))
      const d = o.map((v) => random.uniform(-1, 1) - 0.5 * v)
      tracer.ray.set([...o, ...d, MISS])
      const hit = tracer.cast(mesh, false)
      const expected = nearestOf(corners, o, d)
      expect(hit >= 0).toBe(expected < MISS)
      if (hit < 0) continue
      hits++
      expect(tracer.ray[6]).toBeCloseTo(expected, 5)
    }
    expect(hits).toBeGreaterThan(60)
  })

  test('as an instance is the mesh whose corners were moved: same depths, same normals', () => {
    const random = new Random(2)
    const corners = crowd(random, 80).map(Math.fround)
    const frame = new Pose(1, -2, 0.5, 0.7)
    const half = [0.6, 0.3, 0.9] as const
    const moved = corners.map((_, i) => {
      const p = corners.slice(i - (i % 3), i - (i % 3) + 3).map((v, k) => v * half[k])
      const q = frame.at(p[0], p[1], p[2])
      return [q.x, q.y, q.z][i % 3] / 4
    })
    const instance = new PrimitiveList()
    instance.add(MESH, frame, [0, 0, 0], half, 0, { mesh: 0 })
    const baked = new PrimitiveList()
    baked.add(MESH, new Pose(0, 0, 0, 0), [0, 0, 0], [4, 4, 4], 0, { mesh: 0 })
    // Normals of an instance are those of the piece at its size.
    const tracers = [tracerOf(instance, [meshOf(corners, { half })]), tracerOf(baked, [meshOf(moved)])]
    let hits = 0
    for (let i = 0; i < 200; i++) {
      const o = [frame.x + random.uniform(-2, 2), frame.y + random.uniform(-2, 2), 0.5 + random.uniform(-2, 2)]
      const aim = [
        frame.x + random.uniform(-0.4, 0.4),
        frame.y + random.uniform(-0.4, 0.4),
        0.5 + random.uniform(-0.6, 0.6),
      ]
      const d = aim.map((v, k) => v - o[k])
      const [a, b] = tracers.map((tracer) => {
        tracer.ray.set([...o, ...d])
        const hit = tracer.nearest()
        const at = new Surface()
        if (hit >= 0) locate(tracer, hit, at)
        return { hit, t: tracer.ray[6], normal: [at.nx, at.ny, at.nz] }
      })
      expect(a.hit).toBe(b.hit)
      if (a.hit < 0) continue
      hits++
      expect(a.t).toBeCloseTo(b.t, 4)
      const cosine = a.normal.reduce((sum, v, k) => sum + v * b.normal[k], 0)
      expect(cosine).toBeGreaterThan(0.999)
    }
    expect(hits).toBeGreaterThan(40)
  })

  test('has holes where its image is transparent', () => {
    const rgba = Uint8Array.of(255, 0, 0, 255, 0, 0, 255, 0)
    const material: MeshMaterial = { colour: [1, 1, 1], gloss: 0, image: withLevels(2, 1, rgba) }
    const square = meshOf([-1, 0, -1, 1, 0, -1, 1, 0, 1, -1, 0, -1, 1, 0, 1, -1, 0, 1], {
      uvs: [0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1],
      material,
    })
    const tracer = new MeshTracer()
    tracer.ray.set([-0.5, -1, 0.2, 0, 1, 0, MISS])
    expect(tracer.cast(square, false)).toBeGreaterThanOrEqual(0)
    expect(tracer.ray[6]).toBeCloseTo(1, 6)
    tracer.ray.set([0.5, -1, 0.2, 0, 1, 0, MISS])
    expect(tracer.cast(square, false)).toBe(-1)
  })
})

test('the normal of a hit looks at the viewer, whichever way the file turns its faces', () => {
  const list = new PrimitiveList()
  list.add(MESH, new Pose(2, 0, 0, 0), [0, 0, 0], [0.5, 0.5, 0.5], 0, { mesh: 0 })
  const tracer = tracerOf(list, [CUBE])
  const at = new Surface()
  tracer.ray.set([0, 0.1, 0.1, 1, 0, 0])
  locate(tracer, tracer.nearest(), at)
  expect([at.nx, at.ny, at.nz].map((v) => Math.round(1000 * v) / 1000 + 0)).toEqual([-1, 0, 0])
  tracer.ray.set([2, 0.1, 0.1, -1, 0, 0])
  locate(tracer, tracer.nearest(), at)
  expect(at.nx).toBeCloseTo(1, 5)
})
