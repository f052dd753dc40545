/**
 * Photos into files of depth, one after the other: `dar predict` without its flags and its printing. A photo that cannot be read, or
 * whose results cannot be written, costs that photo. What would stop all others too ends the batch: a full disk, a folder of results
 * that is gone, a thread that has ended.
 */
import { join } from 'node:path'
import type { DepthAlignment, DepthMap, DepthResult, ManyOptions, ManyResult } from '../predict/index.ts'
import { DarError } from '../support/errors.ts'
import { decodeImage } from './decode.ts'
import type { DecodeFile } from './decoder-process.ts'
import type { Found } from './existing.ts'
import { encodeOutputs, needsPhoto, type OutputStyle, writeOutputs } from './outputs.ts'

/** What of a `DepthModel` is used. */
export interface Predicts {
  predictMany(images: Iterable<string>, options: ManyOptions): AsyncIterable<ManyResult<string>>
}

/** A map, where it is as the model gave it its camera, and where it was aligned how. */
export type WrittenMap = DepthMap & Partial<Pick<DepthResult, 'intrinsics'>> & { readonly alignment?: DepthAlignment }

/** How photos become files. */
export interface PredictFilesOptions {
  /** The folder of the results. */
  readonly out: string
  readonly style: OutputStyle
  /** The files that a photo has when it is done. */
  readonly suffixes: readonly string[]
  /** Lens, size, steps. */
  readonly options?: ManyOptions
  /** Write the missing ones of a photo's files only (`missing`), or all of them (`all`). */
  readonly write?: 'missing' | 'all'
  /** When it is aborted, photos that are under way are finished, and no other is begun. */
  readonly signal?: AbortSignal
  /** Reads a photo once more where its colours are written, too. Default `decodeImage`. */
  readonly decodeFile?: DecodeFile
  /** What is done to a map before it is written: aligned to measured points, for instance. A DarError costs the photo. */
  readonly finish?: (image: string, map: WrittenMap) => WrittenMap | Promise<WrittenMap>
}

/** One photo of `predictFiles`. */
export type FileResult =
  | {
      readonly image: string
      readonly map: WrittenMap
      readonly files: Readonly<Record<string, string>>
      readonly error: null
    }
  | {
      readonly image: string
      readonly map: null
      readonly files: null
      readonly error: DarError
      /** Whether the batch ends here. */
      readonly fatal: boolean
    }

/** The results in the order of `photos`. Ends early after a fatal one, and when `signal` is aborted. */
export async function* predictFiles(
  model: Predicts,
  photos: readonly Found[],
  given: PredictFilesOptions,
): AsyncGenerator<FileResult, void, undefined> {
  const { options = {}, signal } = given
  function* begun() {
    for (const { input } of photos) {
      if (signal?.aborted) return
      yield input
    }
  }
  for await (const { image, index, map, error } of model.predictMany(begun(), options)) {
    const result = error ? failed(image, error) : await saved(photos[index], map, given)
    yield result
    if (result.error && result.fatal) return
  }
}

async function saved(
  { input, stem, existing }: Found,
  predicted: WrittenMap,
  { out, style, suffixes, write = 'all', decodeFile = decodeImage, finish = (_, map) => map }: PredictFilesOptions,
): Promise<FileResult> {
  try {
    const map = await finish(input, predicted)
    const photo = needsPhoto(style) ? await decodeFile(input) : null
    const notes = { image: input, ...style.notes }
    const files = await encodeOutputs(map, { ...style, notes }, { photo })
    if (write === 'missing') for (const suffix of existing) files.delete(suffix)
    await writeOutputs(files, out, stem, { makeFolder: false })
    const paths = suffixes.map((suffix) => [suffix, join(out, `${stem}.${suffix}`)])
    return { image: input, map, files: Object.fromEntries(paths), error: null }
  } catch (error) {
    if (error instanceof DarError) return failed(input, error)
    throw error
  }
}

/** What no other photo is spared: no room, a disk that is gone or fails, or became read-only. */
const FATAL = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'ENOENT', 'ENODEV', 'ESTALE']

function failed(image: string, error: DarError): FileResult {
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code
  const isDisk = error.kind === 'output' && code !== undefined && FATAL.includes(code)
  return { image, map: null, files: null, error, fatal: isDisk || error.kind === 'gone' }
}
