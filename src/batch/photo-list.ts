/**
 * The photos of a batch: those below a folder, or the lines of a list (a file, or standard input). A photo is known by its path as the
 * list has it, or relative to the folder, with `/` between the parts on every system. Its outputs lie at the same place below the folder
 * of the outputs.
 */
import { createReadStream } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { isAbsolute, join, posix, resolve, sep } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { DarError, messageOf } from '../support/errors.ts'
import { checkRegularFile } from '../support/read-file.ts'

export interface PhotoList {
  /** What relative paths are relative to. */
  readonly root: string
  /** In order, each once. */
  readonly paths: readonly string[]
}

/** What is taken for a photo in a folder; of a list, everything. */
const PHOTO = /\.(jpe?g|png|webp)$/i

/** Reads a list or a folder; `-` is standard input. `root`: what the paths of a list are relative to, by default the working folder. */
export async function readPhotos(
  source: string,
  { root, input = process.stdin }: { readonly root?: string; readonly input?: Readable } = {},
): Promise<PhotoList> {
  if (source !== '-') {
    const found = await stat(source).catch(() => null)
    if (found?.isDirectory()) {
      if (root !== undefined)
        throw new DarError(`--root ${root}: ${source} is a folder, whose photos are relative to it`)
      return { root: source, paths: await photosBelow(source) }
    }
    await checkRegularFile(source)
  }
  const paths = new Set<string>()
  try {
    const lines = createInterface({ input: source === '-' ? input : createReadStream(source), crlfDelay: Infinity })
    for await (const line of lines) if (line.trim() !== '') paths.add(line.replaceAll(sep, '/'))
  } catch (error) {
    throw new DarError(`cannot read the list ${source}: ${messageOf(error)}; check the path`)
  }
  if (paths.size === 0) throw new DarError(`the list ${source === '-' ? 'on standard input' : source} names no photo`)
  return { root: root ?? '.', paths: [...paths] }
}

async function photosBelow(folder: string): Promise<string[]> {
  const paths: string[] = []
  const walk = async (below: string): Promise<void> => {
    const entries = await opendir(join(folder, below)).catch((error: unknown) => {
      throw new DarError(`cannot list ${join(folder, below)}: ${messageOf(error)}; check its permissions`)
    })
    for await (const entry of entries) {
      const path = posix.join(below, entry.name)
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory()) await walk(path)
      else if (PHOTO.test(entry.name)) paths.push(path)
    }
  }
  await walk('')
  if (paths.length === 0) throw new DarError(`${folder} has no JPEG, PNG or WebP in it; give another folder, or a list`)
  return paths.sort()
}

/** Where a photo lies. */
export const photoFile = (root: string, path: string): string => (isAbsolute(path) ? path : resolve(root, path))

/**
 * Where outputs of a photo lie below the folder of the outputs, without what follows the last dot: `a/b.jpg` → `a/b`. What leads out of the
 * root is taken away (`../a.jpg` → `a`). Photos that would have the same place, such as `b.jpg` and `b.png`, keep their whole names.
 */
export function outputStems(paths: readonly string[]): (path: string) => string {
  const seen = new Set<string>()
  const shared = new Set<string>()
  for (const path of paths) {
    const key = stemOf(path).toLowerCase() // names that differ in case only are one name on some disks
    if (seen.has(key)) shared.add(key)
    seen.add(key)
  }
  const whole = new Set<string>()
  for (const path of paths) {
    if (!shared.has(stemOf(path).toLowerCase())) continue
    const key = placeOf(path).toLowerCase()
    if (whole.has(key) || (seen.has(key) && !shared.has(key)))
      throw new DarError(`the outputs of ${path} and of another photo would have the same names; rename one of them`)
    whole.add(key)
  }
  return (path) => (shared.has(stemOf(path).toLowerCase()) ? placeOf(path) : stemOf(path))
}

function placeOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.' && part !== '..')
  return parts.join('/').replace(/^([A-Za-z]):/, '$1')
}

function stemOf(path: string): string {
  const place = placeOf(path)
  const { dir, name } = posix.parse(place)
  return posix.join(dir, name)
}
