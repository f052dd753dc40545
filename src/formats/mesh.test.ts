import { validateBytes } from 'gltf-validator'
import { describe, expect, it } from 'vitest'
import type { DepthImage } from '../image/types.ts'
import { encodeJpegRgb } from '../node/jpeg.ts'
import { DarError } from '../support/errors.ts'
import { encodeGlb } from './glb.ts'
import { type DepthMesh, depthMesh } from './mesh.ts'
import { boxBeforeWall, camera, photo } from './testing.ts'

/** A floor 1.5 m below a camera that looks along it; above the horizon there is nothing. */
function floor({ width = 64, height = 64, focal = 60 } = {}): DepthImage {
  const cy = (height - 1) / 2
  const data = Float32Array.from({ length: width * height }, (_, i) => {
    const below = Math.floor(i / width) - cy
    return below > 0 ? (1.5 * focal) / below : 0
  })
  return { width, height, data }
}

const corner = ({ positions }: DepthMesh, i: number) => [...positions.subarray(3 * i, 3 * i + 3)]
const triangles = (mesh: DepthMesh): number[][][] =>
  Array.from({ length: mesh.indices.length / 3 }, (_, t) => [0, 1, 2].map((i) => corner(mesh, mesh.indices[3 * t + i])))

describe('depthMesh', () => {
  it('joins neighbours on a surface, and not across a jump', () => {
    const mesh = depthMesh(boxBeforeWall(), camera)
    // 12 columns of vertices on each side of the jump.
    expect(mesh.indices.length / 3).toBe(2 * 2 * 11 * 15)
    expect(mesh.positions.length / 3).toBe(24 * 16)
    for (const corners of triangles(mesh)) expect(new Set(corners.map(([, , z]) => z)).size).toBe(1)
  })

  it('turns its front to the camera, in glTF’s axes', () => {
    const mesh = depthMesh(boxBeforeWall(), camera)
    // The first vertex is the pixel at the top left of the photo: left of, above and before the camera.
    const first = corner(
      mesh,
      [...mesh.uvs].findIndex((value, i, all) => i % 2 === 0 && value < 0.03 && all[i + 1] < 0.04) / 2,
    )
    expect(first[0]).toBeCloseTo((-11.5 / 40) * 2, 5)
    expect(first[1]).toBeCloseTo((7.5 / 50) * 2, 5)
    expect(first[2]).toBe(-2)
    for (const [a, b, c] of triangles(mesh)) {
      // z of (b − a) × (c − a): towards the camera where the corners go anticlockwise.
      const normal = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
      expect(normal).toBeGreaterThan(0)
    }
  })

  it('keeps a floor as far as it is not too steep, at every size and stride of the photo', () => {
    const reach = (map: DepthImage, focal: number, stride: number) => {
      const intrinsics = { fx: focal, fy: focal, cx: (map.width - 1) / 2, cy: (map.height - 1) / 2 }
      const { positions } = depthMesh(map, intrinsics, { stride, steepest: 80 })
      return Math.max(...positions.filter((_, i) => i % 3 === 2).map((z) => -z))
    }
    // 80° from the normal of the picture: 10° below the horizon, 1.5 m / tan 10° = 8.5 m.
    const small = reach(floor(), 60, 1)
    const large = reach(floor({ width: 128, height: 512, focal: 480 }), 480, 1)
    const coarse = reach(floor({ width: 128, height: 512, focal: 480 }), 480, 2)
    for (const metres of [small, large, coarse]) expect(Math.abs(metres / 8.5 - 1)).toBeLessThan(0.1)
  })

  it('cuts a jump that is spread over many pixels, as enlarging a map spreads it', () => {
    const [width, height] = [400, 4] // from 1 to 2 m within 10 pixels of 400
    const data = Float32Array.from({ length: width * height }, (_, i) => {
      const t = Math.min(1, Math.max(0, ((i % width) - 195) / 10))
      return 1 + t
    })
    const wide = { fx: 400, fy: 400, cx: 199.5, cy: 1.5 }
    const mesh = depthMesh({ width, height, data }, wide)
    const cut = triangles(mesh).filter((corners) => corners.some(([, , z]) => z < -1.2 && z > -1.8))
    expect(cut).toEqual([])
    expect(mesh.indices.length).toBeGreaterThan(6 * 2 * 3 * 180)
  })

  it('leaves out pixels without depth, what is too far, and vertices that no triangle uses', () => {
    const depth = boxBeforeWall()
    depth.data[5 * 24 + 3] = 0
    const holed = depthMesh(depth, camera)
    // Four cells lose what touches the hole: of each at least one triangle.
    expect(holed.indices.length / 3).toBeLessThan(2 * 2 * 11 * 15 - 3)
    expect(holed.positions.length / 3).toBe(24 * 16 - 1)
    expect(holed.indices.every((i) => i < holed.positions.length / 3)).toBe(true)
    expect(depthMesh(boxBeforeWall(), camera, { maxDepth: 1.5 }).positions.length / 3).toBe(12 * 16)
  })

  it('has at most half a million vertices unless a stride is given', () => {
    const [width, height] = [1600, 1200]
    const mesh = depthMesh({ width, height, data: new Float32Array(width * height).fill(2) }, camera)
    expect(mesh.positions.length / 3).toBe(800 * 600)
  })

  it.each([
    [{ steepest: 90 }, /steepest is 90; give degrees/],
    [{ stride: 100 }, /nothing is left of the surface/],
  ])('refuses %j', (options, message) => {
    expect(() => depthMesh(boxBeforeWall(), camera, options)).toThrow(DarError)
    expect(() => depthMesh(boxBeforeWall(), camera, options)).toThrow(message)
  })
})

describe('encodeGlb', () => {
  it('writes what the Khronos validator finds nothing to say about', async () => {
    const bytes = encodeGlb(depthMesh(boxBeforeWall(), camera), await encodeJpegRgb(photo()))
    const { issues, info } = await validateBytes(bytes)
    // A hint for engines of 2011; photos are of any size.
    expect(issues.messages.filter(({ code }) => code !== 'IMAGE_NPOT_DIMENSIONS')).toEqual([])
    expect(info).toMatchObject({
      version: '2.0',
      extensionsUsed: ['KHR_materials_unlit'],
      drawCallCount: 1,
      totalVertexCount: 24 * 16,
      totalTriangleCount: 660,
    })
    expect(info.resources.map(({ mimeType, image }) => [mimeType, image?.width])).toContainEqual(['image/jpeg', 24])
  })

  it('refuses a texture that is no JPEG or PNG file', () => {
    expect(() => encodeGlb(depthMesh(boxBeforeWall(), camera), photo().data)).toThrow(/neither a JPEG nor a PNG/)
  })
})
