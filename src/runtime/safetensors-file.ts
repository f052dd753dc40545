/**
 * Safetensors on disk: the format is in safetensors.ts, which a browser can load; this file is its Node half.
 * Left out: memory-mapping, which the engine does itself for weights that a graph names as external data (`readHeader`
 * gives the offsets for that without reading the weights).
 */
import type { Hash } from 'node:crypto'
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
  type TensorData,
  type TensorToStore,
} from '../safetensors/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { writeAtomically } from '../support/files.ts'
import { openRegularFile, withRegularFile } from '../support/read-file.ts'
import { compareChecksum, contentHash, hasChecksum, withChecksum, withoutChecksum } from './checksum.ts'

/** The most that one read call is asked for; the system's limit is a little under 2 GiB. */
const READ_BYTES = 2 ** 30
/** What is read and hashed at once where a file does not come into memory. */
const HASH_BYTES = 2 ** 22

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

/** A file in memory. Its metadata are without the checksum. */
export interface ReadSafetensors extends SafetensorsFile {
  /** Whether there was a checksum, which then matched; older files and those of other programs have none. */
  readonly checked: boolean
}

/**
 * Reads a whole file into memory, which `tensor.data` then looks into; errors as `readHeader`, and when the content is not
 * what the file's checksum says.
 */
export async function readSafetensors(path: string): Promise<ReadSafetensors> {
  return withRegularFile(path, async (file, size) => {
    const bytes = await readExactly(file, path, 0, size)
    const { metadata, tensors } = parseSafetensors(bytes, path)
    const checked = hasChecksum(metadata, path)
    if (checked) {
      const hash = contentHash(metadata, tensors)
      for (const tensor of tensors.values()) updateWith(hash, tensor.bytes)
      compareChecksum(metadata, hash, path)
    }
    return { metadata: withoutChecksum(metadata), tensors, checked }
  })
}

/**
 * Compares a file with its checksum, a piece at a time, for readers that do not have all of it in memory. Returns false when it
 * has none; throws a DarError when it does not match.
 */
export async function checkSafetensors(
  path: string,
  { metadata, tensors, dataOffset }: SafetensorsHeader,
): Promise<boolean> {
  if (!hasChecksum(metadata, path)) return false
  await withRegularFile(path, async (file, size) => {
    const hash = contentHash(metadata, tensors)
    const piece = new Uint8Array(Math.min(HASH_BYTES, size - dataOffset))
    for (let at = dataOffset; at < size; ) {
      const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, size - at), at)
      if (bytesRead === 0) throw new DarError(`${path} became shorter while it was read: try again`)
      hash.update(piece.subarray(0, bytesRead))
      at += bytesRead
    }
    compareChecksum(metadata, hash, path)
  })
  return true
}

/** One call takes at most 2 GiB. */
function updateWith(hash: Hash, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += READ_BYTES) hash.update(bytes.subarray(at, at + READ_BYTES))
}

/** Writes a file that is complete or not there, with a checksum; errors as `planSafetensors`, or when the folder is not writable. */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorToStore>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeSafetensorsInParts(path, tensors, async (name) => tensors[name].data, metadata)
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
  const plan = planSafetensors(tensors, withChecksum(metadata))
  await writeAtomically(path, async (file) => {
    await file.writeFile(plan.head)
    const hash = contentHash(metadata, plan.tensors)
    for (const [name, entry] of plan.tensors) {
      const bytes = bytesOf(name, entry, await dataOf(name))
      updateWith(hash, bytes)
      await file.writeFile(bytes)
    }
    // Known only now, and as long as the zeros that stand in its place.
    const { head } = planSafetensors(tensors, withChecksum(metadata, hash.digest('hex')))
    for (let done = 0; done < head.length; )
      done += (await file.write(head, done, head.length - done, done)).bytesWritten
  })
}

/** A file whose tensors are read one at a time, when they are asked for. Holds the file open until disposed. */
export interface OpenSafetensors extends AsyncDisposable {
  readonly path: string
  readonly header: SafetensorsHeader
  /** One tensor in memory of its own. Throws a DarError when the file has none of this name or cannot be read. */
  read(name: string): Promise<StoredTensor>
}

/** Opens a file, checks its header and, where it has a checksum, its content; errors as `readSafetensors`. */
export async function openSafetensors(path: string): Promise<OpenSafetensors> {
  const stored = await readHeader(path)
  await checkSafetensors(path, stored)
  const header = { ...stored, metadata: withoutChecksum(stored.metadata) }
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
