/** What `dar predict` prints: a line for every photo, or a line of JSON; mistakes and progress on standard error. */

import type { Intrinsics } from '../image/index.ts'
import { summarise } from '../inspect/summary.ts'
import { metresText } from '../node/index.ts'
import type { FileResult, WrittenMap } from '../node/predict-files.ts'
import type { DepthAlignment, DepthMap, Focal } from '../predict/index.ts'
import { printableName as named } from '../support/printable.ts'
import { createProgress } from '../support/progress.ts'
import { onOneLine } from '../support/text.ts'
import { alignmentText } from './predict-align.ts'

/** A line of `--json`. */
interface Entry {
  readonly image: string
  readonly status: 'done' | 'skipped' | 'failed'
  readonly width?: number
  readonly height?: number
  /** Paths by what they hold: `color.png`, `depth.png`, `depth.npy`, … */
  readonly files?: Readonly<Record<string, string>>
  readonly metres?: { readonly min: number; readonly median: number; readonly max: number }
  /** Of a relative model instead: inverse depth without a unit. */
  readonly relative?: Entry['metres']
  readonly focal?: DepthMap['focal']
  /** The camera in pixels of the photo. */
  readonly intrinsics?: Intrinsics
  /** Of `--align`: what was fitted, to which points, and what is left. */
  readonly alignment?: DepthAlignment
  readonly networkSize?: DepthMap['networkSize']
  readonly milliseconds?: DepthMap['milliseconds']
  /** Reasons why its metres are less certain than usual. */
  readonly warnings?: DepthMap['warnings']
  readonly error?: string
}

/** How photos are reported. */
export interface ReportOptions {
  readonly json: boolean
  readonly model: string
  /** Photos that are predicted. */
  readonly total: number
  readonly unit: 'metre' | 'relative'
}

export interface Report {
  /** A photo that was predicted, or failed. */
  add(result: FileResult): void
  /** What was asked for and was never a photo. */
  problem(image: string | null, message: string): void
  /** Photos whose results are there already. */
  skipped(photos: readonly { readonly image: string; readonly files: Readonly<Record<string, string>> }[]): void
  /** A line for people. */
  note(text: string): void
  /** The end of the progress line. */
  done(): void
}

/** More photos than this are told in one line when they are skipped. */
const MOST_SKIPPED_LINES = 5

export function createReport({ json, model, total, unit }: ReportOptions): Report {
  const progress = createProgress({ total, label: 'photos', silent: json || total <= 1 })
  // On a terminal the progress line stands where the next line of text goes, so it is cleared first.
  const clear = () => {
    if (process.stderr.isTTY && total > 1) process.stderr.write('\r\x1b[K')
  }
  const out = (text: string) => {
    clear()
    process.stdout.write(`${text}\n`)
  }
  const err = (text: string) => {
    clear()
    process.stderr.write(`dar: ${onOneLine(text)}\n`)
  }
  const line = (entry: Entry) => {
    if (json) process.stdout.write(`${JSON.stringify({ ...entry, model })}\n`)
  }
  const problem = (image: string | null, message: string) => {
    err(message)
    if (image !== null) line({ image, status: 'failed', error: message })
  }
  let done = 0
  return {
    problem,
    note: (text) => err(text),
    add(result) {
      const { image, map, files } = result
      if (result.error) problem(image, result.error.message)
      else if (map && files) {
        line({ image, status: 'done', ...figures(map, unit), files })
        if (!json) out(`${named(image)}: ${rangeText(map, unit)} → ${named(firstOf(files))}`)
        for (const warning of map.warnings) err(`${named(image)}: ${warning}`)
      }
      progress.update(++done, image)
    },
    skipped(photos) {
      for (const { image, files } of photos) line({ image, status: 'skipped', files })
      if (json || photos.length === 0) return
      if (photos.length > MOST_SKIPPED_LINES)
        err(`${photos.length} photos skipped: their results are there already; --overwrite makes them anew`)
      else
        for (const { image, files } of photos)
          out(`${named(image)}: skipped, ${named(firstOf(files))} is there already; --overwrite makes it anew`)
    },
    done: () => progress.done(),
  }
}

const firstOf = (files: Readonly<Record<string, string>>): string => Object.values(files)[0]

function figures(
  { depth, width, height, focal, intrinsics, alignment, networkSize, milliseconds, warnings }: WrittenMap,
  unit: ReportOptions['unit'],
) {
  const summary = summarise(depth)
  const range =
    unit === 'relative'
      ? { relative: summary }
      : { metres: summary, focal, intrinsics, ...(alignment && { alignment }) }
  return { width, height, ...range, networkSize, milliseconds, warnings }
}

function rangeText({ depth, focal, alignment }: WrittenMap, unit: ReportOptions['unit']): string {
  const { min, median, max } = summarise(depth)
  if (unit === 'relative') return `${min.toPrecision(3)} to ${max.toPrecision(3)}, inverse depth without a unit`
  return `${metresText(min)} to ${metresText(max)}, median ${metresText(median)} (${alignment ? alignmentText(alignment) : `lens: ${lensText(focal)}`})`
}

/** The lens that the metres assume, and the source of that knowledge. */
function lensText({ source, note, millimetres35 }: Focal): string {
  if (source === 'given') return `as given, ${Number(millimetres35.toPrecision(3))} mm equivalent`
  if (source === 'exif') return `EXIF, ${note ?? `35 mm equivalent ${millimetres35.toFixed(0)} mm`}`
  return note ? `${note}: give --focal; 26 mm equivalent assumed` : 'not known, 26 mm assumed'
}
