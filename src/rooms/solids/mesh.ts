/**
 * Triangle meshes as one more canonical shape. A mesh fills [−1, 1]³, and an instance is an affine map, as for every
 * solid. A scene has one hierarchy over its solids. Each mesh has a hierarchy over its triangles, built once and shared
 * by all instances. Triangles are visible from both sides. Where a texture is transparent (leaves, lattices) the ray
 * goes on.
 *
 * Intersection: Möller and Trumbore, "Fast, minimum storage ray/triangle intersection" (1997).
 */

import { buildBvh } from './bvh.ts'
import type { Image } from './image.ts'

/** The material of one part of a mesh. */
export interface MeshMaterial {
  /** Linear RGB reflectance; white where there is an image. */
  readonly colour: readonly [number, number, number]
  readonly gloss: number
  readonly image: Image | null
}

export interface Mesh {
  readonly triangles: number
  /** First corner and the two edges from it, in [−1, 1]³, in the order of the leaves. Stride 9. */
  readonly corners: Float32Array
  /** Unit normals at the three corners times 127, in the frame of the undistorted piece. Stride 9. */
  readonly normals: Int8Array
  /** Image coordinates at the three corners; empty where no material has an image. Stride 6. */
  readonly uvs: Float32Array
  /** Index into `materials` of each triangle. */
  readonly material: Uint8Array
  readonly materials: readonly MeshMaterial[]
  /** Box of each node: min x, y, z, max x, y, z. Stride 6. */
  readonly nodeBounds: Float32Array
  /** As in `Bvh`: left child of an inner node, first triangle of a leaf; triangles of a leaf, 0 for an inner node. */
  readonly nodeFirst: Int32Array
  readonly nodeCount: Int32Array
}

/** Triangles before sorting: three corners each, in [−1, 1]³. */
export interface TriangleSoup {
  /** Stride 9. */
  readonly positions: Float32Array
  /** Stride 9, unit vectors. */
  readonly normals: Float32Array
  /** Stride 6; empty for none. */
  readonly uvs: Float32Array
  readonly material: Uint8Array
  readonly materials: readonly MeshMaterial[]
}

/** Sorts triangles into a hierarchy. There must be at least one. */
export function buildMesh({ positions, normals, uvs, material, materials }: TriangleSoup): Mesh {
  const triangles = material.length
  const boxes = new Float64Array(6 * triangles)
  for (let i = 0; i < triangles; i++)
    for (let k = 0; k < 3; k++) {
      const [a, b, c] = [positions[9 * i + k], positions[9 * i + 3 + k], positions[9 * i + 6 + k]]
      // Slightly larger than the triangle, so that a hit on its border is never outside the box.
      boxes[6 * i + k] = Math.min(a, b, c) - 1e-6
      boxes[6 * i + 3 + k] = Math.max(a, b, c) + 1e-6
    }
  const bvh = buildBvh(boxes)
  const corners = new Float32Array(9 * triangles)
  const bent = new Int8Array(9 * triangles)
  const coordinates = new Float32Array(uvs.length)
  const parts = new Uint8Array(triangles)
  for (let n = 0; n < triangles; n++) {
    const i = bvh.order[n]
    for (let k = 0; k < 3; k++) {
      const a = positions[9 * i + k]
      corners[9 * n + k] = a
      corners[9 * n + 3 + k] = positions[9 * i + 3 + k] - a
      corners[9 * n + 6 + k] = positions[9 * i + 6 + k] - a
    }
    for (let k = 0; k < 9; k++) bent[9 * n + k] = Math.round(127 * normals[9 * i + k])
    if (uvs.length > 0) for (let k = 0; k < 6; k++) coordinates[6 * n + k] = uvs[6 * i + k]
    parts[n] = material[i]
  }
  return {
    triangles,
    corners,
    normals: bent,
    uvs: coordinates,
    material: parts,
    materials,
    nodeBounds: Float32Array.from(bvh.bounds),
    nodeFirst: bvh.first,
    nodeCount: bvh.count,
  }
}

/** Nearer hits are the surface that the ray starts from. */
const START = 1e-6

/**
 * Casts rays against meshes. The ray is in the mesh's own frame; numbers cross in arrays, as in ray-tracer.ts. The walk through the
 * hierarchy is that of ray-tracer.ts once more: one walk for both, with a call for every leaf, took 6 and 9 % more processor time
 * for furnished rooms (two runs).
 */
