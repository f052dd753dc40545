/**
 * Loading a program whose weights stay in their .safetensors file. ONNX Runtime wants the .onnx in the same folder as
 * that file and follows no symbolic links out of it (it reports "escapes model directory"), so the .onnx is written there
 * for the moment of loading; into a folder that may not be written to, it takes a hard link to the weights elsewhere.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Compiled } from '../graph/index.ts'
import type { Engine, Program } from '../runtime/engine.ts'
import { DarError, messageOf } from '../support/errors.ts'

export interface MappedOptions {
  /** Where the hard link goes when the folder of the weights is read-only; it must be on the same file system. */
  readonly fallback?: string
}

/** Loads `compiled`, whose weights are external in the file `weights`. Nothing is left behind. */
export async function loadMapped(
  engine: Engine,
  compiled: Compiled,
  weights: string,
  { fallback = tmpdir() }: MappedOptions = {},
): Promise<Program> {
  const beside = join(dirname(weights), `.${basename(weights)}.${randomUUID().slice(0, 8)}.onnx`)
  try {
    try {
      await writeFile(beside, compiled.model)
    } catch {
      return await loadLinked(engine, compiled, weights, fallback)
    }
    return await engine.load(compiled, { path: beside, mapWeights: true })
  } finally {
    await rm(beside, { force: true }).catch(() => {})
  }
}

async function loadLinked(engine: Engine, compiled: Compiled, weights: string, fallback: string): Promise<Program> {
  const folder = await mkdtemp(join(fallback, 'dar-depth-'))
  try {
    const path = join(folder, 'model.onnx')
    try {
      await link(weights, join(folder, basename(weights)))
      await writeFile(path, compiled.model)
    } catch (error) {
      throw new DarError(
        `cannot map the weights of ${weights}: its folder may not be written to, and ${fallback} takes no link to it ` +
          `(${messageOf(error)}); copy the file into a folder that you may write to`,
      )
    }
    return await engine.load(compiled, { path, mapWeights: true })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
