/** What decides the outputs of a photo beside the model: kept in a manifest as a hash, and in the messages of a fleet as it is. */
import { createHash } from 'node:crypto'
import { DarError } from '../support/errors.ts'

/** Files that a photo may become; names as in `dar predict`. */
export const FORMATS = ['depth.png', 'depth.npy', 'color.png'] as const
export type Format = (typeof FORMATS)[number]

export interface BatchOptions {
  readonly formats: readonly Format[]
  /** In pixels of every photo; else EXIF, else the canonical lens. */
  readonly focal?: number
}

/** Reads `depth.png,color.png`. */
export function parseFormats(text: string): Format[] {
  const names = text.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !FORMATS.some((format) => format === name))
  if (unknown !== undefined)
    throw new DarError(`--formats ${text}: there is no '${unknown}'; choose of ${FORMATS.join(', ')}`)
  return FORMATS.filter((format) => names.includes(format))
}

/** Sixteen hexadecimal digits that change when an option does. */
export function optionsHash({ formats, focal }: BatchOptions): string {
  const text = JSON.stringify({ formats: [...formats].sort(), focal: focal ?? null })
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
