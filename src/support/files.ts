/** Files that appear whole or not at all: written beside the target under a temporary name, then renamed. */
import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DarError, messageOf } from './errors.ts'

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
  const temporary = join(folder, `.${basename(path)}.${randomUUID().slice(0, 8)}.tmp`)
  try {
    await mkdir(folder, { recursive: true })
    const file = await open(temporary, 'w')
    try {
      await write(file)
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    if (error instanceof DarError) throw error
    throw new DarError(`cannot write ${path}: ${messageOf(error)}; choose a folder you may write to`, {
      kind: 'output',
    })
  }
}
