/** Reading the reference's golden tensors, and comparing with them. Whole models are packed (packed.ts), pieces are as they are. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '../../src/runtime/safetensors-file.ts'
import { writeFileAtomically } from '../../src/support/files.ts'
import { unpack } from './packed.ts'

export { relativeError } from '../../src/inspect/trace-model.ts'

const FOLDER = fileURLToPath(new URL('../fixtures/', import.meta.url))

/** Unpacks a whole model's case into `folder`, as `dar trace` reads it; returns its path. */
export async function modelFixture(name: string, folder: string): Promise<string> {
  const path = join(folder, `${name}.safetensors`)
  await writeFileAtomically(path, unpack(await readFile(join(FOLDER, `${name}.packed`)), name))
  return path
}

/** A single piece: integers and truth values too, as numbers. */
export type PieceFixture = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float64Array }>

export async function pieceFixture(name: string): Promise<PieceFixture> {
  const { tensors } = await readSafetensors(join(FOLDER, `${name}.safetensors`))
  return new Map(
    [...tensors].map(([key, { shape, data }]) => [
      key,
      { shape, values: Float64Array.from(data as Float32Array, Number) },
    ]),
  )
}
