/**
 * Where a depth video goes: a video file, a folder of 16-bit PNGs, one `.npy`. Each is written beside its place under a temporary
 * name. `finish` makes it whole there, `place` renames it: so a run that fails leaves nothing, and one that writes several results
 * places all of them or none.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { encodeNpy } from '../image/npy.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import { encodeDepthPng } from '../node/png16.ts'
import { cannotWrite } from '../support/cannot-write.ts'
import { DarError } from '../support/errors.ts'
import { syncFile, syncFolder } from '../support/files.ts'
import { makeFolder } from '../support/folders.ts'
import { sweepOnce, temporaryBeside } from '../support/temporary.ts'

/** A frame to be written. */
export interface OutputFrame {
  /** Metres, at the photo's size. */
  readonly depth: DepthImage
  /** What the video shows. */
  readonly picture: RgbImage
}

/** One result that is being written. Frames come one at a time. */
export interface Sink {
  readonly path: string
  /** Resolves when there is room for the next frame. @throws DarError of kind `output`. */
  write(frame: OutputFrame): Promise<void>
  /** Whole and on the disk, under its temporary name. */
  finish(): Promise<void>
  /** Takes its place. */
  place(): Promise<void>
  /** Removes what was written and is not placed. Never rejects. */
  discard(): Promise<void>
}

/** Names of the PNGs, which a folder that is replaced may hold: `frame_000001.png`. */
const FRAME = /^frame_\d{6,}\.png$/
const frameName = (number: number): string => `frame_${String(number).padStart(6, '0')}.png`

export interface ReplaceOptions {
  readonly overwrite?: boolean
}

/**
 * Throws a DarError when a result would replace something: an existing file or folder without `overwrite`, or, even with it, a folder
 * that holds anything else than frames.
 */
export async function refuseReplacing(path: string, { overwrite = false }: ReplaceOptions): Promise<void> {
  const there = await stat(path).catch(() => null)
  if (!there) return
  const mistake = (why: string) => new DarError(`${path} ${why}`, { kind: 'output' })
  if (!there.isDirectory()) {
    if (!there.isFile()) throw mistake('is no ordinary file; choose another name')
    if (!overwrite) throw mistake('is there already; give --overwrite, or another name')
    return
  }
  const names = await readdir(path)
  if (names.length === 0) return
  const foreign = names.find((name) => !FRAME.test(name))
  if (foreign !== undefined)
    throw mistake(`holds ${foreign}, which is no frame of a depth video; choose another folder`)
  if (!overwrite) throw mistake('holds frames already; give --overwrite, or another folder')
}

/** A folder of 16-bit grey PNGs in millimetres, 0 = none: `frame_000001.png`, … */
export async function openPngFolder(path: string): Promise<Sink> {
  const temporary = await preparedBeside(path)
  await tried(path, () => mkdir(temporary))
  let count = 0
  return {
    path,
    async write({ depth }) {
      const bytes = await encodeDepthPng(depth)
      await tried(path, async () => {
        const file = await open(join(temporary, frameName(++count)), 'w')
        try {
          await file.writeFile(bytes)
          await file.sync()
        } finally {
          await file.close()
        }
      })
    },
    async finish() {
      await tried(path, () => syncFolder(temporary))
    },
    place: () => tried(path, () => replaceFolder(path, temporary)),
    discard: () => rm(temporary, { recursive: true, force: true }).catch(() => {}),
  }
}

/** The old folder steps aside before the new one takes its name. */
async function replaceFolder(path: string, temporary: string): Promise<void> {
  const aside = temporaryBeside(path, 'old')
  const wasThere = await rename(path, aside).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
  try {
    await rename(temporary, path)
  } catch (error) {
    if (wasThere) await rename(aside, path).catch(() => {})
    throw error
  }
  if (wasThere) await rm(aside, { recursive: true, force: true })
  await syncFolder(dirname(path))
}

/** One array of float32 metres, frames × height × width. */
export async function openNpyFile(path: string): Promise<Sink> {
  const temporary = await preparedBeside(path)
  const file = await tried(path, () => open(temporary, 'w'))
  let count = 0
  let size: readonly [number, number] | null = null
  // Its length does not depend on the number of frames, for which it has room.
  const header = () => encodeNpy(new Float32Array(0), [0, ...(size ?? [0, 0])])
  return {
    path,
    async write({ depth: { width, height, data } }) {
      await tried(path, async () => {
        if (size === null) {
          size = [height, width]
          await writeAll(file, header())
        }
        await writeAll(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
        count++
      })
    },
    async finish() {
      await tried(path, async () => {
        await file.write(npyHeader([count, ...(size ?? [0, 0])], header().length), 0, undefined, 0)
        await file.sync()
        await file.close()
      })
    },
    place: () => placeFile(path, temporary),
    async discard() {
      await file.close().catch(() => {})
      await rm(temporary, { force: true }).catch(() => {})
    },
  }
}

/** The header alone, of an array whose values are written elsewhere. */
function npyHeader(shape: readonly number[], length: number): Uint8Array {
  const empty = encodeNpy(new Float32Array(0), [0, ...shape.slice(1)])
  const text = new TextDecoder('latin1').decode(empty)
  const from = text.indexOf('(0,')
  const digits = String(shape[0])
  // numpy leaves blanks behind the dict for exactly this: the first axis grows.
  const grown = `${text.slice(0, from)}(${digits},${text.slice(from + 3)}`
  const surplus = digits.length - 1
  const end = grown.lastIndexOf('\n')
  const fitted = `${grown.slice(0, end - surplus)}\n`
  return Uint8Array.from(fitted.slice(0, length), (letter) => letter.charCodeAt(0))
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

/** Makes the folder of a result and removes what killed processes left there. Returns a temporary name. */
export async function preparedBeside(path: string): Promise<string> {
  const folder = dirname(path)
  await makeFolder(folder)
  sweepOnce(folder)
  return temporaryBeside(path)
}

/** A whole temporary file takes its name. */
export async function placeFile(path: string, temporary: string): Promise<void> {
  await tried(path, async () => {
    await syncFile(temporary)
    await rename(temporary, path)
    await syncFolder(dirname(path))
  })
}

async function tried<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof DarError ? error : cannotWrite(path, error)
  }
}
