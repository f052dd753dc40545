/**
 * Reading the reference's golden tensors, and comparing with them. The repository carries those that no other covers; the rest
 * are looked for in $DAR_FIXTURES.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '../../src/runtime/safetensors-file.ts'

export { relativeError } from '../../src/predict/trace.ts'

const FOLDERS = [
  fileURLToPath(new URL('../fixtures/', import.meta.url)),
  ...(process.env.DAR_FIXTURES ? [process.env.DAR_FIXTURES] : []),
]

/** Where a fixture lies; null where it is not on this machine. */
export function fixturePath(name: string): string | null {
  return FOLDERS.map((folder) => join(folder, `${name}.safetensors`)).find((path) => existsSync(path)) ?? null
}

/** A single piece: integers and truth values too, as numbers. */
export type PieceFixture = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float64Array }>

export async function pieceFixture(name: string): Promise<PieceFixture> {
  const { tensors } = await readSafetensors(fixturePath(name) ?? name)
  return new Map(
    [...tensors].map(([key, { shape, data }]) => [
      key,
      { shape, values: Float64Array.from(data as Float32Array, Number) },
    ]),
  )
}
