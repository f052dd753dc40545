/**
 * Writes `rooms` to disk as a folder data set (folder.ts), for other tools, or to look at what a recipe trains on. Each
 * room is written depth first, then photo, then one line in a journal, so a run that was interrupted goes on with the
 * first room that the journal does not have; the JSON files of the layout come last, and the journal goes.
 *
 *     rgb/000000.png   depth/000000.png (millimetres)   intrinsics.json (one camera a room)   meta.json
 */
import { appendFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { encodeDepthPng, encodePngRgb } from '../node/png16.ts'
import { openFurniture } from '../rooms/index.ts'
import { remedyFor } from '../support/cannot-write.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { namesIn, writeFileAtomically } from '../support/files.ts'
import { LOCK_FILE, lockFolder } from '../support/folder-lock.ts'
import { makeFolder } from '../support/folders.ts'
import { readTextFile } from '../support/read-file.ts'
import { readJson } from './json.ts'
import { roomsDataset } from './rooms-dataset.ts'
import type { Dataset, Frame } from './types.ts'

/** Of a set of rooms that is written to a folder. */
export interface MakeRoomsOptions {
  readonly count: number
  /** Of the set: room i depends on (seed, i) and the size only. */
  readonly seed?: number
  readonly width?: number
  readonly height?: number
  /** Folder of Sweet Home 3D furniture catalogues (`.sh3f`); without it, rooms furnish themselves. */
  readonly furniture?: string
  /** Called after every room; `resumed` were there before. */
  readonly onProgress?: (done: number, resumed: number) => void
}

const MILLIMETRES = 1000
const JOURNAL = '.rooms.jsonl'

const metaFile = z.object({
  generator: z.literal('rooms'),
  seed: z.number(),
  width: z.number(),
  height: z.number(),
  count: z.number(),
  /** SHA-256 of the catalogues that the rooms are furnished from. */
  furniture: z.string().optional(),
})
const camera = z.object({
  fx: z.number(),
  fy: z.number(),
  cx: z.number(),
  cy: z.number(),
  width: z.number(),
  height: z.number(),
})
const cameras = z.record(z.string(), camera)
type Cameras = Record<string, z.infer<typeof camera>>

/**
 * Returns how many rooms were written now and how many were there before. A folder that holds the beginning of the same set
 * is completed; one that holds a finished, shorter set is extended.
 * @throws DarError when the folder holds anything else, or an option makes no sense.
 */
export async function makeRooms(
  folder: string,
  { count, seed = 0, width = 320, height = 240, furniture, onProgress }: MakeRoomsOptions,
): Promise<{ readonly written: number; readonly resumed: number }> {
  const rooms = roomsDataset({ seed, count, width, height, furniture })
  const catalogues = furniture === undefined ? {} : { furniture: (await openFurniture(furniture)).digest }
  const header = { generator: 'rooms' as const, seed, width, height, ...catalogues }
  await resume(folder, header) // a wrong folder is refused before anything is written into it
  const lock = lockFolder(folder, 'making of rooms')
  try {
    return await makeLocked(folder, rooms, { header, count, onProgress }, await resume(folder, header))
  } finally {
    await lock.dispose()
  }
}

async function makeLocked(
  folder: string,
  rooms: Dataset,
  { header, count, onProgress }: Pick<MakeRoomsOptions, 'count' | 'onProgress'> & { readonly header: Header },
  done: Cameras,
): Promise<{ readonly written: number; readonly resumed: number }> {
  const resumed = Object.keys(done).filter((name) => Number(name) < count).length
  await openJournal(folder, header)
  let written = 0
  for (let i = 0; i < count; i++) {
    const name = String(i).padStart(6, '0')
    if (done[name] === undefined) {
      const frame = await rooms.get(i)
      const intrinsics = await writeRoom(folder, name, frame)
      await append(folder, { name, intrinsics })
      done[name] = intrinsics
      written++
    }
    onProgress?.(i + 1, resumed)
  }
  const total = Object.keys(done).length
  const meta = {
    ...header,
    count: total,
    depth_scale: MILLIMETRES,
    unit: 'millimetres along the optical axis, 0 = none',
    intrinsics: null,
  }
  await writeFileAtomically(join(folder, 'intrinsics.json'), `${JSON.stringify(done, null, 1)}\n`)
  await writeFileAtomically(join(folder, 'meta.json'), `${JSON.stringify(meta, null, 2)}\n`)
  await rm(join(folder, JOURNAL), { force: true })
  return { written, resumed }
}

async function writeRoom(folder: string, name: string, { image, depth, intrinsics }: Frame): Promise<Cameras[string]> {
  if (!depth || !intrinsics) throw new Error('internal error: a room without depth or camera')
  await writeFileAtomically(
    join(folder, 'depth', `${name}.png`),
    await encodeDepthPng(depth, { unitsPerMetre: MILLIMETRES }),
  )
  await writeFileAtomically(join(folder, 'rgb', `${name}.png`), await encodePngRgb(image))
  return { ...intrinsics, width: image.width, height: image.height }
}

type Header = Omit<z.infer<typeof metaFile>, 'count'>

/** The cameras of the rooms that are there. */
async function resume(folder: string, wanted: Header): Promise<Cameras> {
  const files = (await namesIn(folder)).filter((name) => name !== LOCK_FILE)
  if (files.length === 0) return {}
  const journal = files.includes(JOURNAL) ? await readJournal(join(folder, JOURNAL)) : null
  const meta = await readMeta(folder)
  const found = journal?.header ?? meta
  if (found === null) throw new DarError(`${folder} is not empty and holds no set of rooms; choose an empty folder`)
  for (const key of ['seed', 'width', 'height'] as const)
    if (found[key] !== wanted[key])
      throw new DarError(`${folder} holds rooms of ${key} ${found[key]}, not ${wanted[key]}; choose an empty folder`)
  if (found.furniture !== wanted.furniture)
    throw new DarError(`${folder} holds rooms with other furniture; choose an empty folder`)
  const finished = meta === null ? null : await readJson(join(folder, 'intrinsics.json'), cameras)
  return { ...finished, ...journal?.done }
}

async function readMeta(folder: string) {
  try {
    return await readJson(join(folder, 'meta.json'), metaFile)
  } catch (error) {
    throw error instanceof DarError ? new DarError(`${folder} holds another data set; choose an empty folder`) : error
  }
}

const journalLine = z.object({ name: z.string(), intrinsics: camera })

/** The last line may be torn: its room is made again. */
async function readJournal(path: string) {
  const [first, ...lines] = (await readTextFile(path)).split('\n')
  const header = parsed(first, metaFile.omit({ count: true }))
  if (header === null) return null
  const done = lines.flatMap((line) => parsed(line, journalLine) ?? [])
  return { header, done: Object.fromEntries(done.map(({ name, intrinsics }) => [name, intrinsics])) }
}

function parsed<T>(line: string, schema: z.ZodType<T>): T | null {
  try {
    const result = schema.safeParse(JSON.parse(line))
    return result.success ? result.data : null
  } catch {
    return null
  }
}

/** Makes the folder and its journal, or gets an existing journal ready for more lines. */
async function openJournal(folder: string, header: Header): Promise<void> {
  try {
    await makeFolder(folder)
    const started = (await readdir(folder)).includes(JOURNAL)
    // A torn last line must not swallow the next one.
    await appendFile(join(folder, JOURNAL), started ? '\n' : `${JSON.stringify(header)}\n`)
  } catch (error) {
    if (error instanceof DarError) throw error
    throw new DarError(`cannot write to ${folder}: ${messageOf(error)}; ${remedyFor(error)}`, {
      kind: 'output',
    })
  }
}

async function append(folder: string, line: z.infer<typeof journalLine>): Promise<void> {
  try {
    await appendFile(join(folder, JOURNAL), `${JSON.stringify(line)}\n`)
  } catch (error) {
    throw new DarError(`cannot write to ${folder}: ${messageOf(error)}; make room and run the same command again`, {
      kind: 'output',
    })
  }
}
