/** One photo of a batch: whether it must be done, and doing it, from its bytes to its outputs and its line of the manifest. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { RgbImage } from '../image/types.ts'
import { MAX_FILE_BYTES } from '../node/decode.ts'
import type { DecodeFile } from '../node/decoder-process.ts'
import { suffixesOf } from '../node/output-kinds.ts'
import { encodeOutputs, needsPhoto, writeOutputs as writeNamed } from '../node/outputs.ts'
import type { DepthModel } from '../predict/depth-model.ts'
import type { DepthMap } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { readRegularFile } from '../support/read-file.ts'
import { type BatchOptions, optionsHash } from './batch-options.ts'
import type { ManifestEntry, OutputFile } from './manifest.ts'
import { photoFile } from './photo-list.ts'
import { giveAway, isPassing, WorkerLost } from './pool-place.ts'

/** What all photos of a batch have in common. */
export interface BatchPlace {
  /** What paths of photos are relative to. */
  readonly root: string
  /** The folder of the outputs. */
  readonly out: string
  /** SHA-256 of the model's file. */
  readonly model: string
  /** Reads a photo's bytes: `ModelPool.decode`. */
  readonly decode: DecodeFile
  readonly options: BatchOptions
  readonly unit: 'metre' | 'relative'
  /** Where the outputs of a photo lie, without their endings. */
  readonly stem: (path: string) => string
}

/** A disk that takes nothing more, or fails: no photo would be written. */
const DISK = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'EFBIG'])
/** The same, where something was to be written: the folder of the outputs, or its disk, is gone. */
const GONE = new Set(['ENOENT', 'ENODEV', 'ESTALE'])

/** Whether a failure would meet every other photo too. */
function isOfDisk(error: unknown): boolean {
  if (!(error instanceof DarError)) return false
  const { code } = (error.cause as NodeJS.ErrnoException | undefined) ?? {}
  return code !== undefined && (DISK.has(code) || (error.kind === 'output' && GONE.has(code)))
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
  const found = suffixesOf(place.options.kinds, { steps: 0 }).map(async (suffix) => {
    const output = entry.outputs?.[suffix]
    if (output?.file !== `${place.stem(entry.path)}.${suffix}`) return false
    return (await stat(join(place.out, output.file)).catch(() => null))?.size === output.bytes
  })
  return (await Promise.all(found)).every((there) => there)
}

/**
 * Predicts a photo and writes its outputs; returns its entry, which the caller writes. A photo that cannot be read is an entry, too.
 * @throws DarError when the disk is full, the folder of the outputs gone, or the worker lost: then no other photo would do better.
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
    const image = await place.decode(bytes, { name: file })
    const decode = performance.now() - begin
    const photo = needsPhoto(place.options) ? { ...image, data: image.data.slice() } : null
    const map = await model.predict(giveAway(image), { focal: place.options.focal })
    const written = performance.now()
    const outputs = await write(map, photo, path, place)
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

/** Encodes and writes the outputs: all of them, or none. */
async function write(
  map: DepthMap,
  photo: RgbImage | null,
  path: string,
  place: BatchPlace,
): Promise<Record<string, OutputFile>> {
  const { kinds } = place.options
  const files = await encodeOutputs(map, { kinds, unit: place.unit, notes: { image: path } }, { photo })
  const stem = place.stem(path)
  await writeNamed(files, place.out, stem, { makeFolder: false })
  return Object.fromEntries(
    [...files].map(([suffix, bytes]) => [suffix, { file: `${stem}.${suffix}`, bytes: bytes.length }]),
  )
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
