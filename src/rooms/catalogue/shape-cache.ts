/**
 * Meshes on disk, one file per shape, so that no shape is parsed twice. A file is the SHA-256 of the rest, then the
 * mesh in V8's serialisation. A file that is missing, incomplete or of another format is made again from its catalogue.
 * A cache that cannot be read is therefore never an error; one that cannot be written is.
 */
import { createHash } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import { writeFileAtomically } from '../../support/files.ts'
import { readRegularFile } from '../../support/read-file.ts'
import type { Mesh } from '../solids/mesh.ts'

const DIGEST = 32

/** The mesh in `path`; null if the file is missing or incomplete. */
export async function readMesh(path: string): Promise<Mesh | null> {
  let bytes: Buffer
  try {
    bytes = await readRegularFile(path)
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
