/**
 * What `dar predict` is given, as a list of photos: files, folders (with all below them), patterns (`pics/*.jpg` and the like, quoted, so
 * that the shell leaves them alone) and lists of paths (`@list.txt`, or `-` for standard input; one a line, or separated by NUL as
 * `find -print0` does).
 *
 * A folder and a pattern stand for the JPEG, PNG and WebP files that they hold, hidden ones left out. A file that is named is taken
 * whatever it is called: whether it is a photo, its bytes say. A photo that comes up twice is taken once.
 *
 * Left out of folders and patterns are results: what lies in the folder of the results when that is below the one that is searched,
 * and `a.color.png` beside `a.jpg`.
 */
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve, sep } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { DarError, messageOf } from '../support/errors.ts'
import { readTextFile } from '../support/read-file.ts'
import { isResultName } from './output-kinds.ts'
import type { InputFile } from './output-names.ts'

/** Endings of photos in folders and patterns. */
const PHOTO = /\.(?:jpe?g|png|webp)$/i
const EVERY_PHOTO = '**/*.{jpg,jpeg,png,webp}'

/** The photos of a command line. */
export interface InputList {
  readonly files: readonly InputFile[]
  /** What was asked for and is not there: an empty folder, a pattern that fits nothing. One line each. */
  readonly problems: readonly DarError[]
  /** How many files of folders and patterns were left out as results. */
  readonly results: number
}

/** Where lists and results are. */
export interface ListOptions {
  /** The folder of the results. */
  readonly out: string
  /** The text of standard input; read only when an argument asks for it. */
  readonly readStdin?: () => Promise<string>
}

/** @throws DarError when a list cannot be read, or standard input is asked for twice. */
export async function listInputs(
  args: readonly string[],
  { out, readStdin = readStandardInput }: ListOptions,
): Promise<InputList> {
  const files = new Map<string, InputFile>()
  const problems: DarError[] = []
  let results = 0
  const add = (file: InputFile) => {
    const key = resolve(file.path)
    if (!files.has(key)) files.set(key, file)
  }
  const isStdin = (arg: string) => arg === '-' || arg === '@-'
  if (args.filter(isStdin).length > 1) throw new DarError('standard input is read twice; give - once')
  for (const arg of args) {
    const there = isStdin(arg) ? null : await stat(arg).catch(() => null)
    const isList = !there && (isStdin(arg) || arg.startsWith('@'))
    const entries = isList ? await listed(arg, readStdin) : [arg]
    if (isList && entries.length === 0) problems.push(new DarError(`${nameOfList(arg)} names no photo`))
    for (const entry of entries) {
      const found = await foundBy(entry, { out, patterns: !isList })
      results += found.results
      if (found.problem) problems.push(found.problem)
      for (const file of found.files) add(file)
    }
  }
  return { files: [...files.values()], problems, results }
}

interface Found {
  readonly files: readonly InputFile[]
  readonly results: number
  readonly problem?: DarError
}

/** What one argument, or one line of a list, stands for. In a list a bracket is a bracket. */
async function foundBy(
  entry: string,
  { out, patterns }: { readonly out: string; readonly patterns: boolean },
): Promise<Found> {
  const there = await stat(entry).catch(() => null)
  if (there?.isDirectory()) return inFolder(entry, EVERY_PHOTO, out)
  if (there || !patterns || !isDynamicPattern(entry)) return { files: [{ path: entry }], results: 0 }
  const { base, pattern } = split(entry)
  const found = await inFolder(base, pattern, out)
  if (found.problem) return { ...found, problem: new DarError(`no photo fits the pattern ${entry}; check it`, MISSING) }
  return found
}

const MISSING = { kind: 'missing' } as const

async function inFolder(folder: string, pattern: string, out: string): Promise<Found> {
  let names: string[]
  try {
    await readdir(folder) // says why, where the search would find nothing
    names = await glob(pattern, { cwd: folder, caseSensitiveMatch: false, expandDirectories: false })
  } catch (error) {
    const problem = new DarError(`cannot list ${folder}: ${messageOf(error)}; check the path`, MISSING)
    return { files: [], results: 0, problem }
  }
  const photos = names.filter((name) => PHOTO.test(name)).sort(inOrder)
  const kept = withoutResults(photos, folder, out)
  const files = kept.map((name) => ({ path: join(folder, name), below: folder }))
  const results = photos.length - kept.length
  if (files.length > 0) return { files, results }
  const problem = new DarError(`there is no JPEG, PNG or WebP file in ${folder}; check the path`, MISSING)
  return { files, results, problem }
}

/** By folders, then names; the same on every machine. */
const inOrder = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function withoutResults(names: readonly string[], folder: string, out: string): string[] {
  const [from, to] = [resolve(folder), resolve(out)]
  const isBelow = to !== from && to.startsWith(from.endsWith(sep) ? from : from + sep)
  const stems = new Set(names.flatMap((name) => [name, name.slice(0, -extname(name).length)]))
  return names.filter((name) => {
    if (isBelow && resolve(folder, name).startsWith(to + sep)) return false
    if (!isResultName(name)) return true
    const stem = basename(name).replace(/\.(?:color|depth|log|steps|step\d+\.(?:color|depth)|sigma\.color)\.png$/i, '')
    return !stems.has(join(dirname(name), stem))
  })
}

/** A pattern in two: the folder below which paths are kept, and the rest. */
function split(entry: string): { base: string; pattern: string } {
  const parts = entry.split('/')
  const first = parts.findIndex((part) => isDynamicPattern(part))
  // A brace may reach over a slash: then no part is a pattern by itself.
  const plain = parts.slice(0, first < 0 ? 0 : Math.min(first, parts.length - 1))
  const base = plain.length === 1 && plain[0] === '' ? '/' : plain.join('/')
  return { base: base === '' ? '.' : base, pattern: parts.slice(plain.length).join('/') }
}

async function listed(arg: string, readStdin: () => Promise<string>): Promise<string[]> {
  const text = arg === '-' || arg === '@-' ? await readStdin() : await readTextFile(arg.slice(1))
  const lines = text.includes('\0') ? text.split('\0') : text.split(/\r?\n/)
  return lines.filter((line) => line.trim() !== '')
}

const nameOfList = (arg: string) => (arg === '-' || arg === '@-' ? 'standard input' : arg.slice(1))

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
