/**
 * The names of results. A photo that is named gives results of its own name in the folder of `--out`; one that was found in a folder
 * keeps its path below that folder. Where two photos would write the same file, they are told apart:
 *
 *     a.jpg, a.png                 a.jpg.color.png, a.png.color.png              the extension stays
 *     x/photo.jpg, y/photo.jpg     x/photo.color.png, y/photo.color.png          as many folders as differ
 *     Photo.jpg, photo.jpg         Photo.color.png, photo-2.color.png            a number, when nothing else helps
 *
 * Names that differ in case only count as one: most disks of macOS and Windows take them for one file.
 */
import { basename, dirname, extname, join, resolve, sep } from 'node:path'
import { DarError } from '../support/errors.ts'

/** A photo to predict. */
export interface InputFile {
  readonly path: string
  /** The folder below which its path is kept in the results; default: the photo's own, so that its name alone is kept. */
  readonly below?: string
}

/** Where the results of a photo go. */
export interface PlannedOutput {
  readonly input: string
  /** File names of the outputs start with this; it may have folders in it. Relative to the folder of the results. */
  readonly stem: string
}

/** How a name is made: so many folders more than asked, with the extension, with a number. */
interface Choice {
  readonly folders: number
  readonly extension: boolean
  readonly number: number
}

const FIRST: Choice = { folders: 0, extension: false, number: 1 }
/** What these leave, numbers settle. */
const ROUNDS = 3
const key = (path: string) => resolve(path).toLowerCase()

/**
 * Chooses the names of the outputs of every input in `folder`; `suffixes` are the endings of the files of each.
 * @throws DarError, before anything is written, when an output would replace one of the inputs.
 */
export function planOutputs(
  inputs: readonly InputFile[],
  folder: string,
  suffixes: readonly string[],
): PlannedOutput[] {
  const choices: Choice[] = inputs.map(() => FIRST)
  const parts = inputs.map(partsOf)
  const stems = parts.map((part) => stemOf(part, FIRST))
  const fileKeys = (stem: string) => suffixes.map((suffix) => `${stem}.${suffix}`.toLowerCase())
  // A name that one round gives may be another's.
  for (let round = 0; round < ROUNDS; round++) {
    const groups = clashes(stems, fileKeys)
    if (groups.length === 0) break
    for (const group of groups) {
      const chosen = apart(group, parts, choices)
      for (const [at, i] of group.entries()) {
        choices[i] = chosen[at]
        stems[i] = stemOf(parts[i], choices[i])
      }
    }
  }
  numberRest(parts, choices, stems, fileKeys)

  const sources = new Map(inputs.map(({ path }) => [key(path), path]))
  return inputs.map(({ path }, i) => {
    for (const suffix of suffixes) {
      const replaced = sources.get(key(join(folder, `${stems[i]}.${suffix}`)))
      if (replaced !== undefined)
        throw new DarError(`the result of ${path} would replace the input ${replaced}; choose another --out folder`)
    }
    return { input: path, stem: stems[i] }
  })
}

/** Groups of inputs that would write a file in common. */
function clashes(stems: readonly string[], fileKeys: (stem: string) => string[]): number[][] {
  const groupOf = new Map<string, Set<number>>()
  const groups = new Set<Set<number>>()
  for (const [i, stem] of stems.entries()) {
    let mine = new Set([i])
    for (const file of fileKeys(stem)) {
      const other = groupOf.get(file)
      groupOf.set(file, other ?? mine)
      if (!other || other === mine) continue
      for (const member of mine) other.add(member)
      groups.delete(mine)
      mine = other
    }
    groups.add(mine)
  }
  return [...groups].filter(({ size }) => size > 1).map((group) => [...group])
}

/** New names for a group: by their folders where these differ, by their extensions where those do. */
function apart(group: readonly number[], parts: readonly Parts[], before: readonly Choice[]): Choice[] {
  const members = new Map<string, number[]>()
  for (const i of group) {
    const beside = members.get(parts[i].folder)
    if (beside) beside.push(i)
    else members.set(parts[i].folder, [i])
  }
  let level = before[group[0]].folders
  if (members.size > 1) {
    const firsts = [...members.values()].map(([i]) => parts[i])
    const most = firsts.reduce((longest, { above }) => Math.max(longest, above.length), 0)
    const places = (count: number) => new Set(firsts.map((part) => placeOf(part, count).toLowerCase())).size
    while (level < most && places(level) < members.size) level++
  }
  const hasExtension = new Map(
    [...members].map(([folder, those]) => {
      const names = new Set(those.map((i) => parts[i].file.toLowerCase()))
      return [folder, those.length > 1 && names.size === those.length]
    }),
  )
  return group.map((i) => ({
    folders: members.size > 1 ? level : before[i].folders,
    extension: before[i].extension || hasExtension.get(parts[i].folder) === true,
    number: 1,
  }))
}

/** What neither folders nor extensions tell apart: names that differ in case only. */
function numberRest(
  parts: readonly Parts[],
  choices: readonly Choice[],
  stems: string[],
  fileKeys: (stem: string) => string[],
): void {
  const taken = new Set<string>()
  const lastNumber = new Map<string, number>()
  for (const i of parts.keys()) {
    const plain = stemOf(parts[i], choices[i]).toLowerCase()
    for (let number = (lastNumber.get(plain) ?? 0) + 1; ; number++) {
      stems[i] = stemOf(parts[i], { ...choices[i], number })
      lastNumber.set(plain, number)
      if (fileKeys(stems[i]).every((file) => !taken.has(file))) break
    }
    for (const file of fileKeys(stems[i])) taken.add(file)
  }
}

/** A path taken apart once: the folders above and below the one that names count from, and the file's own name. */
interface Parts {
  readonly folder: string
  readonly above: readonly string[]
  readonly inside: readonly string[]
  readonly file: string
  readonly bare: string
}

function partsOf({ path, below = dirname(path) }: InputFile): Parts {
  const full = resolve(path)
  const base = resolve(below)
  const folder = dirname(full)
  const isInside = folder.startsWith(base.endsWith(sep) ? base : base + sep)
  const split = (text: string) => text.split(sep).filter((part) => part !== '')
  return {
    folder,
    above: split(base),
    inside: isInside ? split(folder.slice(base.length)) : [],
    file: basename(path),
    bare: basename(path, extname(path)),
  }
}

/** The folder of the stem, with a slash behind it; empty for none. */
function placeOf({ above, inside }: Parts, folders: number): string {
  const kept = folders > 0 ? above.slice(-folders) : []
  return [...kept, ...inside, ''].join('/')
}

function stemOf(parts: Parts, { folders, extension, number }: Choice): string {
  const name = extension ? parts.file : parts.bare
  return `${placeOf(parts, folders)}${name}${number === 1 ? '' : `-${number}`}`
}
