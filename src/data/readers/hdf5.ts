/**
 * Reading arrays out of HDF5 files with h5wasm (the HDF5 C library in WebAssembly). A file on disk is read in place: what
 * is asked for is a slice, and only its chunks are read and unpacked, whatever the size of the file. Bytes in memory (a
 * member of a tar) go through the build of the same library that has a file system in memory. A file is open only while
 * `use` runs, so nothing has to be disposed of.
 */

import { DarError, messageOf } from '../../support/errors.ts'
import { kindOf } from './files.ts'

export type Numbers =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array

/** Pixels of the largest frame that is read: a damaged or hostile file may state any size. */
export const MAX_PIXELS = 100e6

export interface Hdf5 {
  /** Of a data set, slowest axis first; null when there is no such data set. */
  shape(dataset: string): readonly number[] | null
  /** Index `index` of the first axis, all of the others; the whole data set without `index`. Throws a DarError when it is not numeric. */
  read(dataset: string, index?: number): Numbers
}

type Library = typeof import('h5wasm/node')

let onDisk: Promise<Library> | null = null
let inMemory: Promise<Library> | null = null

/** One of the two builds; with its own messages on standard error turned into exceptions. */
async function load(importing: Promise<Library>): Promise<Library> {
  const library = await importing
  const module = await library.ready
  module.activate_throwing_error_handler()
  return library
}

const fileLibrary = () => (onDisk ??= load(import('h5wasm/node')))
const memoryLibrary = () => (inMemory ??= load(import('h5wasm') as Promise<Library>))

/** `use` must not keep what it is given. `name` is what messages call bytes. Throws a DarError that names the file. */
export async function withHdf5<T>(
  source: string | Uint8Array,
  use: (file: Hdf5) => T,
  { name = typeof source === 'string' ? source : 'the HDF5 data' }: { name?: string } = {},
): Promise<T> {
  if (typeof source === 'string') {
    if ((await kindOf(source)) !== 'file')
      throw new DarError(`${name} was not found; check the path`, { kind: 'missing' })
    return useFile(await fileLibrary(), source, name, use)
  }
  const library = await memoryLibrary()
  const { FS } = library
  if (FS === null) throw new Error('internal error: h5wasm has no file system')
  const path = '/member.h5' // this build's own file system, and no other call runs before it is removed again
  FS.writeFile(path, source)
  try {
    return useFile(library, path, name, use)
  } finally {
    FS.unlink(path)
  }
}

function useFile<T>({ File, Dataset }: Library, path: string, name: string, use: (file: Hdf5) => T): T {
  const file = guard(name, () => new File(path, 'r'))
  const dataset = (key: string) => {
    const found = guard(name, () => (file.keys().includes(key) ? file.get(key) : null))
    return found instanceof Dataset ? found : null
  }
  const shape = (key: string) => dataset(key)?.shape ?? null
  const read = (key: string, index?: number): Numbers => {
    const found = dataset(key)
    if (!found) throw new DarError(`${name} has no data set '${key}'; is it the right file?`)
    const axes = found.shape?.length ?? 0
    const value = guard(name, () =>
      index === undefined
        ? found.value
        : found.slice([[index, index + 1], ...Array.from({ length: axes - 1 }, () => [] as [])]),
    )
    if (!isNumbers(value)) throw new DarError(`${name}: '${key}' does not hold plain numbers; is it the right file?`)
    return value
  }
  try {
    return use({ shape, read })
  } finally {
    guard(name, () => file.close())
  }
}

function isNumbers(value: unknown): value is Numbers {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  )
}

/** The library's exceptions, one line of them, as the file's fault: what is asked for has been checked before. */
function guard<T>(name: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof DarError) throw error
    throw new DarError(`${name} is a damaged or incomplete HDF5 file (${reasonOf(error)}); copy or download it again`)
  }
}

/** HDF5's messages are a stack, outermost first, `#001: file line 12 in function(): reason`; the innermost says the cause. */
function reasonOf(error: unknown): string {
  const lines = messageOf(error).split('\n')
  const frames = lines.filter((line) => /^\s*#\d+:/.test(line))
  const cause = (frames.at(-1) ?? lines[0]).replace(/^.*?\(\): /, '').trim()
  return cause.slice(0, 160) || 'no reason given'
}
