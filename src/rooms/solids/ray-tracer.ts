/**
 * Ray casting against the solids of a scene: nearest hit for visibility, any hit for shadows. One flat loop over the
 * hierarchy with an explicit stack, and the four intersections inlined.
 *
 * The ray and the result are in `ray`, a Float64Array. JavaScript engines box numbers that are passed to a function
 * they do not inline. At half a million rays a picture, that costs more than the arithmetic.
 *
 * A solid is hit where a ray enters it; a ray that starts inside does not see it. A camera must therefore not be inside
 * a solid (`contains`). Meshes have no inside.
 */
import type { Bvh } from './bvh.ts'
import { type Mesh, MeshTracer } from './mesh.ts'
import { BOX, ELLIPSOID, FRUSTUM, MESH, type Primitives, QUAD } from './primitives.ts'
import type { Tiles } from './tiles.ts'

/** Result of a ray that hits nothing. */
export const MISS = Infinity

/** Nearer hits are the surface that the ray starts from. */
const START = 1e-6

export class Tracer {
  /** Origin x, y, z and direction x, y, z of the next ray; then the t of the last hit, or MISS. */
  readonly ray = new Float64Array(7)
  readonly primitives: Primitives
  readonly meshes: readonly Mesh[]
  /** Of the last hit, where it was on a mesh. */
  triangle = 0
  private readonly meshTracer = new MeshTracer()
  private readonly bvh: Bvh
  private readonly stack = new Int32Array(128)
  private readonly stackT = new Float64Array(128)
  private readonly limit = new Float64Array(1)
  /** 0, 1, 2 …: solids are stored in the order of the leaves. */
  private readonly inOrder: Int32Array
  private readonly noBound: Float64Array

  constructor(primitives: Primitives, bvh: Bvh, meshes: readonly Mesh[] = []) {
    this.primitives = primitives
    this.meshes = meshes
    this.bvh = bvh
    this.inOrder = Int32Array.from({ length: primitives.count }, (_, i) => i)
    this.noBound = new Float64Array(primitives.count)
  }

  /**
   * The solid that the ray o + t·d in `ray` enters first, or −1; t is left in `ray[6]`. With d scaled so that its component
   * along the optical axis is 1, t is the z-depth.
   */
  nearest(): number {
    this.limit[0] = MISS
    return this.cast(false)
  }

  /** `nearest` for a camera ray through the tile. */
  nearestInTile(tiles: Tiles, tile: number): number {
    const { limit, ray } = this
    limit[0] = MISS
    const hit = this.among(tiles.list, tiles.first[tile], tiles.first[tile + 1], tiles.near, false)
    ray[6] = limit[0]
    return hit
  }

  /** A shadow-casting solid at t < `until` of the ray, or −1. */
  blocker(until: number): number {
    this.limit[0] = until
    return this.cast(true)
  }

  /** Whether solid `i` is hit at t < `until`. Tried as a guess before the whole scene. */
  blockedBy(i: number, until: number): boolean {
    this.limit[0] = until
    return this.among(this.inOrder, i, i + 1, this.noBound, true) >= 0
  }

