/**
 * Safetensors on disk: the format is in safetensors.ts, which a browser can load; this file is its Node half.
 * Left out: memory-mapping, which the engine does itself for weights that a graph names as external data (`readHeader`
 * gives the offsets for that without reading the weights).
 */
import type { FileHandle } from 'node:fs/promises'
import {
  bytesOf,
  LENGTH_BYTES,
  parseHeader,
  parseHeaderLength,
  parseSafetensors,
  planSafetensors,
  type SafetensorsFile,
  type SafetensorsHeader,
  StoredTensor,
  serialiseSafetensors,
  type TensorData,
  type TensorToStore,
} from '../safetensors/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { writeAtomically, writeFileAtomically } from '../support/files.ts'
import { openRegularFile, withRegularFile } from '../support/read-file.ts'

/** The most that one read call is asked for; the system's limit is a little under 2 GiB. */
const READ_BYTES = 2 ** 30

/**
 * Reads and checks the header of a file, and nothing else of it: cheap however large the weights are.
 * Throws a DarError that names the file when it cannot be read or breaks a rule of the format.
 */
export async function readHeader(path: string): Promise<SafetensorsHeader> {
  return withRegularFile(path, async (file, size) => {
    const prefix = await readExactly(file, path, 0, Math.min(LENGTH_BYTES, size))
    const length = parseHeaderLength(prefix, size, path)
    return parseHeader(await readExactly(file, path, LENGTH_BYTES, length), size, path)
  })
}

/** Reads a whole file into memory, which `tensor.data` then looks into; errors as `readHeader`. */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  return withRegularFile(path, async (file, size) => parseSafetensors(await readExactly(file, path, 0, size), path))
}

/** Writes a file that is complete or not there; errors as `serialiseSafetensors`, or when the folder is not writable. */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorToStore>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomically(path, serialiseSafetensors(tensors, metadata))
}

/**
 * Writes a file tensor by tensor, complete or not there: `dataOf` is called once for each, in the order of the file, so that
 * no more than one is in memory. For models of gigabytes; errors as `writeSafetensors`.
 */
export async function writeSafetensorsInParts(
  path: string,
  tensors: Readonly<Record<string, Pick<TensorToStore, 'dtype' | 'shape'>>>,
  dataOf: (name: string) => Promise<TensorData>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const plan = planSafetensors(tensors, metadata)
  await writeAtomically(path, async (file) => {
    await file.writeFile(plan.head)
    for (const [name, entry] of plan.tensors) await file.writeFile(bytesOf(name, entry, await dataOf(name)))
  })
}

/** A file whose tensors are read one at a time, when they are asked for. Holds the file open until disposed. */
export interface OpenSafetensors extends AsyncDisposable {
  readonly path: string
  readonly header: SafetensorsHeader
  /** One tensor in memory of its own. Throws a DarError when the file has none of this name or cannot be read. */
  read(name: string): Promise<StoredTensor>
}

/** Opens a file and checks its header; errors as `readHeader`. */
export async function openSafetensors(path: string): Promise<OpenSafetensors> {
  const header = await readHeader(path)
  const file = await openRegularFile(path)
  return {
    path,
    header,
    async read(name) {
      const entry = header.tensors.get(name)
      if (!entry) throw new DarError(`${path} has no tensor ${JSON.stringify(name)}`)
      const { begin, end } = entry
      const bytes = await readExactly(file, path, header.dataOffset + begin, end - begin).catch((error) => {
        throw error instanceof DarError ? error : new DarError(`cannot read ${path} (${messageOf(error)}): try again`)
      })
      return new StoredTensor(entry, bytes, `${path}: tensor ${JSON.stringify(name)}`)
    },
    async [Symbol.asyncDispose]() {
      await file.close()
    },
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
