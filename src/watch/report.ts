/** A run as one file to keep and to send, `report.html`: curves, the last figures, pictures, notes and the recipe. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomically } from '../support/files.ts'
import { type PictureIndex, pictureFiles, picturesPath, readPictures, validationFolder } from '../train/pictures.ts'
import { pageOf } from './page.ts'
import { WatchedRun } from './watched-run.ts'

/** Where the report of a run lies. */
export const reportPath = (folder: string): string => join(folder, 'report.html')

/**
 * Writes the report of the run in `folder`, finished or not, and returns its path. The pictures of the last validation are in it.
 * Throws a DarError when the log cannot be read or the file not be written.
 */
export async function writeReport(folder: string): Promise<string> {
  const run = new WatchedRun(folder)
  run.refresh()
  const newest = (await readPictures(folder)).slice(-1)
  const inside = await embedded(folder, newest)
  const sections = run.sections(newest, (_, file) => inside.get(file) ?? '')
  const path = reportPath(folder)
  await writeFileAtomically(path, pageOf(run.title, sections, { kind: 'report' }))
  return path
}

/** The pictures of one validation as addresses that hold them. */
async function embedded(folder: string, indices: readonly PictureIndex[]): Promise<ReadonlyMap<string, string>> {
  const pairs = indices.flatMap((index) =>
    pictureFiles(index).map(async (file) => {
      const bytes = await readFile(join(picturesPath(folder), validationFolder(index.step), file))
      return [file, `data:image/jpeg;base64,${bytes.toString('base64')}`] as const
    }),
  )
  return new Map(await Promise.all(pairs))
}
