/**
 * The solids that a procedural scene is made of, as flat arrays that the ray tracer reads without allocating.
 *
 * Every solid is a canonical shape under an affine map, so that a ray is moved into the solid's own frame once and the
 * intersection there has no parameters (the ray parameter t is unchanged by an affine map):
 *
 *     box        [-1, 1]³
 *     quad       [-1, 1]² at z = 0, seen from both sides
 *     ellipsoid  x² + y² + z² = 1
 *     frustum    x² + y² = (a + b·z)², |z| ≤ 1, with caps; radius 1 at z = −1 and `taper` at z = +1
 *     mesh       triangles that fill [-1, 1]³ (mesh.ts), seen from both sides
 *
 * World frame: metres, z up. Leaves out constructive solid geometry, which rooms do not need.
 */

export const BOX = 0
export const QUAD = 1
export const ELLIPSOID = 2
export const FRUSTUM = 3
export const MESH = 4

/** Solids of a finished scene; index i of every array (times its stride) belongs to solid i. */
export interface Primitives {
  readonly count: number
  /** BOX, QUAD, ELLIPSOID, FRUSTUM or MESH. */
  readonly shape: Uint8Array
  /** World to local, rows of a 3×4 matrix: local = M · (x, y, z, 1). Stride 12. */
  readonly toLocal: Float64Array
  /** Half sizes in metres along the local axes. Stride 3. */
  readonly half: Float64Array
  /** World box: min x, y, z, max x, y, z. Stride 6. */
  readonly bounds: Float64Array
  /** Top radius over bottom radius of a frustum, else 1. */
  readonly taper: Float64Array
  /** Index into the scene's materials; of a mesh that of its first part, the others follow. */
  readonly material: Int32Array
  /** 0 for lamps, shades and panes, which light passes. */
  readonly castsShadow: Uint8Array
  /** Index into the scene's meshes; 0 for other solids. */
  readonly mesh: Int32Array
}

/** Where a piece of furniture stands: an origin and a turn about the vertical axis. */
export class Pose {
  readonly x: number
  readonly y: number
  readonly z: number
  readonly yaw: number

  constructor(x: number, y: number, z: number, yaw: number) {
    this.x = x
    this.y = y
    this.z = z
    this.yaw = yaw
  }

  /** The frame at (x, y, z) of this one, turned by `yaw` more. */
  at(x: number, y: number, z: number, yaw = 0): Pose {
    const c = Math.cos(this.yaw)
    const s = Math.sin(this.yaw)
    return new Pose(this.x + c * x - s * y, this.y + s * x + c * y, this.z + z, this.yaw + yaw)
  }
}

export interface SolidOptions {
  /** Rotation about the local vertical axis, radians, applied after `pitch` and `roll`. */
  readonly yaw?: number
  /** Rotation about the local x axis. */
  readonly pitch?: number
  /** Rotation about the local y axis. */
  readonly roll?: number
  readonly taper?: number
  readonly castsShadow?: boolean
  /** Index into the scene's meshes, for a MESH. */
  readonly mesh?: number
}

export type Vector = readonly [number, number, number]

/** Collects solids while a scene is built. */
export class PrimitiveList {
  private readonly shape: number[] = []
  private readonly toLocal: number[] = []
  private readonly half: number[] = []
  private readonly bounds: number[] = []
  private readonly taper: number[] = []
  private readonly material: number[] = []
  private readonly castsShadow: number[] = []
  private readonly mesh: number[] = []

  get count(): number {
    return this.shape.length
  }

  /** Adds a solid with its centre at `centre` and half sizes `half` (metres) in `frame`. */
  add(shape: number, frame: Pose, centre: Vector, half: Vector, material: number, options: SolidOptions = {}): void {
    const { yaw = 0, pitch = 0, roll = 0, taper = 1, castsShadow = true, mesh = 0 } = options
    // R = Rz(yaw) · Rx(pitch) · Ry(roll): columns are the solid's axes in the world.
    const cz = Math.cos(frame.yaw + yaw)
    const sz = Math.sin(frame.yaw + yaw)
    const cx = Math.cos(pitch)
    const sx = Math.sin(pitch)
    const cy = Math.cos(roll)
    const sy = Math.sin(roll)
    const axes = [
      cz * cy - sz * sx * sy,
      sz * cy + cz * sx * sy,
      -cx * sy,
      -sz * cx,
      cz * cx,
      sx,
      cz * sy + sz * sx * cy,
      sz * sy - cz * sx * cy,
      cx * cy,
    ]
    const c = frame.at(centre[0], centre[1], centre[2])
    this.addOriented(shape, [c.x, c.y, c.z], axes, half, material, taper, castsShadow)
    this.mesh[this.count - 1] = mesh
  }

