/**
 * Reading the reference's golden tensors, and comparing with them. The repository carries those that no other covers; the rest
 * are looked for in $DAR_FIXTURES, else in ../shared/fixtures beside the repository.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readSafetensors } from '../../src/runtime/safetensors-file.ts'

export interface Golden {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

export interface Fixture {
  readonly tensors: ReadonlyMap<string, Golden>
  readonly metadata: Readonly<Record<string, string>>
}

const FOLDERS = [
  fileURLToPath(new URL('../fixtures/', import.meta.url)),
  process.env.DAR_FIXTURES ?? fileURLToPath(new URL('../../../shared/fixtures/', import.meta.url)),
]

/** Where a fixture lies; null where it is not on this machine. */
export function fixturePath(name: string): string | null {
  return FOLDERS.map((folder) => join(folder, `${name}.safetensors`)).find((path) => existsSync(path)) ?? null
}

export async function fixture(name: string): Promise<Fixture> {
  const file = await readSafetensors(fixturePath(name) ?? name)
  const tensors = new Map<string, Golden>()
  for (const [key, tensor] of file.tensors) tensors.set(key, { shape: tensor.shape, values: tensor.toFloat32() })
  return { tensors, metadata: file.metadata }
}

/** max|a − b| / max|b|; for an all-zero reference the largest |a|. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let difference = 0
  let scale = 0
  for (let i = 0; i < expected.length; i++) {
    if (Number.isNaN(actual[i])) return Number.NaN
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]))
    scale = Math.max(scale, Math.abs(expected[i]))
  }
  return scale === 0 ? difference : difference / scale
}

/** The tensors that are out of tolerance (by the first part of their name), as readable lines; empty when all agree. */
export function worstErrors(
  golden: ReadonlyMap<string, Golden>,
  results: Readonly<Record<string, ArrayLike<number> | BigInt64Array>>,
  keys: readonly string[],
  tolerance: Readonly<Record<string, number>>,
): string[] {
  return keys.flatMap((key) => {
    const error = relativeError(Float64Array.from(results[key] as ArrayLike<number>, Number), golden.get(key)!.values)
    return error <= tolerance[key.split('/')[0]] ? [] : [`${key}: ${error.toExponential(2)}`]
  })
}

/** A single piece: integers and truth values too, as numbers. */
export type PieceFixture = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float64Array }>

export async function pieceFixture(name: string): Promise<PieceFixture> {
  const path = fileURLToPath(new URL(`../fixtures/${name}.safetensors`, import.meta.url))
  const { tensors } = await readSafetensors(path)
  return new Map(
    [...tensors].map(([key, { shape, data }]) => [
      key,
      { shape, values: Float64Array.from(data as Float32Array, Number) },
    ]),
  )
}
