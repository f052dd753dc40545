/** The tar shards of a data set: one file, or the `*.tar` of a folder in the order of their names. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DarError, messageOf } from '../../support/errors.ts'
import type { Incomplete } from '../types.ts'
import { kindOf } from './files.ts'
import { indexTar, type TarIndex } from './tar.ts'

/**
 * Throws a DarError when there is no tar. One that breaks off is refused, or noted: its whole members are then still read;
 * one that is no tar at all is noted and left out.
 */
export async function openShards(
  path: string,
  { incomplete = 'refuse' }: { incomplete?: Incomplete } = {},
): Promise<{ readonly shards: readonly TarIndex[]; readonly notes: readonly string[] }> {
  const files = (await kindOf(path)) === 'folder' ? await tarsIn(path) : [path]
  const shards: TarIndex[] = []
  const notes: string[] = []
  for (const file of files) {
    try {
      const index = await indexTar(file)
      shards.push(index)
      if (index.problem !== null) notes.push(index.problem)
    } catch (error) {
      if (!(error instanceof DarError) || incomplete === 'refuse') throw error
      notes.push(error.message)
    }
  }
  if (notes.length > 0 && (incomplete === 'refuse' || shards.length === 0))
    throw new DarError(`${notes[0]}; copy or download it again`)
  return { shards, notes }
}

async function tarsIn(folder: string): Promise<string[]> {
  let files: string[]
  try {
    files = await readdir(folder)
  } catch (error) {
    throw new DarError(`cannot list ${folder}: ${messageOf(error)}; check the path`, { kind: 'missing' })
  }
  const tars = files.filter((file) => /\.tar$/i.test(file) && !file.startsWith('.')).sort()
  if (tars.length === 0) throw new DarError(`no .tar file in ${folder}; check the path`)
  return tars.map((file) => join(folder, file))
}
