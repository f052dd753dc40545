/**
 * A model whose weights stay in their .safetensors file. ONNX Runtime wants the .onnx in the same folder as that file
 * and follows no symbolic links out of it (it reports "escapes model directory"). So the .onnx is written there and
 * removed after loading. Where that folder is read-only, a folder elsewhere gets the .onnx and a hard link to the
 * weights.
 */
import { link, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { DarError, messageOf } from '../support/errors.ts'
import { sweepOnce, temporaryBeside } from '../support/temporary.ts'

export interface MappedOptions {
  /** Where the hard link goes when the folder of the weights is read-only; it must be on the same file system. */
  readonly fallback?: string
}

/**
 * Calls `load` with the path of `model` (the bytes of an ONNX file) in a folder that also holds `weights`. The file is
 * removed afterwards.
 */
export async function besideWeights<T>(
  model: Uint8Array,
  weights: string,
  load: (path: string) => Promise<T>,
  { fallback = tmpdir() }: MappedOptions = {},
): Promise<T> {
  sweepOnce(dirname(weights))
  const beside = temporaryBeside(weights, 'onnx')
  try {
    try {
      await writeFile(beside, model)
    } catch {
      return await besideLink(model, weights, load, fallback)
    }
    return await load(beside)
  } finally {
    await rm(beside, { force: true }).catch(() => {})
  }
}

async function besideLink<T>(
  model: Uint8Array,
  weights: string,
  load: (path: string) => Promise<T>,
  fallback: string,
): Promise<T> {
  const folder = await mkdtemp(join(fallback, 'dar-depth-'))
  try {
    const path = join(folder, 'model.onnx')
    try {
      await link(weights, join(folder, basename(weights)))
      await writeFile(path, model)
    } catch (error) {
      throw new DarError(
        `cannot map the weights of ${weights}: its folder may not be written to, and ${fallback} takes no link to it ` +
          `(${messageOf(error)}); copy the file into a folder that you may write to`,
      )
    }
    return await load(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
