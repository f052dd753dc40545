/**
 * Folders for what is written, made one level after the other. Node's `mkdir` with `recursive` never ends where the system answers
 * that a folder is not there whose parent is, as below /proc.
 */
import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { remedyFor } from './cannot-write.ts'
import { DarError, messageOf } from './errors.ts'

interface FolderOptions {
  /** Neither this folder nor what is above it is made: where it was taken away, nothing is. Null: no such limit. */
  readonly root?: string | null
}

/**
 * Makes `folder` and what is missing above it.
 * @throws DarError that names the folder that cannot be made, why, and what helps.
 */
export async function makeFolder(folder: string, { root = null }: FolderOptions = {}): Promise<void> {
  if (folder === root) return
  let error = await failureOf(mkdir(folder))
  if (isOfParent(error) && dirname(folder) !== folder) {
    await makeFolder(dirname(folder), { root })
    error = await failureOf(mkdir(folder))
  }
  if (error && !(await stat(folder).catch(() => null))?.isDirectory()) throw cannotMake(folder, error)
}

/** The same at once, for what happens before a process begins its work. */
export function makeFolderSync(folder: string): void {
  let error = failureOfSync(folder)
  if (isOfParent(error) && dirname(folder) !== folder) {
    makeFolderSync(dirname(folder))
    error = failureOfSync(folder)
  }
  if (error && !isFolder(folder)) throw cannotMake(folder, error)
}

/** Whether the folder above is not there, or a file. */
function isOfParent(error: NodeJS.ErrnoException | null): boolean {
  return error?.code === 'ENOENT' || error?.code === 'ENOTDIR'
}

/** Null where nothing failed. */
async function failureOf(made: Promise<unknown>): Promise<NodeJS.ErrnoException | null> {
  return made.then(
    () => null,
    (error: NodeJS.ErrnoException) => error,
  )
}

function failureOfSync(folder: string): NodeJS.ErrnoException | null {
  try {
    mkdirSync(folder)
    return null
  } catch (error) {
    return error as NodeJS.ErrnoException
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function cannotMake(folder: string, error: NodeJS.ErrnoException): DarError {
  const why =
    error.code === 'EEXIST' ? 'a file of this name is in the way; move it away, or choose another folder' : null
  return new DarError(`cannot make the folder ${folder}: ${why ?? `${messageOf(error)}; ${remedyFor(error)}`}`, {
    kind: 'output',
    cause: error,
  })
}
