/** For tests of readers: a folder for each test, and small files of every format (test/reader-files.ts). */
import { beforeEach } from 'vitest'
import { temporaryFolder as newFolder } from '../../../test/temporary-folder.ts'

export * from '../../../test/reader-files.ts'

/** A fresh folder for every test of the file. */
export function temporaryFolder(): { readonly path: string } {
  const folder = { path: '' }
  beforeEach(async () => {
    folder.path = await newFolder()
  })
  return folder
}
