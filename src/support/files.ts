/** Files that appear whole or not at all: written beside the target under a temporary name, then renamed. */
import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DarError, messageOf } from './errors.ts'

/** Writes `bytes` to `path` so that a reader sees the old file or the whole new one. Creates the folder. */
export async function writeFileAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomUUID().slice(0, 8)}.tmp`)
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(temporary, bytes)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new DarError(`cannot write ${path}: ${messageOf(error)}; choose a folder you may write to`)
  }
}
