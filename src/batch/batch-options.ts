/** What decides the outputs of a photo beside the model: kept in a manifest as a hash, and in the messages of a fleet as it is. */
import { createHash } from 'node:crypto'
import type { DarConfig } from '../model/index.ts'
import { isMetric } from '../model/index.ts'
import { OUTPUT_KINDS, type OutputKind, parseKinds, RELATIVE_KINDS } from '../node/index.ts'
import { DarError } from '../support/errors.ts'

/** What a photo of a batch may become; the words are those of `dar predict --maps`. Workers compute neither sigma nor steps. */
export type BatchKind = Exclude<OutputKind, 'sigma' | 'steps'>
export const BATCH_KINDS = OUTPUT_KINDS.filter((kind): kind is BatchKind => kind !== 'sigma' && kind !== 'steps')

export interface BatchOptions {
  readonly kinds: readonly BatchKind[]
  /** In pixels of every photo; else EXIF, else the canonical lens. */
  readonly focal?: number
}

/** Reads `depth,color`. Throws a DarError for a word that is none of them. */
export function parseBatchKinds(list: string): BatchKind[] {
  const kinds = parseKinds(list)
  const isOfBatch = (kind: OutputKind): kind is BatchKind => BATCH_KINDS.some((known) => known === kind)
  const wrong = kinds.find((kind) => !isOfBatch(kind))
  if (wrong !== undefined)
    throw new DarError(
      `--maps ${list}: a batch has no '${wrong}'; choose among ${BATCH_KINDS.join(', ')}, or take dar predict`,
    )
  return kinds.filter(isOfBatch)
}

/** Throws a DarError where a model of relative depth cannot give what is wanted. */
export function checkKinds(
  { kinds }: BatchOptions,
  { name, config }: { readonly name: string; readonly config: DarConfig },
): void {
  const wrong = isMetric(config) ? undefined : kinds.find((kind) => !RELATIVE_KINDS.includes(kind))
  if (wrong !== undefined)
    throw new DarError(
      `${name} gives relative depth, which has no metres for '${wrong}'; give --maps ${RELATIVE_KINDS.join(',')} or some of these`,
    )
}

/** Sixteen hexadecimal digits that change when an option does. */
export function optionsHash({ kinds, focal }: BatchOptions): string {
  const text = JSON.stringify({ kinds: [...kinds].sort(), focal: focal ?? null })
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
