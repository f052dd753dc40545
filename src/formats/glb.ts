/**
 * GLB: a mesh and its photo in one file. Layout as in the glTF 2.0 specification, section 4.4:
 *
 *     'glTF', version 2, length │ length, 'JSON', the scene, blanks │ length, 'BIN', positions, uvs, indices, photo, zeros
 *
 * Every part of the binary chunk begins at a multiple of 4. The material is unlit (KHR_materials_unlit): the photo has its light in it,
 * and a viewer's lamps would light it a second time. Both sides are drawn. Written here and not by a library: the scene is always the
 * same, and a library that can write any other would be a twelfth of the page's code.
 */
import { DarError } from '../support/errors.ts'
import type { DepthMesh } from './mesh.ts'

const MAGIC = 0x46546c67
const JSON_CHUNK = 0x4e4f534a
const BINARY_CHUNK = 0x004e4942
const UNLIT = 'KHR_materials_unlit'
// Numbers that glTF takes from OpenGL.
const FLOAT = 5126
const UNSIGNED_INT = 5125
const VERTICES = 34962
const INDICES = 34963
const CLAMP_TO_EDGE = 33071
const LINEAR = 9729
const LINEAR_MIPMAP_LINEAR = 9987

const aligned = (length: number): number => Math.ceil(length / 4) * 4

/**
 * The bytes of a `.glb` file. `texture` is the photo as a JPEG or PNG file.
 * @throws DarError when it is neither.
 */
export function encodeGlb(
  { positions, uvs, indices }: DepthMesh,
  texture: Uint8Array,
  { name = 'depth' }: { readonly name?: string } = {},
): Uint8Array {
  const mimeType = texture[0] === 0xff && texture[1] === 0xd8 ? 'image/jpeg' : texture[1] === 0x50 ? 'image/png' : null
  if (mimeType === null) throw new DarError('the texture is neither a JPEG nor a PNG file; encode the photo as one')
  const parts = [bytesOf(positions), bytesOf(uvs), bytesOf(indices), texture]
  const targets = [VERTICES, VERTICES, INDICES, undefined]
  let end = 0
  const bufferViews = parts.map(({ length }, i) => {
    const byteOffset = end
    end += aligned(length)
    return { buffer: 0, byteOffset, byteLength: length, target: targets[i] }
  })
  const [min, max] = boundsOf(positions)
  const scene = {
    asset: { version: '2.0', generator: 'dar-depth' },
    extensionsUsed: [UNLIT],
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ name, mesh: 0 }],
    meshes: [{ name, primitives: [{ attributes: { POSITION: 0, TEXCOORD_0: 1 }, indices: 2, material: 0, mode: 4 }] }],
    materials: [
      {
        name: 'photo',
        doubleSided: true,
        pbrMetallicRoughness: { baseColorTexture: { index: 0 }, metallicFactor: 0, roughnessFactor: 1 },
        extensions: { [UNLIT]: {} },
      },
    ],
    textures: [{ sampler: 0, source: 0 }],
    // The photo ends at its edges.
    samplers: [{ magFilter: LINEAR, minFilter: LINEAR_MIPMAP_LINEAR, wrapS: CLAMP_TO_EDGE, wrapT: CLAMP_TO_EDGE }],
    images: [{ name: 'photo', bufferView: 3, mimeType }],
    accessors: [
      { bufferView: 0, componentType: FLOAT, count: positions.length / 3, type: 'VEC3', min, max },
      { bufferView: 1, componentType: FLOAT, count: uvs.length / 2, type: 'VEC2' },
      { bufferView: 2, componentType: UNSIGNED_INT, count: indices.length, type: 'SCALAR' },
    ],
    bufferViews,
    buffers: [{ byteLength: end }],
  }
  const json = new TextEncoder().encode(JSON.stringify(scene))
  const jsonLength = aligned(json.length)
  const bytes = new Uint8Array(12 + 8 + jsonLength + 8 + end)
  const view = new DataView(bytes.buffer)
  const words = (at: number, ...values: number[]) => {
    for (const [i, value] of values.entries()) view.setUint32(at + 4 * i, value, true)
  }
  words(0, MAGIC, 2, bytes.length, jsonLength, JSON_CHUNK)
  bytes.fill(0x20, 20, 20 + jsonLength)
  bytes.set(json, 20)
  const binary = 20 + jsonLength + 8
  words(binary - 8, end, BINARY_CHUNK)
  for (const [i, part] of parts.entries()) bytes.set(part, binary + bufferViews[i].byteOffset)
  return bytes
}

/** As they lie in memory, which is little-endian wherever JavaScript runs. */
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** The least and the greatest x, y, z. */
function boundsOf(positions: Float32Array): readonly [number[], number[]] {
  const min = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  const max = min.map((value) => -value)
  for (let i = 0; i < positions.length; i++) {
    const axis = i % 3
    if (positions[i] < min[axis]) min[axis] = positions[i]
    if (positions[i] > max[axis]) max[axis] = positions[i]
  }
  return [min, max]
}
