/**
 * Meshes on disk, one file a shape, so that no shape is parsed and sorted twice. A file is a SHA-256 of what follows, then the mesh
 * in V8's own serialisation. A file that is missing, torn or of another format is made again from its catalogue: a cache
 * that can't be read is never an error. One that can't be written is.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { deserialize, serialize } from 'node:v8'
import { writeFileAtomically } from '../../support/files.ts'
import type { Mesh } from '../solids/mesh.ts'

const DIGEST = 32

/** The mesh in `path`, or null if there is none that is whole. */
export async function readMesh(path: string): Promise<Mesh | null> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch {
    return null
  }
  const body = bytes.subarray(DIGEST)
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(0, DIGEST))) return null
  return deserialize(body) as Mesh
}

export async function writeMesh(path: string, mesh: Mesh): Promise<void> {
  const body = serialize(mesh)
  const digest = createHash('sha256').update(body).digest()
  await writeFileAtomically(path, Buffer.concat([digest, body]))
}