  private cast(anyShadow: boolean): number {
    const { bounds, first, count } = this.bvh
    const { stack, stackT, ray, limit, inOrder, noBound } = this
    const ox = ray[0]
    const oy = ray[1]
    const oz = ray[2]
    const ix = 1 / (ray[3] === 0 ? 1e-300 : ray[3])
    const iy = 1 / (ray[4] === 0 ? 1e-300 : ray[4])
    const iz = 1 / (ray[5] === 0 ? 1e-300 : ray[5])
    // Near and far side of a box along each axis follow from the direction's signs.
    const nx = ix < 0 ? 3 : 0
    const ny = iy < 0 ? 4 : 1
    const nz = iz < 0 ? 5 : 2
    const px = 3 - nx
    const py = 5 - ny
    const pz = 7 - nz
    let best = limit[0]
    let hit = -1
    let node = 0
    let depth = 0
    for (;;) {
      const n = count[node]
      if (n > 0) {
        const i = this.among(inOrder, first[node], first[node] + n, noBound, anyShadow)
        if (i >= 0) {
          hit = i
          best = limit[0]
          if (anyShadow) break
        }
      } else {
        const left = first[node]
        const b = 6 * left
        let near = (bounds[b + nx] - ox) * ix
        let far = (bounds[b + px] - ox) * ix
        let near2 = (bounds[b + ny] - oy) * iy
        let far2 = (bounds[b + py] - oy) * iy
        if (near2 > near) near = near2
        if (far2 < far) far = far2
        near2 = (bounds[b + nz] - oz) * iz
        far2 = (bounds[b + pz] - oz) * iz
        if (near2 > near) near = near2
        if (far2 < far) far = far2
        const leftT = near <= far && far > 0 && near < best ? near : MISS
        near = (bounds[b + 6 + nx] - ox) * ix
        far = (bounds[b + 6 + px] - ox) * ix
        near2 = (bounds[b + 6 + ny] - oy) * iy
        far2 = (bounds[b + 6 + py] - oy) * iy
        if (near2 > near) near = near2
        if (far2 < far) far = far2
        near2 = (bounds[b + 6 + nz] - oz) * iz
        far2 = (bounds[b + 6 + pz] - oz) * iz
        if (near2 > near) near = near2
        if (far2 < far) far = far2
        const rightT = near <= far && far > 0 && near < best ? near : MISS
        if (leftT <= rightT) {
          if (leftT !== MISS) {
            if (rightT !== MISS) {
              stack[depth] = left + 1
              stackT[depth++] = rightT
            }
            node = left
            continue
          }
        } else {
          if (leftT !== MISS) {
            stack[depth] = left
            stackT[depth++] = leftT
          }
          node = left + 1
          continue
        }
      }
      // Skips nodes that the nearest hit has meanwhile moved in front of.
      do depth--
      while (depth >= 0 && stackT[depth] >= best)
      if (depth < 0) break
      node = stack[depth]
    }
    ray[6] = hit < 0 ? MISS : best
    return hit
  }

  /**
   * The one of the solids list[begin .. end] that the ray enters first at START < t < limit[0], or −1; lowers the limit to it.
   * `near`: ascending lower bounds of t by solid. With `anyShadow`, the first found that casts a shadow.
   */
  private among(list: Int32Array, begin: number, end: number, near: Float64Array, anyShadow: boolean): number {
    const { shape, toLocal, taper, castsShadow } = this.primitives
    const { ray, limit } = this
    const ox = ray[0]
    const oy = ray[1]
    const oz = ray[2]
    const dx = ray[3]
    const dy = ray[4]
    const dz = ray[5]
    let best = limit[0]
    let hit = -1
    for (let k = begin; k < end; k++) {
      const i = list[k]
      if (near[i] >= best) break
      if (anyShadow && castsShadow[i] === 0) continue
      const m = 12 * i
      const z = toLocal[m + 8] * ox + toLocal[m + 9] * oy + toLocal[m + 10] * oz + toLocal[m + 11]
      const w = toLocal[m + 8] * dx + toLocal[m + 9] * dy + toLocal[m + 10] * dz
      const kind = shape[i]
      let t = MISS
      if (kind === QUAD) {
        const at = -z / w
        if (!(at > START && at < best)) continue
        const hx = ox + at * dx
        const hy = oy + at * dy
        const hz = oz + at * dz
        const x = toLocal[m] * hx + toLocal[m + 1] * hy + toLocal[m + 2] * hz + toLocal[m + 3]
        if (x > 1 || x < -1) continue
        const y = toLocal[m + 4] * hx + toLocal[m + 5] * hy + toLocal[m + 6] * hz + toLocal[m + 7]
        if (y > 1 || y < -1) continue
        t = at
      } else {
        const x = toLocal[m] * ox + toLocal[m + 1] * oy + toLocal[m + 2] * oz + toLocal[m + 3]
        const y = toLocal[m + 4] * ox + toLocal[m + 5] * oy + toLocal[m + 6] * oz + toLocal[m + 7]
        const u = toLocal[m] * dx + toLocal[m + 1] * dy + toLocal[m + 2] * dz
        const v = toLocal[m + 4] * dx + toLocal[m + 5] * dy + toLocal[m + 6] * dz
        if (kind === BOX || kind === MESH) {
          // A slab is entered at the face that the ray meets first: (±1 − x)/u = −x/u − |1/u|.
          let inverse = 1 / (u === 0 ? 1e-300 : u)
          let width = inverse < 0 ? -inverse : inverse
          let enter = -x * inverse - width
          let leave = -x * inverse + width
          inverse = 1 / (v === 0 ? 1e-300 : v)
          width = inverse < 0 ? -inverse : inverse
          let a = -y * inverse - width
          let b = -y * inverse + width
          if (a > enter) enter = a
          if (b < leave) leave = b
          inverse = 1 / (w === 0 ? 1e-300 : w)
          width = inverse < 0 ? -inverse : inverse
          a = -z * inverse - width
          b = -z * inverse + width
          if (a > enter) enter = a
          if (b < leave) leave = b
          if (enter > leave) continue
          if (kind === MESH) {
            // The box only says whether to ask the triangles; the ray may start inside it.
            if (enter >= best || leave <= START) continue
            t = this.inMesh(i, x, y, z, u, v, w, best, anyShadow)
          } else t = enter
        } else if (kind === ELLIPSOID) {
          const a = u * u + v * v + w * w
          const b = x * u + y * v + z * w
          const c = x * x + y * y + z * z - 1
          const q = b * b - a * c
          if (q < 0) continue
          t = (-b - Math.sqrt(q)) / a
        } else {
          // Frustum, r(z) = p + s·z: entered through the mantle where it faces the ray, or through the cap that does.
          const top = taper[i]
          const p = (1 + top) / 2
          const s = (top - 1) / 2
          const r = p + s * z
          const a = u * u + v * v - s * s * w * w
          const b = x * u + y * v - s * w * r
          const c = x * x + y * y - r * r
          const q = b * b - a * c
          if (q >= 0 && a !== 0) {
            const root = Math.sqrt(q)
            // The derivative of x² + y² − r² along the ray is 2(b + a·t), which is −2·root at this t: the ray enters.
            const at = (-b - root) / a
            const hz = z + at * w
            if (at > START && hz <= 1 && hz >= -1) t = at
          }
          const cap = w < 0 ? 1 : -1
          const at = (cap - z) / w
          if (at > START && at < t) {
            const hx = x + at * u
            const hy = y + at * v
            const reach = cap > 0 ? top : 1
            if (hx * hx + hy * hy <= reach * reach) t = at
          }
        }
      }
      if (t > START && t < best) {
        best = t
        hit = i
        if (anyShadow) break
      }
    }
    if (hit >= 0) limit[0] = best
    return hit
  }

