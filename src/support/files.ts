/**
 * Files that appear whole or not at all: written beside the target under a temporary name, then renamed. Bytes are on the disk
 * before the name is, and the name before the call returns, so that neither a kill nor a power cut leaves half a file or an
 * empty one. What killed processes left in the folder is removed before the first file is written there.
 */
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { cannotWrite } from './cannot-write.ts'
import { DarError, messageOf } from './errors.ts'
import { makeFolder } from './folders.ts'
import { sweepOnce, temporaryBeside } from './temporary.ts'

/** Writes `bytes` to `path` so that a reader sees the old file or the whole new one. Creates the folder. */
export async function writeFileAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  await writeAtomically(path, (file) => file.writeFile(bytes))
}

/**
 * The same for a file that is written piece by piece: `write` gets a handle on the temporary file. A DarError that it throws
 * is passed on; anything else becomes one that names `path`.
 */
export async function writeAtomically(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const folder = dirname(path)
  const temporary = temporaryBeside(path)
  try {
    await makeFolder(folder)
    sweepOnce(folder)
    const file = await open(temporary, 'w')
    try {
      await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(folder)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error instanceof DarError ? error : cannotWrite(path, error)
  }
}

/**
 * Several files of one result: all are written beside their places before the first takes its own, so that a full disk leaves every
 * old file as it was. Throws a DarError; what was there before is then there still, old or new but whole. Folders are made, but
 * neither `root` nor what is above it: where it was taken away, nothing is written.
 */
export async function writeFilesTogether(
  files: readonly (readonly [path: string, bytes: Uint8Array])[],
  { root }: { readonly root?: string } = {},
): Promise<void> {
  const staged: { readonly path: string; readonly temporary: string; readonly isNew: boolean }[] = []
  const placed: string[] = []
  let writing = ''
  try {
    for (const [path, bytes] of files) {
      writing = path
      await makeFolder(resolve(dirname(path)), { root: root === undefined ? null : resolve(root) })
      sweepOnce(dirname(path))
      const before = await stat(path).catch(() => null)
      if (before?.isDirectory())
        throw new DarError(`cannot write ${path}: it is a folder; move it away`, { kind: 'output' })
      const temporary = temporaryBeside(path)
      staged.push({ path, temporary, isNew: before === null })
      const file = await open(temporary, 'w')
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
    }
    for (const { path, temporary, isNew } of staged) {
      writing = path
      await rename(temporary, path)
      if (isNew) placed.push(path)
    }
    for (const folder of new Set(staged.map(({ path }) => dirname(path)))) await syncFolder(folder)
  } catch (error) {
    for (const path of [...staged.map(({ temporary }) => temporary), ...placed])
      await rm(path, { force: true }).catch(() => {})
    throw error instanceof DarError ? error : cannotWrite(writing, error)
  }
}

/**
 * The names in a folder that is to be written to; none where the folder does not exist yet.
 * @throws DarError when it cannot be listed.
 */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new DarError(`cannot list ${folder}: ${messageOf(error)}; choose a folder you may write to`, {
      kind: 'output',
    })
  }
}

/** Brings the names in a folder to the disk. Systems that know no such thing (Windows, some network disks) are left alone. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null)
  try {
    await handle?.sync().catch(() => {})
  } finally {
    await handle?.close()
  }
}

/** Brings a file that is written already to the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
