/**
 * Converts a Wavefront text to a mesh for the ray tracer: triangulated, upright, scaled into [−1, 1]³, without glass,
 * and with normals that are smooth where faces meet at less than `CREASE`.
 *
 * Catalogues are y-up with the front towards +z; ours is z-up with the front towards +y: (x, y, z) becomes (−x, z, y).
 */
import type { Image } from '../solids/image.ts'
import { buildMesh, type Mesh, type MeshMaterial } from '../solids/mesh.ts'
import { type Obj, type ObjMaterial, plainMaterial } from './obj.ts'

/** Cosine of 0.6 rad. Edges with a smaller angle are shaded smooth. */
const CREASE = 0.825

/**
 * Materials that are more transparent than this and have no image are left out, so that the depth is that of what lies
 * behind.
 */
const GLASS = 0.75

/**
 * Smoothing looks from each face of a corner at every other: the sum over corners of faces squared. Of true furniture a corner has six or
 * so, and the whole some millions. A fan of all faces around one corner would take hours.
 */
const MOST_NEIGHBOURS = 3e8

export interface ShapeOptions {
  /** Metres: width, depth, height. */
  readonly size: readonly [number, number, number]
  readonly rotation: readonly number[] | null
  readonly materials: ReadonlyMap<string, ObjMaterial>
  /** Decoded images by the name that materials use. A material whose image is missing is plain. */
  readonly images: ReadonlyMap<string, Image>
}

/** Null when there is no triangle with an area. Throws a RangeError when too many faces meet in one place. */
export function buildShape(obj: Obj, { size, rotation, materials, images }: ShapeOptions): Mesh | null {
  const parts = obj.materialNames.map((name) => materials.get(name) ?? plainMaterial())
  const isGlass = parts.map((part) => part.opacity < GLASS && !hasImage(part, images))
  // Something that is all glass, such as a drinking glass, is kept.
  const keepGlass = obj.material.every((part) => isGlass[part])
  const upright = turned(obj.positions, rotation)
  const { centre, half } = extent(obj, upright)
  const scale = [0, 1, 2].map((k) => (half[k] > 0 ? 1 / half[k] : 0))
  const normalised = Float64Array.from(upright, (v, i) => (v - centre[i % 3]) * scale[i % 3])
  const metric = Float64Array.from(normalised, (v, i) => (v * size[i % 3]) / 2)
  const kept: number[] = []
  const faceNormals: number[] = []
  for (let i = 0; i < obj.material.length; i++) {
    if (isGlass[obj.material[i]] && !keepGlass) continue
    const n = areaNormal(metric, obj.triangles[9 * i], obj.triangles[9 * i + 3], obj.triangles[9 * i + 6])
    if (!(Math.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) > 1e-12)) continue
    kept.push(i)
    faceNormals.push(...n)
  }
  if (kept.length === 0) return null
  const normals = smoothNormals(obj, normalised, kept, faceNormals)
  const positions = new Float32Array(9 * kept.length)
  const anyImage = parts.some((part) => hasImage(part, images))
  const uvs = new Float32Array(anyImage ? 6 * kept.length : 0)
  kept.forEach((i, n) => {
    for (let c = 0; c < 3; c++) {
      const [p, t] = [obj.triangles[9 * i + 3 * c], obj.triangles[9 * i + 3 * c + 1]]
      for (let k = 0; k < 3; k++) positions[9 * n + 3 * c + k] = normalised[3 * p + k]
      if (anyImage && t >= 0) for (let k = 0; k < 2; k++) uvs[6 * n + 2 * c + k] = obj.uvs[2 * t + k] || 0
    }
  })
  return buildMesh({
    positions,
    normals,
    uvs,
    // More parts than fit in a byte do not occur in practice. Any excess shares the last material.
    material: Uint8Array.from(kept, (i) => Math.min(obj.material[i], 255)),
    materials: parts.slice(0, 256).map((part) => meshMaterial(part, images)),
  })
}

function hasImage({ image }: ObjMaterial, images: ReadonlyMap<string, Image>): boolean {
  return image !== null && images.has(image)
}

function meshMaterial(part: ObjMaterial, images: ReadonlyMap<string, Image>): MeshMaterial {
  const image = part.image === null ? null : (images.get(part.image) ?? null)
  // Phong exponents go up to 1000; matt materials have 0 to 20.
  const gloss = Math.min(Math.max(part.shininess - 10, 0) / 300, 0.6)
  if (image !== null) return { colour: [1, 1, 1], gloss, image }
  const linear = part.colour.map((c) => {
    const v = Math.min(Math.max(c, 0.02), 0.95)
    return v * v * (0.8 + 0.2 * v)
  })
  return { colour: [linear[0], linear[1], linear[2]], gloss, image }
}