export class MeshTracer {
  /** Origin and direction of the next ray; after a hit its t, and the hit's barycentric coordinates along the two edges. */
  readonly ray = new Float64Array(9)
  private readonly stack = new Int32Array(128)
  private readonly stackT = new Float64Array(128)

  /** The triangle that the ray meets first at START < t < ray[6], or −1; with `any`, any such triangle. */
  cast(mesh: Mesh, any: boolean): number {
    const { nodeBounds: bounds, nodeFirst: first, nodeCount: count, corners } = mesh
    const { ray, stack, stackT } = this
    const ox = ray[0]
    const oy = ray[1]
    const oz = ray[2]
    const dx = ray[3]
    const dy = ray[4]
    const dz = ray[5]
    const ix = 1 / (dx === 0 ? 1e-300 : dx)
    const iy = 1 / (dy === 0 ? 1e-300 : dy)
    const iz = 1 / (dz === 0 ? 1e-300 : dz)
    const nx = ix < 0 ? 3 : 0
    const ny = iy < 0 ? 4 : 1
    const nz = iz < 0 ? 5 : 2
    const px = 3 - nx
    const py = 5 - ny
    const pz = 7 - nz
    let best = ray[6]
    let hit = -1
    let node = 0
    let depth = 0
    for (;;) {
      const n = count[node]
      if (n > 0) {
        const end = first[node] + n
        for (let i = first[node]; i < end; i++) {
          const c = 9 * i
          const ax = corners[c + 3]
          const ay = corners[c + 4]
          const az = corners[c + 5]
          const bx = corners[c + 6]
          const by = corners[c + 7]
          const bz = corners[c + 8]
          const qx = dy * bz - dz * by
          const qy = dz * bx - dx * bz
          const qz = dx * by - dy * bx
          const det = ax * qx + ay * qy + az * qz
          if (det === 0) continue
          const inverse = 1 / det
          const sx = ox - corners[c]
          const sy = oy - corners[c + 1]
          const sz = oz - corners[c + 2]
          const u = (sx * qx + sy * qy + sz * qz) * inverse
          if (u < 0 || u > 1) continue
          const rx = sy * az - sz * ay
          const ry = sz * ax - sx * az
          const rz = sx * ay - sy * ax
          const v = (dx * rx + dy * ry + dz * rz) * inverse
          if (v < 0 || u + v > 1) continue
          const t = (bx * rx + by * ry + bz * rz) * inverse
          if (!(t > START && t < best)) continue
          const { image } = mesh.materials[mesh.material[i]]
          if (image?.cutOut && isHole(mesh, i, u, v, image)) continue
          best = t
          hit = i
          ray[7] = u
          ray[8] = v
          if (any) {
            ray[6] = best
            return hit
          }
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
        const leftT = near <= far && far > 0 && near < best ? near : Infinity
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
        const rightT = near <= far && far > 0 && near < best ? near : Infinity
        if (leftT <= rightT) {
          if (leftT !== Infinity) {
            if (rightT !== Infinity) {
              stack[depth] = left + 1
              stackT[depth++] = rightT
            }
            node = left
            continue
          }
        } else {
          if (leftT !== Infinity) {
            stack[depth] = left
            stackT[depth++] = leftT
          }
          node = left + 1
          continue
        }
      }
      do depth--
      while (depth >= 0 && stackT[depth] >= best)
      if (depth < 0) break
      node = stack[depth]
    }
    ray[6] = best
    return hit
  }
}

/** Whether the image is transparent at the point of triangle `i` with barycentric coordinates u, v. */
function isHole(mesh: Mesh, i: number, u: number, v: number, image: Image): boolean {
  const { uvs } = mesh
  const k = 6 * i
  const w = 1 - u - v
  const s = w * uvs[k] + u * uvs[k + 2] + v * uvs[k + 4]
  const t = w * uvs[k + 1] + u * uvs[k + 3] + v * uvs[k + 5]
  const x = Math.floor((s - Math.floor(s)) * image.width)
  const y = Math.floor((1 - t - Math.floor(1 - t)) * image.height)
  return image.levels[0][4 * (Math.min(y, image.height - 1) * image.width + Math.min(x, image.width - 1)) + 3] < 128
}