  /** Changes the material of the solid that was added `index`-th. */
  setMaterial(index: number, material: number): void {
    this.material[index] = material
  }

  /** Adds a frustum from world point `p` (radius `r`) to world point `q` (radius `r · taper`). */
  addLimb(p: Vector, q: Vector, radius: number, taper: number, material: number): void {
    const d = [q[0] - p[0], q[1] - p[1], q[2] - p[2]]
    const length = Math.max(Math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]), 1e-6)
    const w = [d[0] / length, d[1] / length, d[2] / length]
    // Any vector that is not nearly parallel to w makes a basis.
    const flat = Math.sqrt(w[0] * w[0] + w[1] * w[1])
    const u = flat > 0.05 ? [w[1] / flat, -w[0] / flat, 0] : unit([w[2], 0, -w[0]])
    const v = [w[1] * u[2] - w[2] * u[1], w[2] * u[0] - w[0] * u[2], w[0] * u[1] - w[1] * u[0]]
    const centre: Vector = [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2, (p[2] + q[2]) / 2]
    this.addOriented(FRUSTUM, centre, [...u, ...v, ...w], [radius, radius, length / 2], material, taper, true)
  }

  /** `axes`: three orthonormal world vectors, the local x, y and z axes. */
  private addOriented(
    shape: number,
    centre: Vector,
    axes: readonly number[],
    half: Vector,
    material: number,
    taper: number,
    castsShadow: boolean,
  ): void {
    const h: Vector = [half[0], half[1], shape === QUAD ? 1 : half[2]]
    for (let row = 0; row < 3; row++) {
      const k = 1 / h[row]
      const ax = axes[3 * row] * k
      const ay = axes[3 * row + 1] * k
      const az = axes[3 * row + 2] * k
      this.toLocal.push(ax, ay, az, -(ax * centre[0] + ay * centre[1] + az * centre[2]))
    }
    const lo = [0, 0, 0]
    const hi = [0, 0, 0]
    for (let k = 0; k < 3; k++) {
      const ex = Math.abs(axes[k]) * h[0]
      const ey = Math.abs(axes[3 + k]) * h[1]
      const ez = shape === QUAD ? 0 : Math.abs(axes[6 + k]) * h[2]
      const widest = Math.max(1, taper)
      let reach = ex + ey + ez
      if (shape === ELLIPSOID) reach = Math.sqrt(ex * ex + ey * ey + ez * ez)
      if (shape === FRUSTUM) reach = widest * Math.sqrt(ex * ex + ey * ey) + ez
      // Slightly larger than the solid, so that rounding never puts a hit outside its box.
      lo[k] = centre[k] - reach - 1e-7
      hi[k] = centre[k] + reach + 1e-7
    }
    this.shape.push(shape)
    this.half.push(h[0], h[1], h[2])
    this.bounds.push(lo[0], lo[1], lo[2], hi[0], hi[1], hi[2])
    this.taper.push(taper)
    this.material.push(material)
    this.castsShadow.push(castsShadow ? 1 : 0)
    this.mesh.push(0)
  }

  /** World boxes, stride 6, in the order of adding. */
  worldBounds(): Float64Array {
    return Float64Array.from(this.bounds)
  }

  /** The solids in the order given (a permutation of 0 .. count − 1). */
  finish(order: Int32Array): Primitives {
    const count = this.count
    const gather = (source: number[], stride: number): Float64Array => {
      const out = new Float64Array(count * stride)
      for (let i = 0; i < count; i++)
        for (let k = 0; k < stride; k++) out[i * stride + k] = source[order[i] * stride + k]
      return out
    }
    return {
      count,
      shape: Uint8Array.from(order, (i) => this.shape[i]),
      toLocal: gather(this.toLocal, 12),
      half: gather(this.half, 3),
      bounds: gather(this.bounds, 6),
      taper: gather(this.taper, 1),
      material: Int32Array.from(order, (i) => this.material[i]),
      castsShadow: Uint8Array.from(order, (i) => this.castsShadow[i]),
      mesh: Int32Array.from(order, (i) => this.mesh[i]),
    }
  }
}

function unit(v: readonly [number, number, number]): number[] {
  const length = Math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
  return [v[0] / length, v[1] / length, v[2] / length]
}