/** Rotated as the catalogue says, then z-up. Stride 3. */
function turned(positions: readonly number[], rotation: readonly number[] | null): Float64Array {
  const out = new Float64Array(positions.length)
  const m = rotation ?? [1, 0, 0, 0, 1, 0, 0, 0, 1]
  for (let i = 0; i < positions.length; i += 3) {
    const [x, y, z] = [positions[i], positions[i + 1], positions[i + 2]]
    out[i] = -(m[0] * x + m[1] * y + m[2] * z)
    out[i + 1] = m[6] * x + m[7] * y + m[8] * z
    out[i + 2] = m[3] * x + m[4] * y + m[5] * z
  }
  return out
}

/** Of the corners that faces use. */
function extent(obj: Obj, positions: Float64Array): { centre: number[]; half: number[] } {
  const lo = [Infinity, Infinity, Infinity]
  const hi = [-Infinity, -Infinity, -Infinity]
  for (let i = 0; i < obj.triangles.length; i += 3)
    for (let k = 0; k < 3; k++) {
      const v = positions[3 * obj.triangles[i] + k]
      if (v < lo[k]) lo[k] = v
      if (v > hi[k]) hi[k] = v
    }
  return { centre: lo.map((v, k) => (v + hi[k]) / 2), half: lo.map((v, k) => (hi[k] - v) / 2) }
}

/** Twice the area, along the normal. */
function areaNormal(p: Float64Array, a: number, b: number, c: number): [number, number, number] {
  const [ax, ay, az] = [p[3 * b] - p[3 * a], p[3 * b + 1] - p[3 * a + 1], p[3 * b + 2] - p[3 * a + 2]]
  const [bx, by, bz] = [p[3 * c] - p[3 * a], p[3 * c + 1] - p[3 * a + 1], p[3 * c + 2] - p[3 * a + 2]]
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

/** At each corner, the area-weighted mean normal of the adjacent faces within the crease angle. Stride 9. */
function smoothNormals(obj: Obj, normalised: Float64Array, kept: readonly number[], faceNormals: readonly number[]) {
  const unit = Float64Array.from(faceNormals)
  for (let i = 0; i < unit.length; i += 3) {
    const k = 1 / Math.sqrt(unit[i] * unit[i] + unit[i + 1] * unit[i + 1] + unit[i + 2] * unit[i + 2])
    for (let c = 0; c < 3; c++) unit[i + c] *= k
  }
  // Faces by corner. Corners at the same place count as one, because some files repeat them.
  const places = new Map<number, number[]>()
  const placeOf: (number[] | undefined)[] = []
  const facesAt = (p: number): number[] => {
    const known = placeOf[p]
    if (known) return known
    // Packs three coordinates of 17 bits into one number.
    const [x, y, z] = [0, 1, 2].map((k) => Math.round((normalised[3 * p + k] + 1) * 65535))
    const key = x + 2 ** 17 * (y + 2 ** 17 * z)
    const faces = places.get(key) ?? []
    places.set(key, faces)
    placeOf[p] = faces
    return faces
  }
  kept.forEach((i, n) => {
    for (let c = 0; c < 3; c++) facesAt(obj.triangles[9 * i + 3 * c]).push(n)
  })
  let neighbours = 0
  for (const { length } of places.values()) neighbours += length * length
  if (neighbours > MOST_NEIGHBOURS) throw new RangeError('too many faces meet in one place')
  const out = new Float32Array(9 * kept.length)
  kept.forEach((i, n) => {
    for (let c = 0; c < 3; c++) {
      let [x, y, z] = [0, 0, 0]
      for (const other of facesAt(obj.triangles[9 * i + 3 * c])) {
        const alike =
          unit[3 * n] * unit[3 * other] + unit[3 * n + 1] * unit[3 * other + 1] + unit[3 * n + 2] * unit[3 * other + 2]
        if (alike < CREASE) continue
        x += faceNormals[3 * other]
        y += faceNormals[3 * other + 1]
        z += faceNormals[3 * other + 2]
      }
      const k = 1 / Math.sqrt(x * x + y * y + z * z)
      out[9 * n + 3 * c] = x * k
      out[9 * n + 3 * c + 1] = y * k
      out[9 * n + 3 * c + 2] = z * k
    }
  })
  return out
}
