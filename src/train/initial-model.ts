/**
 * A model file before any training: parameters from a pretrained file where it has them, the rest as initialised. Written
 * tensor by tensor, so that a model of gigabytes takes no more memory than its largest tensor.
 */
import { type DarConfig, imageMultiple } from '../model/index.ts'
import type { PretrainedFile } from '../pretrained/index.ts'
import { writeSafetensorsInParts } from '../runtime/safetensors-file.ts'
import { assert } from '../support/errors.ts'
import { initialiseEntry, type Layout } from './parameters.ts'
import { modelLayout } from './step-program.ts'

export interface InitialModelOptions {
  /** Of the parameters that are initialised; the same as a recipe's. */
  readonly seed?: number
  /** Opened for this config; not disposed here. */
  readonly pretrained?: PretrainedFile | null
  /** Called before every tensor with how many are written, of `total`. */
  readonly onProgress?: (done: number, total: number) => void
}

/** The parameters of a config, and where training keeps them. */
export function layoutOfModel(config: DarConfig): Layout {
  const side = 2 * imageMultiple(config)
  return modelLayout(config, { height: side, width: side })
}

/**
 * Writes `path`, float32, whole or not at all, with the config in its metadata; returns how many values it has. Throws a
 * DarError when the file cannot be written, or a pretrained tensor is damaged.
 */
export async function writeInitialModel(
  path: string,
  config: DarConfig,
  { seed = 0, pretrained = null, onProgress }: InitialModelOptions = {},
): Promise<number> {
  const { entries, length } = layoutOfModel(config)
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const tensors = Object.fromEntries(entries.map(({ name, shape }) => [name, { dtype: 'F32' as const, shape }]))
  let done = 0
  const dataOf = async (name: string) => {
    onProgress?.(done++, entries.length)
    if (pretrained?.plan.origins.has(name)) return pretrained.read(name)
    const entry = byName.get(name)
    assert(entry, `no parameter ${name}`)
    const values = new Float32Array(entry.length)
    initialiseEntry(values, entry, seed)
    return values
  }
  const metadata = {
    config: JSON.stringify(config),
    seed: `${seed}`,
    ...(pretrained && { encoder: pretrained.plan.source }),
    // The grid that the positions are of is the size that the encoder knows best.
    ...(config.encoder === 'vit' && {
      predictSize: `${config.posGrid[1] * config.patch}x${config.posGrid[0] * config.patch}`,
    }),
  }
  await writeSafetensorsInParts(path, tensors, dataOf, metadata)
  onProgress?.(entries.length, entries.length)
  return length
}
