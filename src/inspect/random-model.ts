/**
 * Writes a model file of any config at its starting values, for measurements. Tensors are written one by one, so the
 * size of the model does not matter.
 */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DarConfig } from '../model/index.ts'
import type { Size } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { makeFolder } from '../support/folders.ts'
import { layoutOfModel, writeInitialModel } from '../train/index.ts'

/** Disk space that is left free. */
const SPARE_BYTES = 256 * 2 ** 20

export interface RandomModelOptions {
  /** The size in the file's metadata: the default pixel budget of predictions. */
  readonly size: Size
  readonly seed?: number
  /** Called with the bytes written so far, and their total. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Writes a float32 model file; returns its bytes of weights.
 * @throws DarError when the disk has no room for it, or the folder may not be written to.
 */
export async function writeRandomModel(
  path: string,
  config: DarConfig,
  { size, seed = 1, onProgress }: RandomModelOptions,
): Promise<number> {
  const total = layoutOfModel(config).length * Float32Array.BYTES_PER_ELEMENT
  const folder = dirname(path)
  await makeFolder(folder)
  await checkSpace(folder, total)
  await writeInitialModel(path, config, { seed, predictSize: `${size.width}x${size.height}`, onProgress })
  return total
}

async function checkSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const gigabytes = (n: number) => `${(n / 1e9).toFixed(1)} GB`
  if (free < bytes + SPARE_BYTES)
    throw new DarError(
      `${folder} has ${gigabytes(free)} free and the weights take ${gigabytes(bytes)}; free some space, or name another folder`,
    )
}
