/**
 * Measured points from a file, for `alignDepth`: a table of u, v and metres as text, or a sparse depth map (16-bit PNG in millimetres,
 * `.npy` or TIFF, as `decodeDepth` reads them). Which one is told by the bytes, not by the name.
 *
 * The table has one point a line, its columns separated by commas, semicolons, tabs or blanks. A first line of words may name the columns:
 * `u`, `v` and `metres` (or `x`, `y` and `depth` or `z`), in any order and among others. Without it they are the first three. Empty
 * lines and lines that begin with # are skipped.
 */
import type { DepthImage } from '../image/types.ts'
import type { DepthPoint } from '../predict/align.ts'
import { DarError } from '../support/errors.ts'
import { readRegularFile } from '../support/read-file.ts'
import { shortened } from '../support/text.ts'
import { decodeDepth } from './decode-depth.ts'

/** Points of a file: a list, or a map whose size is to be compared with the photo's. */
export type MeasuredPoints =
  | { readonly kind: 'points'; readonly points: readonly DepthPoint[] }
  | { readonly kind: 'map'; readonly depth: DepthImage }

/** A scan of a lidar of 128 lines has 260,000 points, of which a photo sees a part; a line has some 30 bytes. */
const MOST_BYTES = 256 * 2 ** 20

/** The byte order mark, with which spreadsheets begin what they call Unicode text. */
const UTF16 = 0xfeff

/** Reads a file of points. Throws a DarError, one line, that names the file and the line or what the file is instead. */
export async function readMeasuredPoints(path: string): Promise<MeasuredPoints> {
  const bytes = await readRegularFile(path, { most: MOST_BYTES })
  if (bytes.length > 1 && (bytes.readUInt16LE() === UTF16 || bytes.readUInt16BE() === UTF16))
    throw new DarError(`${path} is text in UTF-16; save it as UTF-8`)
  // Every kind of depth map has a byte 0 within its header; no table has one.
  if (bytes.subarray(0, 512).includes(0)) return { kind: 'map', depth: await decodeDepth(bytes, { name: path }) }
  return { kind: 'points', points: parsePoints(bytes.toString('utf8'), path) }
}

const NAMES: Readonly<Record<keyof DepthPoint, readonly string[]>> = {
  u: ['u', 'x', 'col', 'column'],
  v: ['v', 'y', 'row'],
  metres: ['metres', 'meters', 'm', 'depth', 'z', 'd'],
}
const FORM = 'a line is u, v, metres: for example 320, 240, 2.05'

/** Reads the table. `name` is what messages call it. */
export function parsePoints(text: string, name: string): DepthPoint[] {
  const points: DepthPoint[] = []
  let columns: Readonly<Record<keyof DepthPoint, number>> | null = null
  let number = 0
  for (const raw of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    number++
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const cells = cellsOf(line)
    if (columns === null) {
      columns = namedColumns(cells, name)
      if (columns) continue
      columns = { u: 0, v: 1, metres: 2 }
    }
    const numberIn = (column: number) => (cells[column] ? Number(cells[column]) : Number.NaN)
    const point = { u: numberIn(columns.u), v: numberIn(columns.v), metres: numberIn(columns.metres) }
    if (![point.u, point.v, point.metres].every(Number.isFinite))
      throw new DarError(`${name}, line ${number}: '${shortened(line, 40)}' is no point; ${FORM}`)
    points.push(point)
  }
  if (points.length === 0) throw new DarError(`${name} has no points; ${FORM}`)
  return points
}

/** Quotes, as spreadsheets write them, are dropped. */
function cellsOf(line: string): string[] {
  const separator = [';', '\t', ','].find((one) => line.includes(one)) ?? /\s+/
  return line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
}

/** The columns that a line of words names; null for a line of numbers. */
function namedColumns(cells: readonly string[], name: string): Readonly<Record<keyof DepthPoint, number>> | null {
  if (cells.every((cell) => cell !== '' && !Number.isNaN(Number(cell)))) return null
  const words = cells.map((cell) => cell.toLowerCase().split(/[([]/, 1)[0].trim()) // `depth (m)` is depth
  const columnOf = (key: keyof DepthPoint): number => {
    const column = NAMES[key].map((one) => words.indexOf(one)).find((at) => at >= 0)
    if (column === undefined)
      throw new DarError(
        `${name}: the first line, '${shortened(cells.join(', '), 40)}', names no column ${key}; ${FORM}`,
      )
    return column
  }
  return { u: columnOf('u'), v: columnOf('v'), metres: columnOf('metres') }
}
