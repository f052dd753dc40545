/**
 * Split files as BTS, NeWCRFs, AdaBins and Depth-Anything share them: one frame a line, `image depth focal`, separated by
 * blanks. The depth may be `None`; the focal length, in pixels of the image, may be missing.
 */
import { DarError } from '../../support/errors.ts'
import { readText } from './files.ts'

export interface SplitLine {
  readonly image: string
  readonly depth: string | null
  /** Pixels; null when the line has none. */
  readonly focal: number | null
  /** `<file>, line <n>`, for messages. */
  readonly where: string
}

/** Throws a DarError when the file cannot be read, has no line, or a line is not of that form. */
export async function readSplitFile(path: string): Promise<SplitLine[]> {
  const lines = parseSplit(await readText(path), path)
  if (lines.length === 0) throw new DarError(`${path} lists no frame; give lines of "image depth focal"`)
  return lines
}

/** `path` is what messages call the text. Blank lines and lines that begin with # are passed over. */
export function parseSplit(text: string, path: string): SplitLine[] {
  return text.split('\n').flatMap((line, i) => {
    const where = `${path}, line ${i + 1}`
    const words = line.trim().split(/\s+/)
    if (words[0] === '' || words[0].startsWith('#')) return []
    if (words.length > 3)
      throw new DarError(`${where} has ${words.length} words, expected "image depth focal"; paths must not hold blanks`)
    const [image, depth = 'None', focal] = words
    return [{ image, depth: depth === 'None' ? null : depth, focal: parseFocal(focal, where), where }]
  })
}

function parseFocal(word: string | undefined, where: string): number | null {
  if (word === undefined || word === 'None') return null
  const focal = Number(word)
  if (!(focal > 0 && Number.isFinite(focal)))
    throw new DarError(`${where}: the focal length ${word} is not a positive number; correct the line`)
  return focal
}
