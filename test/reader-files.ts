/** For tests of readers and for fuzzing: small files of every format, written by the libraries that real ones are written with. No test runner. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pack } from 'tar-stream'
import type { Frame } from '../src/data/types.ts'
import { encodeDepthPng, encodePngRgb } from '../src/node/png16.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

/** Red counts columns, green rows; blue is `blue`. */
export function photoPng({ width, height }: Size, blue = 0): Promise<Uint8Array> {
  const data = new Uint8Array(3 * width * height)
  for (let i = 0; i < width * height; i++) data.set([(i % width) & 255, Math.floor(i / width) & 255, blue], 3 * i)
  return encodePngRgb({ width, height, data })
}

/** A 16-bit PNG of these stored values. */
export function storedPng({ width, height }: Size, value: (x: number, y: number) => number): Promise<Uint8Array> {
  const data = Float32Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)))
  return encodeDepthPng({ width, height, data }, { unitsPerMetre: 1 })
}

/** Writes a file and the folders above it; returns its path. */
export async function put(path: string, bytes: Uint8Array | string): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
  return path
}

export type Arrays = Readonly<
  Record<string, { readonly data: Uint8Array | Float32Array; readonly shape: number[]; readonly chunks?: number[] }>
>

/** A real HDF5 file. */
export async function writeHdf5(path: string, arrays: Arrays): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  const { File, ready } = await import('h5wasm/node')
  await ready
  const file = new File(path, 'w')
  for (const [name, { data, shape, chunks }] of Object.entries(arrays))
    file.create_dataset({ name, data, shape, ...(chunks && { chunks, compression: 4 }) })
  file.close()
  return path
}

/** A real tar of these files, in this order. */
export async function writeTar(path: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const tar = pack()
  for (const [name, bytes] of Object.entries(files)) tar.entry({ name }, Buffer.from(bytes))
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar) chunks.push(Buffer.from(chunk as Uint8Array))
  return put(path, Buffer.concat(chunks))
}

/** Metres at a pixel, rounded so that float32 does not show. */
export function metresAt({ depth }: Pick<Frame, 'depth'>, x: number, y: number): number {
  return depth ? Math.round(depth.data[y * depth.width + x] * 1e4) / 1e4 : Number.NaN
}

export function pixelAt({ image }: Pick<Frame, 'image'>, x: number, y: number): number[] {
  return [...image.data.subarray(3 * (y * image.width + x), 3 * (y * image.width + x) + 3)]
}

// Files that `scipy.io.savemat` wrote: a split of numbers (compressed, plain) and one of paths in cells.
const fromBase64 = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'))

/** trainNdxs [3, 1, 300] uint16, testNdxs [4, 2] double, s a structure; counted from 1. */
export const SPLITS_MAT = fromBase64(
  'TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IE1vbiBOb3YgMjMgMjI6MDQ6MjYgMjAyNgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0PAAAANQAAAHic42NgYPAAYjYg5gBibgYIYIXymYGYEYo5gbikKDEzzy+lohiqjgWqlxmoQgeoCACPVASBDwAAADEAAAB4nONjYGDwAGI2IOaA0iDACuUzATEjFIP4JanFJX4pFcWcQLYAAwwIOEAZDgCI/ASKDwAAADcAAAB4nONjYGCoAGI2IOYAYiYGCGCF8hnhmJGhGCzOAlbDCCRB+viA2AJJPx9O/RDAgyQOAgCy5gIo',
)

/** trainNdxs [3, 1], testNdxs [4, 2], not compressed. */
export const PLAIN_MAT = fromBase64(
  'TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IE1vbiBOb3YgMjMgMjI6MDQ6MjYgMjAyNgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0OAAAAQAAAAAYAAAAIAAAACwAAAAAAAAAFAAAACAAAAAIAAAABAAAAAQAAAAkAAAB0cmFpbk5keHMAAAAAAAAABAAEAAMAAQAOAAAASAAAAAYAAAAIAAAABgAAAAAAAAAFAAAACAAAAAIAAAABAAAAAQAAAAgAAAB0ZXN0TmR4cwkAAAAQAAAAAAAAAAAAEEAAAAAAAAAAQA==',
)

/** alltest and alltrain, cells of paths of SUN RGB-D: kv1/a and kv2/b, kv2/c. */
export const CELLS_MAT = fromBase64(
  'TUFUTEFCIDUuMCBNQVQtZmlsZSBQbGF0Zm9ybTogcG9zaXgsIENyZWF0ZWQgb246IE1vbiBOb3YgMjMgMjI6MDQ6MjYgMjAyNgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABSU0PAAAAYwAAAHic42NgYHgAxGxAzAHEjAwQwIrEZ4LS7ECcmJNTklpcwsAHZAcg6WPBok8OyTwBKF8/Tz+tWL+4NM84RT8lsSRRPzjUL8jdyUU/u8xQP5GBKHPl0cyVx2+ukX6SPgMAZfEZFg8AAABUAAAAeJzjY2Bg6ABiNiDmAGJGBghgReLDMIifmJNTUpSYmccHZAcg6WPBok8OyTwBKF8/Tz+tWL+4NM84RT8lsSRRPzjUL8jdyUU/u8xIP5mBAQB65Q6C',
)
