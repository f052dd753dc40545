/**
 * From the name of a model (model-path.ts) to its config and weights.
 *
 * Small files, and those in float16, are read and embedded in every compiled program. A large float32 file stays on
 * disk: programs refer to it and the system maps its pages. A model of gigabytes then opens at once and is in memory
 * once, for all sizes and processes.
 */
import { realpath } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { WeightSource } from '../graph/index.ts'
import { type DarConfig, PRESETS } from '../model/index.ts'
import { describeStored } from '../predict/stored-model.ts'
import type { Size } from '../predict/types.ts'
import { checkSafetensors, readHeader } from '../runtime/safetensors-file.ts'
import { readWeights } from '../runtime/weights.ts'
import type { SafetensorsHeader } from '../safetensors/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { resolveModelPath, shippedModels } from './model-path.ts'

export interface ModelFile {
  readonly name: string
  readonly path: string
  readonly config: DarConfig
  /** Pixel budget of the network's input. */
  readonly size: Size
  /** The sizes that the model was trained at (metadata `predictSizes`); empty if the file does not say. */
  readonly trainedSizes: readonly Size[]
  /** Embedded, or external in the file itself (`location` is its base name). */
  readonly weights: Exclude<WeightSource, { kind: 'inputs' }>
}

/** A config, and the size at which it is described unless another is given. */
export interface KnownConfig {
  readonly name: string
  readonly config: DarConfig
  readonly size: Size
  /** Its file; null for a preset, which has none. */
  readonly path: string | null
}

/** The size at which presets are described and measured. */
export const PRESET_SIZE: Size = { width: 288, height: 224 }

/** The preset of a name, with or without `dar-`; null for any other name. */
export function presetNamed(name: string): KnownConfig | null {
  const full = name.startsWith('dar-') ? name : `dar-${name}`
  if (!Object.hasOwn(PRESETS, full)) return null
  return { name: full, config: PRESETS[full], size: PRESET_SIZE, path: null }
}

/**
 * The config of a preset, of a shipped model or of a model file, whose weights are not read.
 * @throws DarError when it is none of these: the message lists what there is.
 */
export async function findConfig(nameOrPath: string): Promise<KnownConfig> {
  const isPath = nameOrPath.endsWith('.safetensors') || /[/\\]/.test(nameOrPath)
  if (isPath || shippedModels().includes(nameOrPath)) {
    const { name, config, size, path } = await readDescription(nameOrPath)
    return { name, config, size, path }
  }
  const preset = presetNamed(nameOrPath)
  if (preset) return preset
  throw new DarError(
    `there is no preset or model '${nameOrPath}': the presets are ${Object.keys(PRESETS).join(', ')}; ` +
      'give one of those, or the path of a .safetensors file',
    { kind: 'missing' },
  )
}

/** Compares a model's file with its checksum; false when it has none. Throws a DarError when they differ. */
export async function checkModelFile(path: string): Promise<boolean> {
  return checkSafetensors(path, await readHeader(path))
}

/**
 * Opens a model. `mapAbove`: bytes of float32 weights from which on the file is mapped instead of read. `name`: what it is called, by
 * default as its file or folder.
 */
export async function openModel(
  nameOrPath: string,
  { mapAbove, name }: { readonly mapAbove: number; readonly name?: string },
): Promise<ModelFile> {
  const { header, ...found } = await readDescription(nameOrPath)
  const model = { ...found, ...(name !== undefined && { name }) }
  const isLarge = [...header.tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0) > mapAbove
  const isFloat32 = [...header.tensors.values()].every(({ dtype }) => dtype === 'F32')
  if (!(isLarge && isFloat32))
    return { ...model, weights: { kind: 'embedded', values: (await readWeights(model.path)).values } }
  await checkSafetensors(model.path, header)
  return { ...model, weights: externalWeights(header, model.path) }
}

/** Everything about a model except its weights. */
async function readDescription(
  nameOrPath: string,
): Promise<Omit<ModelFile, 'weights'> & { readonly header: SafetensorsHeader }> {
  const given = resolveModelPath(nameOrPath)
  // The engine refuses weights behind a symbolic link (as download caches keep them), so go to the file itself.
  const path = await realpath(given).catch((error: unknown) => {
    const remedy = /^[\w.-]+\/[\w.-]+$/.test(given) ? `, or write hub:${given} for a model of the Hugging Face Hub` : ''
    throw new DarError(`cannot read the model ${given} (${messageOf(error)}); check the path${remedy}`, {
      kind: 'missing',
    })
  })
  const header = await readHeader(path)
  const { config, size, trainedSizes } = describeStored(header, given)
  const name = nameOrPath === given ? basename(given, '.safetensors') : nameOrPath
  return { name: name === 'model' ? basename(dirname(path)) : name, path, config, size, trainedSizes, header }
}

function externalWeights({ tensors, dataOffset }: SafetensorsHeader, path: string): ModelFile['weights'] {
  const places = [...tensors].map(
    ([name, { begin, end }]) => [name, { offset: dataOffset + begin, length: end - begin }] as const,
  )
  return { kind: 'external', location: basename(path), tensors: new Map(places) }
}
