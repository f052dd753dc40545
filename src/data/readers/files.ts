/**
 * Finding files of data sets: paths that lists give, kept inside the data set's folder, and whole trees. Folders that are
 * links are followed, because large data sets usually are links, each to a folder that was not entered before: links that lead
 * back would otherwise be followed in every order.
 */
import { readdir, stat } from 'node:fs/promises'
import { basename, join, posix, resolve } from 'node:path'
import { DarError, messageOf } from '../../support/errors.ts'
import { readTextFile } from '../../support/read-file.ts'

/**
 * `root/path`, for a path out of a file that somebody else wrote. A leading `/` means the root of the data set (some NYU lists have
 * one). `where` is what messages call the place of the path.
 * @throws DarError for a path that leaves the root by `..`, or holds a NUL or backslash.
 */
export function insideRoot(root: string, path: string, where: string): string {
  const normal = posix.normalize(path.replace(/^\/+/, ''))
  if (normal === '..' || normal.startsWith('../') || /[\0\\]/.test(path))
    throw new DarError(`${where}: the path ${JSON.stringify(path)} leaves ${root}; paths must stay inside the data set`)
  return join(root, normal)
}

export interface TreeOptions {
  /** Levels of folders below the root; default 10. */
  readonly levels?: number
  /** Folders not to enter, by name. Those that begin with a dot never are. */
  readonly skip?: (folder: string) => boolean
}

/** Files below `root` as paths relative to it with `/`, folder by folder, each sorted. Throws a DarError that names a folder. */
export async function* walk(
  root: string,
  { levels = 10, skip = () => false }: TreeOptions = {},
): AsyncGenerator<string> {
  yield* walkBelow(root, '', levels, skip, new Set())
}

async function* walkBelow(
  root: string,
  below: string,
  levels: number,
  skip: (folder: string) => boolean,
  entered: Set<string>,
): AsyncGenerator<string> {
  const folders: { readonly path: string; readonly isLink: boolean }[] = []
  entered.add(await identityOf(join(root, below)))
  for (const entry of (await listEntries(join(root, below))).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    const isLink = entry.isSymbolicLink()
    const kind = isLink
      ? await kindOf(join(root, path))
      : entry.isDirectory()
        ? 'folder'
        : entry.isFile()
          ? 'file'
          : 'other'
    if (kind === 'file') yield path
    else if (kind === 'folder' && !entry.name.startsWith('.') && !skip(entry.name)) folders.push({ path, isLink })
  }
  if (levels === 0) return
  for (const { path, isLink } of folders)
    if (!isLink || !entered.has(await identityOf(join(root, path))))
      yield* walkBelow(root, path, levels - 1, skip, entered)
}

/** What a folder is, whatever path leads to it. */
async function identityOf(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => null)
  return found === null ? folder : `${found.dev}:${found.ino}`
}

async function listEntries(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    throw new DarError(`cannot list ${folder}: ${messageOf(error)}; check the path`, { kind: 'missing' })
  }
}

/** Null when there is nothing of that name; `other` for pipes, sockets and devices, which nothing here reads. */
export async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | null> {
  try {
    const found = await stat(path)
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other'
  } catch {
    return null
  }
}

/**
 * The first of `paths` that is a file, or null. A list and a disk may store an accent differently (Unicode's composed form, and the
 * decomposed one of macOS): both are looked for.
 */
export async function firstFile(paths: readonly string[]): Promise<string | null> {
  for (const path of paths)
    for (const form of new Set([path, path.normalize('NFC'), path.normalize('NFD')]))
      if ((await kindOf(form)) === 'file') return form
  return null
}

/** The path of the first of `names`, lower case, that `folder` has in any case; null when it has none. */
export async function fileIn(folder: string, names: readonly string[]): Promise<string | null> {
  const exact = await firstFile(names.map((name) => join(folder, name)))
  if (exact !== null) return exact
  const entries = await readdir(folder).catch(() => [])
  const found = names.flatMap((name) => entries.filter((entry) => entry.toLowerCase() === name))[0]
  return found === undefined ? null : join(folder, found)
}

/** A text file's contents. Throws a DarError that names it. */
export async function readText(path: string): Promise<string> {
  return readTextFile(path)
}

/** Numbers separated by blanks or lines. Throws a DarError unless there are `count` finite ones at least. */
export function parseNumbers(text: string, count: number, where: string): number[] {
  const numbers = text
    .trim()
    .split(/[\s,]+/)
    .slice(0, count)
    .map(Number)
  if (numbers.length < count || !numbers.every(Number.isFinite))
    throw new DarError(`${where} does not hold ${count} numbers; copy or download it again`)
  return numbers
}

/** The last part of a path, also of `.` or one that ends in a slash. */
export function baseName(path: string): string {
  return basename(resolve(path))
}
