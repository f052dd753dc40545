/**
 * Files from outside, read whole. Only regular files are: a named pipe that nobody writes to would block for ever, a device may never
 * end. They are refused before they are opened, and once more after it, in case the path has come to mean something else.
 */
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { DarError, messageOf } from './errors.ts'

/** Node reads no more than this at once. */
const READ_LIMIT = 2 ** 31 - 1

/** Of a file that is read whole. */
export interface ReadFileOptions {
  /** What messages call the file; default: its path. */
  readonly name?: string
  /** A larger file is refused before a byte of it is read. */
  readonly most?: number
  /** The remedy that the error message names. */
  readonly remedy?: string
}

/** The bytes of a file. Throws a DarError, one line, when it is missing, no regular file, too large, or cannot be read. */
export async function readRegularFile(
  path: string,
  { name = path, most = READ_LIMIT, remedy = 'check the path' }: ReadFileOptions = {},
): Promise<Buffer> {
  return withRegularFile(
    path,
    async (file, size) => {
      if (size > most)
        throw new DarError(`${name} has ${megabytes(size)}, more than the ${megabytes(most)} that are read`)
      return file.readFile()
    },
    { name, remedy },
  )
}

/** The same as text, UTF-8. */
export async function readTextFile(path: string, options: ReadFileOptions = {}): Promise<string> {
  return (await readRegularFile(path, { most: TEXT_LIMIT, ...options })).toString('utf8')
}

/** No list, calibration or JSON file of a data set is larger. */
const TEXT_LIMIT = 256 * 2 ** 20

/** Calls `use` with the open file and its size; closes it whatever happens. Errors as `readRegularFile`. */
export async function withRegularFile<T>(
  path: string,
  use: (file: FileHandle, size: number) => Promise<T>,
  { name = path, remedy = 'check the path' }: Pick<ReadFileOptions, 'name' | 'remedy'> = {},
): Promise<T> {
  let file: FileHandle | undefined
  try {
    file = await openRegularFile(path, { name })
    return await use(file, (await file.stat()).size)
  } catch (error) {
    throw error instanceof DarError ? error : unreadable(error, name, remedy)
  } finally {
    await file?.close()
  }
}

/** An open file, the caller's to close. Errors as `readRegularFile`. */
export async function openRegularFile(
  path: string,
  { name = path, remedy = 'check the path' }: Pick<ReadFileOptions, 'name' | 'remedy'> = {},
): Promise<FileHandle> {
  try {
    refuseOthers(await stat(path), name)
    // O_NONBLOCK: should it be a pipe by now, opening it must not wait for a writer.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      refuseOthers(await file.stat(), name)
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  } catch (error) {
    throw error instanceof DarError ? error : unreadable(error, name, remedy)
  }
}

/** At most `count` bytes from the beginning of a file. Errors as `readRegularFile`. */
export async function firstBytes(path: string, count: number): Promise<Buffer> {
  return withRegularFile(path, async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, 0)
    return buffer.subarray(0, bytesRead)
  })
}

/** Throws a DarError unless `path` is a regular file. */
export async function checkRegularFile(path: string, name = path): Promise<void> {
  try {
    refuseOthers(await stat(path), name)
  } catch (error) {
    throw error instanceof DarError ? error : unreadable(error, name, 'check the path')
  }
}

function refuseOthers(found: { isFile(): boolean; isDirectory(): boolean }, name: string): void {
  if (found.isDirectory()) throw new DarError(`${name} is a folder; name the files in it`)
  if (!found.isFile())
    throw new DarError(
      `${name} is not a regular file (a pipe, a socket or a device); save its contents to a file first`,
    )
}

function unreadable(error: unknown, name: string, remedy: string): DarError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new DarError(`${name} was not found; check the path`, { kind: 'missing' })
  if (code === 'EACCES' || code === 'EPERM') return new DarError(`${name} may not be read; check its permissions`)
  if (code === 'ELOOP') return new DarError(`${name} is a link that leads back to itself; remove the link`)
  return new DarError(`cannot read ${name}: ${messageOf(error)}; ${remedy}`)
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 24 ? 1 : 0)} MB`
