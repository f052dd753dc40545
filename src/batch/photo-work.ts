/** One photo of a batch: whether it must be done, and doing it, from its bytes to its outputs and its line of the manifest. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { colourise, DEFAULT_SCALE, withLegend } from '../image/index.ts'
import { encodeNpy } from '../image/npy.ts'
import { decodeImage, MAX_FILE_BYTES } from '../node/decode.ts'
import { encodeDepthPng, encodePngRgb } from '../node/png16.ts'
import type { DepthModel } from '../predict/depth-model.ts'
import type { DepthMap } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { writeFilesTogether } from '../support/files.ts'
import { readRegularFile } from '../support/read-file.ts'
import { type BatchOptions, type Format, optionsHash } from './batch-options.ts'
import type { ManifestEntry, OutputFile } from './manifest.ts'
import { photoFile } from './photo-list.ts'
import { isPassing, WorkerLost } from './pool-place.ts'

/** What all photos of a batch have in common. */
export interface BatchPlace {
  /** What paths of photos are relative to. */
  readonly root: string
  /** The folder of the outputs. */
  readonly out: string
  /** SHA-256 of the model's file. */
  readonly model: string
  readonly options: BatchOptions
  /** Where the outputs of a photo lie, without their endings. */
  readonly stem: (path: string) => string
}

/** A disk that takes nothing more, or fails: no photo would be written. */
const DISK = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'EFBIG'])

/** Whether a failure would meet every other photo too. */
export function isOfDisk(error: unknown): boolean {
  const cause = error instanceof DarError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code !== undefined && DISK.has(cause.code)
}

/**
 * Whether an earlier entry still holds: the photo, the model and the options are the same, and the outputs lie there as they were written. A
 * photo whose size and time of change are the same is taken for unchanged, unless `check` is `content`.
 */
export async function isDone(
  entry: ManifestEntry | undefined,
  place: BatchPlace,
  { check = 'time' }: { readonly check?: 'time' | 'content' } = {},
): Promise<boolean> {
  if (entry?.status !== 'done') return false
  if (entry.model !== place.model || entry.options !== optionsHash(place.options)) return false
  const file = photoFile(place.root, entry.path)
  const now = await stat(file).catch(() => null)
  if (!now) return false
  const isAlike = now.size === entry.bytes && now.mtimeMs === entry.modified
  if (check === 'content' || !isAlike) {
    if (now.size !== entry.bytes) return false
    const bytes = await readRegularFile(file, { most: MAX_FILE_BYTES }).catch(() => null)
    if (!bytes || sha256(bytes) !== entry.sha256) return false
  }
  const outputs = Object.entries(entry.outputs ?? {})
  const found = await Promise.all(
    outputs.map(async ([format, { file: name, bytes }]) => {
      if (name !== outputName(place, entry.path, format as Format)) return false
      return (await stat(join(place.out, name)).catch(() => null))?.size === bytes
    }),
  )
  return found.length > 0 && found.every((there) => there)
}

const outputName = (place: BatchPlace, path: string, format: Format) => `${place.stem(path)}.${format}`

/**
 * Predicts a photo and writes its outputs; returns its entry, which the caller writes. A photo that cannot be read is an entry, too.
 * @throws DarError when the disk is full, or the worker lost: then no other photo would do better.
 */
export async function doPhoto(path: string, model: DepthModel, place: BatchPlace): Promise<ManifestEntry> {
  const file = photoFile(place.root, path)
  const about = { path, model: place.model, options: optionsHash(place.options) }
  let seen: Pick<ManifestEntry, 'sha256' | 'bytes' | 'modified'> = { sha256: null, bytes: null, modified: null }
  const begin = performance.now()
  try {
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: null }))
    const bytes = await readRegularFile(file, { most: MAX_FILE_BYTES })
    seen = { sha256: sha256(bytes), bytes: bytes.length, modified: mtimeMs }
    const image = await decodeImage(bytes, { name: file })
    const decode = performance.now() - begin
    const map = await model.predict(image, { focal: place.options.focal })
    const written = performance.now()
    const outputs = await writeOutputs(map, path, place)
    const { width, height, focal, warnings, milliseconds } = map
    const { source, millimetres35 } = focal
    return {
      ...about,
      ...seen,
      status: 'done',
      width,
      height,
      focal: { source, millimetres35 },
      ...(warnings.length > 0 && { warnings }),
      milliseconds: { ...milliseconds, decode, write: performance.now() - written },
      outputs,
      at: new Date().toISOString(),
    }
  } catch (error) {
    if (!(error instanceof DarError) || error instanceof WorkerLost || isOfDisk(error)) throw error
    if (error.kind === 'engine' || error.kind === 'model') throw error // ours, or the model's: no photo's
    const passing = isPassing(error) || error.kind === 'output'
    return {
      ...about,
      ...seen,
      status: 'failed',
      error: error.message,
      ...(passing && { passing }),
      at: new Date().toISOString(),
    }
  }
}

async function writeOutputs(map: DepthMap, path: string, place: BatchPlace): Promise<Record<string, OutputFile>> {
  const files = await Promise.all(
    place.options.formats.map(async (format) => {
      const bytes = await encoded(map, format)
      return { format, file: outputName(place, path, format), bytes }
    }),
  )
  await writeFilesTogether(files.map(({ file, bytes }) => [join(place.out, file), bytes]))
  return Object.fromEntries(files.map(({ format, file, bytes }) => [format, { file, bytes: bytes.length }]))
}

async function encoded(map: DepthMap, format: Format): Promise<Uint8Array> {
  switch (format) {
    case 'depth.png':
      return encodeDepthPng(map)
    case 'depth.npy':
      return encodeNpy(map.depth, [map.height, map.width])
    case 'color.png':
      return encodePngRgb(withLegend(colourise(map, DEFAULT_SCALE), DEFAULT_SCALE))
  }
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
