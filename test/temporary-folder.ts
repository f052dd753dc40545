/** Folders for tests, which are gone when the tests of the file are done. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const made: string[] = []

// Importing this module registers the hook for the test file that imports it. Hooks run last registered first, so this one runs
// after the file's own, which may still hold files open.
afterAll(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true })
}, 60_000)

/** A new, empty folder. Call it in a test, `beforeEach` or `beforeAll`. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dar-test-'))
  made.push(folder)
  return folder
}