  /** The t at which the ray, given in the frame of solid `i`, meets its mesh before `best`, or MISS. */
  private inMesh(
    i: number,
    x: number,
    y: number,
    z: number,
    u: number,
    v: number,
    w: number,
    best: number,
    any: boolean,
  ): number {
    const { meshTracer, meshes } = this
    const { ray } = meshTracer
    ray[0] = x
    ray[1] = y
    ray[2] = z
    ray[3] = u
    ray[4] = v
    ray[5] = w
    ray[6] = best
    const triangle = meshTracer.cast(meshes[this.primitives.mesh[i]], any)
    if (triangle < 0) return MISS
    this.triangle = triangle
    return ray[6]
  }

  /** Whether a point lies inside any solid or the box of a mesh, or within `margin` metres of one (measured along the solid's own axes). */
  contains(x: number, y: number, z: number, margin: number): boolean {
    const { count, shape, toLocal, half, taper } = this.primitives
    for (let i = 0; i < count; i++) {
      const m = 12 * i
      const lx = Math.abs(toLocal[m] * x + toLocal[m + 1] * y + toLocal[m + 2] * z + toLocal[m + 3])
      const ly = Math.abs(toLocal[m + 4] * x + toLocal[m + 5] * y + toLocal[m + 6] * z + toLocal[m + 7])
      const lz = Math.abs(toLocal[m + 8] * x + toLocal[m + 9] * y + toLocal[m + 10] * z + toLocal[m + 11])
      const h = 3 * i
      const wide = shape[i] === FRUSTUM ? Math.max(1, taper[i]) : 1
      const thick = shape[i] === QUAD ? 0 : half[h + 2]
      // A quad's local z is already in metres.
      const away = shape[i] === QUAD ? lz : lz * half[h + 2]
      if (lx * half[h] < wide * half[h] + margin && ly * half[h + 1] < wide * half[h + 1] + margin) {
        if (away < thick + margin) return true
      }
    }
    return false
  }
}
