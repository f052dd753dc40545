/** Which results are there already, looked up once for each folder: a batch of a hundred thousand photos asks for three names of each. */
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sweepOnce } from '../support/temporary.ts'
import type { PlannedOutput } from './output-names.ts'

/** A photo, its stem, and the suffixes of the files that it has already. */
export interface Found extends PlannedOutput {
  readonly existing: readonly string[]
}

/**
 * Also removes what killed processes have left in the folders of the results. A file counts as there by its name: it has appeared
 * whole (support/files.ts).
 */
export async function withExisting(
  plan: readonly PlannedOutput[],
  folder: string,
  suffixes: readonly string[],
): Promise<Found[]> {
  const folders = new Map<string, Promise<ReadonlySet<string>>>()
  const namesIn = (path: string) => {
    let names = folders.get(path)
    if (!names) {
      sweepOnce(path)
      // A folder in a file's place is not the file: writing says so.
      names = readdir(path, { withFileTypes: true }).then(
        (all) => new Set(all.filter((entry) => !entry.isDirectory()).map(({ name }) => name)),
        () => new Set<string>(),
      )
      folders.set(path, names)
    }
    return names
  }
  return Promise.all(
    plan.map(async (planned) => {
      const names = await namesIn(dirname(join(folder, planned.stem)))
      const own = planned.stem.slice(planned.stem.lastIndexOf('/') + 1)
      return { ...planned, existing: suffixes.filter((suffix) => names.has(`${own}.${suffix}`)) }
    }),
  )
}
