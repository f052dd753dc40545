/** Folders for tests, which are gone when the tests of the file are done (remove-folders.ts). */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made: string[] = []

/** A new, empty folder. Call it in a test, `beforeEach` or `beforeAll`. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dar-test-'))
  made.push(folder)
  return folder
}

/** Removes those that were made since it was last called. */
export async function removeFolders(): Promise<void> {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true })
}
