/**
 * Reading arrays out of HDF5 files with h5wasm (the HDF5 C library in WebAssembly). A file on disk is read in place: what
 * is asked for is a slice, and only its chunks are read and unpacked, whatever the size of the file. Bytes in memory (a
 * member of a tar) go through the build of the same library that has a file system in memory. A file is open only while
 * `use` runs, so nothing has to be disposed of.
 *
 * A damaged file may leave the library with a file that it counts as open. Its descriptor is closed here, and the library is loaded
 * anew before the next file: it would take another file of the same inode for the one that it still holds.
 */

import { isMatlab5 } from '../../node/decode-depth.ts'
import { DarError, messageOf } from '../../support/errors.ts'
import { firstBytes } from '../../support/read-file.ts'
import { shortened } from '../../support/text.ts'

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

/** Bytes of the largest array that is read at once: three 32-bit values for each pixel of the largest frame. */
const MAX_BYTES = 12 * MAX_PIXELS
/** A chunk is always unpacked as a whole, even when only a part is requested. */
const MAX_CHUNK_BYTES = 2 ** 28

export interface Hdf5 {
  /** Of a data set, slowest axis first; null when there is no such data set. */
  shape(dataset: string): readonly number[] | null
  /** Index `index` of the first axis, all of the others; the whole data set without `index`. Throws a DarError when it is not numeric. */
  read(dataset: string, index?: number): Numbers
}

type Module = typeof import('h5wasm/node')
type Opened = InstanceType<Module['File']>
interface Stream {
  readonly fd: number
}
/** What is used of Emscripten's file system. */
interface FileSystem {
  readonly streams: (Stream | null | undefined)[]
  close(stream: Stream): void
  write(stream: Stream, buffer: Uint8Array, offset: number, length: number, ...rest: unknown[]): number
  writeFile(path: string, bytes: Uint8Array): void
  unlink(path: string): void
}

/** The library, and what it has said on standard error since `said` was last emptied. */
interface Library {
  readonly module: Module
  readonly files: FileSystem
  said: string
}

type Build = 'h5wasm/node' | 'h5wasm'
const loaded = new Map<Build, Promise<Library>>()
/** How often the library was loaded anew. */
let renewals = 0

function library(build: Build): Promise<Library> {
  const found = loaded.get(build) ?? load(build)
  loaded.set(build, found)
  return found
}

async function load(build: Build): Promise<Library> {
  // A query makes another module of the same file, with an instance of its own.
  const url = renewals === 0 ? build : `${import.meta.resolve(build)}?${renewals}`
  const module = (await import(url)) as Module
  await module.ready
  if (module.FS === null) throw new Error('internal error: h5wasm has no file system')
  const opened: Library = { module, files: module.FS as unknown as FileSystem, said: '' }
  listen(opened)
  return opened
}

/**
 * Reasons are printed, on a standard error that is not ours to fill. (The library's own way of turning them into exceptions leaves
 * functions of the C library in the middle, and with them files open.)
 */
function listen(opened: Library): void {
  const { files } = opened
  const write = files.write.bind(files)
  files.write = (stream, buffer, offset, length, ...rest) => {
    if (stream.fd !== 2) return write(stream, buffer, offset, length, ...rest)
    if (opened.said.length < 100_000)
      opened.said += Buffer.from(buffer.subarray(offset, offset + length)).toString('latin1')
    return length
  }
}

/** `use` must not keep what it is given. `name` is what messages call bytes. Throws a DarError that names the file. */
export async function withHdf5<T>(
  source: string | Uint8Array,
  use: (file: Hdf5) => T,
  { name = typeof source === 'string' ? source : 'the HDF5 data' }: { name?: string } = {},
): Promise<T> {
  if (typeof source === 'string') {
    if (isMatlab5(await firstBytes(source, 16)))
      throw new DarError(`${name} is a MATLAB 5 file, not MATLAB 7.3 (HDF5); save it with -v7.3`)
    return useFile('h5wasm/node', await library('h5wasm/node'), source, name, use)
  }
  const inMemory = await library('h5wasm')
  const path = '/member.h5' // this build's own file system, and no other call runs before it is removed again
  inMemory.files.writeFile(path, source)
  try {
    return useFile('h5wasm', inMemory, path, name, use)
  } finally {
    inMemory.files.unlink(path)
  }
}

