/**
 * Writes a model file before any training: parameters from a pretrained file where it has them, the rest as
 * initialised. Tensors are written one by one, so a model of gigabytes needs no more memory than its largest tensor.
 */
import { configText, type DarConfig, imageMultiple } from '../model/index.ts'
import type { PretrainedFile } from '../pretrained/index.ts'
import { writeSafetensorsInParts } from '../runtime/safetensors-file.ts'
import { assert } from '../support/errors.ts'
import { initialiseEntry, type Layout } from './parameters.ts'
import { modelLayout } from './step-program.ts'

/** Of a model file to start from. */
export interface InitialModelOptions {
  /** Of the parameters that are initialised; the same as a recipe's. */
  readonly seed?: number
  /** Opened for this config; not disposed here. */
  readonly pretrained?: PretrainedFile | null
  /**
   * The size in the file's metadata, the default pixel budget of predictions: `WxH`. Default: a ViT's position grid.
   */
  readonly predictSize?: string
  /** Called after every tensor with the bytes written, and their total. */
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
  { seed = 0, pretrained = null, predictSize = gridSize(config), onProgress }: InitialModelOptions = {},
): Promise<number> {
  const { entries, length } = layoutOfModel(config)
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const tensors = Object.fromEntries(entries.map(({ name, shape }) => [name, { dtype: 'F32' as const, shape }]))
  let done = 0
  const dataOf = async (name: string) => {
    const entry = byName.get(name)
    assert(entry, `no parameter ${name}`)
    const values = pretrained?.plan.origins.has(name) ? await pretrained.read(name) : new Float32Array(entry.length)
    if (!pretrained?.plan.origins.has(name)) initialiseEntry(values, entry, seed)
    done += values.byteLength
    onProgress?.(done, 4 * length)
    return values
  }
  const metadata = {
    config: configText(config),
    seed: `${seed}`,
    ...(pretrained && { encoder: pretrained.plan.source }),
    ...(predictSize !== undefined && { predictSize }),
  }
  await writeSafetensorsInParts(path, tensors, dataOf, metadata)
  return length
}

/** The grid that a ViT's positions are of is the size that the encoder knows best. */
function gridSize({ encoder }: DarConfig): string | undefined {
  if (encoder.kind !== 'vit') return undefined
  const { posGrid, patch } = encoder
  return `${posGrid[1] * patch}x${posGrid[0] * patch}`
}
