/**
 * Safetensors on disk: the format is in safetensors.ts, which a browser can load; this file is its Node half.
 * Left out: memory-mapping, which the engine does itself for weights that a graph names as external data (`readHeader`
 * gives the offsets for that without reading the weights).
 */
import { type FileHandle, open } from 'node:fs/promises'
import { DarError, messageOf } from '../support/errors.ts'
import { writeFileAtomically } from '../support/files.ts'
import {
  LENGTH_BYTES,
  parseHeader,
  parseHeaderLength,
  parseSafetensors,
  type SafetensorsFile,
  type SafetensorsHeader,
  serialiseSafetensors,
  type TensorToStore,
} from './safetensors.ts'

/** The most that one read call is asked for; the system's limit is a little under 2 GiB. */
const READ_BYTES = 2 ** 30

/**
 * Reads and checks the header of a file, and nothing else of it: cheap however large the weights are.
 * Throws a DarError that names the file when it cannot be read or breaks a rule of the format.
 */
export async function readHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, async (file, size) => {
    const prefix = await readExactly(file, path, 0, Math.min(LENGTH_BYTES, size))
    const length = parseHeaderLength(prefix, size, path)
    return parseHeader(await readExactly(file, path, LENGTH_BYTES, length), size, path)
  })
}

/** Reads a whole file into memory, which `tensor.data` then looks into; errors as `readHeader`. */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  return withFile(path, async (file, size) => parseSafetensors(await readExactly(file, path, 0, size), path))
}

/** Writes a file that is complete or not there; errors as `serialiseSafetensors`, or when the folder is not writable. */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorToStore>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomically(path, serialiseSafetensors(tensors, metadata))
}

async function withFile<T>(path: string, use: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
  let file: FileHandle | null = null
  try {
    file = await open(path, 'r')
    return await use(file, (await file.stat()).size)
  } catch (error) {
    if (error instanceof DarError) throw error
    throw new DarError(`cannot read ${path} (${messageOf(error)}): check that it is a file that you may read`)
  } finally {
    await file?.close()
  }
}

/** `length` bytes from `position`: a read may return fewer than were asked for, so ask until all are there. */
async function readExactly(file: FileHandle, path: string, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, READ_BYTES), position + done)
    if (bytesRead === 0) throw new DarError(`${path} became shorter while it was read: try again`)
    done += bytesRead
  }
  return bytes
}