function useFile<T>(build: Build, opened: Library, path: string, name: string, use: (file: Hdf5) => T): T {
  const { module, files } = opened
  const before = new Set(files.streams)
  let file: Opened | null = null
  let aborted = false
  const guarded = <R>(run: () => R): R => {
    opened.said = ''
    try {
      const result = run()
      if (opened.said !== '') throw new Error(opened.said)
      return result
    } catch (error) {
      if (error instanceof DarError) throw error
      aborted ||= error instanceof Error && error.name === 'RuntimeError' // WebAssembly's own: the instance is gone
      const reason = reasonOf(opened.said || messageOf(error))
      throw new DarError(`${name} is a damaged or incomplete HDF5 file (${reason}); copy or download it again`)
    }
  }
  try {
    file = guarded(() => new module.File(path, 'r'))
    return use(accessTo(file, module, name, guarded))
  } finally {
    closeAll(
      file,
      files,
      before,
      () => {
        loaded.delete(build)
        renewals++
      },
      aborted,
    )
  }
}

/** Closes the file; what stays open nevertheless is closed by force, and `renew` is called. */
function closeAll(
  file: Opened | null,
  files: FileSystem,
  before: ReadonlySet<Stream | null | undefined>,
  renew: () => void,
  aborted: boolean,
): void {
  try {
    file?.close()
  } catch {
    aborted = true
  }
  const left = files.streams.filter((stream) => stream && !before.has(stream))
  for (const stream of left)
    try {
      if (stream) files.close(stream)
    } catch {
      // It was the last that could be done for this file.
    }
  if (left.length > 0 || aborted) renew()
}

function accessTo(file: Opened, { Dataset, Module: C }: Module, name: string, guarded: <R>(run: () => R) => R): Hdf5 {
  const dataset = (key: string) => {
    const found = guarded(() => (file.keys().includes(key) ? file.get(key) : null))
    return found instanceof Dataset ? found : null
  }
  const shape = (key: string) => {
    const found = dataset(key)
    return found ? guarded(() => found.shape) : null
  }
  const read = (key: string, index?: number): Numbers => {
    const found = dataset(key)
    if (!found) throw new DarError(`${name} has no data set '${key}'; is it the right file?`)
    const { shape, size, chunks, type } = guarded(() => found.metadata)
    const axes = shape ?? []
    const isNumeric = type === C.H5T_class_t.H5T_INTEGER.value || type === C.H5T_class_t.H5T_FLOAT.value
    if (!isNumeric) throw new DarError(`${name}: '${key}' does not hold plain numbers; is it the right file?`)
    const wanted = size * product(index === undefined ? axes : axes.slice(1))
    if (wanted > MAX_BYTES || size * product(chunks ?? []) > MAX_CHUNK_BYTES)
      throw new DarError(
        `${name}: '${key}' has the shape ${axes.join('×')}${chunks ? ` in pieces of ${chunks.join('×')}` : ''}, too large for a frame; is it the right file?`,
      )
    const value = guarded(() =>
      index === undefined
        ? found.value
        : found.slice([[index, index + 1], ...Array.from({ length: axes.length - 1 }, () => [] as [])]),
    )
    if (!isNumbers(value)) throw new DarError(`${name}: '${key}' does not hold plain numbers; is it the right file?`)
    return value
  }
  return { shape, read }
}

const product = (axes: readonly number[]) => axes.reduce((sofar, axis) => sofar * axis, 1)

function isNumbers(value: unknown): value is Numbers {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  )
}

/** HDF5's messages are a stack, outermost first, `#001: file line 12 in function(): reason`; the innermost says the cause. */
function reasonOf(said: string): string {
  const lines = said.split('\n')
  const frames = lines.filter((line) => /^\s*#\d+:/.test(line))
  const cause = (frames.at(-1) ?? lines[0]).replace(/^.*?\(\): /, '').trim()
  return shortened(cause, 160) || 'no reason given'
}
