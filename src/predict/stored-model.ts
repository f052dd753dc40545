/**
 * What a model file says of itself: the config and the sizes it was trained at, from the metadata, and whether the tensors are those
 * that the config needs. On parsed headers only, so that Node, which reads files, and a page, which fetches them, judge alike.
 */
import { Graph } from '../graph/index.ts'
import {
  buildDar,
  type DarConfig,
  dimensionsOf,
  imageMultiple,
  normaliseImage,
  parseConfig,
  shapeProblem,
} from '../model/index.ts'
import { DarError } from '../support/errors.ts'
import { parseSize } from './size.ts'
import type { Size } from './types.ts'

/** Used where a file does not say what size it was trained for. */
const DEFAULT_SIZE: Size = { width: 256, height: 192 }

/** Sizes that a file may say it was trained at. */
const MOST_SIZES = 64

/** The header of a model file: metadata, and the shape of every tensor. */
export interface StoredModel {
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>
}

/** What a model file is. */
export interface StoredDescription {
  readonly config: DarConfig
  /** Pixel budget of the network's input. */
  readonly size: Size
  /** The sizes that the model was trained at (metadata `predictSizes`); empty if the file does not say. */
  readonly trainedSizes: readonly Size[]
}

/** Checks and describes a model. `source` names the file in messages. Throws a DarError when it is no model, or not a whole one. */
export function describeStored({ metadata, tensors }: StoredModel, source: string): StoredDescription {
  const config = parseConfig(storedConfig({ metadata }, source), source)
  const trainedSizes = sizesOf(metadata.predictSizes, config, source)
  const size =
    metadata.predictSize === undefined ? (trainedSizes[0] ?? DEFAULT_SIZE) : parseSize(metadata.predictSize, source)
  checkTensors(tensors, config, source)
  return { config, size, trainedSizes }
}

/** The config of a model file, parsed from its metadata but not yet checked. */
export function storedConfig({ metadata }: Pick<StoredModel, 'metadata'>, source: string): unknown {
  const text = metadata.config
  if (text === undefined)
    throw new DarError(`${source} holds no model config; it is a weights file but not one that dar-depth wrote`, {
      kind: 'model',
    })
  try {
    return JSON.parse(text)
  } catch {
    throw new DarError(`${source}: the config in its metadata is not JSON; train or export it again`, { kind: 'model' })
  }
}

/** `WIDTHxHEIGHT`, separated by commas; each becomes the network's input as it stands. */
function sizesOf(list: string | undefined, config: DarConfig, source: string): Size[] {
  if (list === undefined) return []
  const texts = list.split(',', MOST_SIZES + 1)
  if (texts.length > MOST_SIZES)
    throw new DarError(`${source} names more than ${MOST_SIZES} sizes in predictSizes; train or export it again`, {
      kind: 'model',
    })
  const multiple = imageMultiple(config)
  return texts.map((text) => {
    const size = parseSize(text, source)
    if (size.width % multiple !== 0 || size.height % multiple !== 0)
      throw new DarError(`${source}: the size '${text}' is no multiple of ${multiple}; train or export it again`, {
        kind: 'model',
      })
    return size
  })
}

/**
 * Every parameter of the config must be there in its shape. Checked here, because the engine's message comes later and
 * says less.
 */
function checkTensors(tensors: StoredModel['tensors'], config: DarConfig, source: string): void {
  if ([...tensors.keys()].some((name) => name.startsWith('params/')))
    throw new DarError(`${source} is a training checkpoint; give the model.safetensors that lies beside it`, {
      kind: 'model',
    })
  const impossible = shapeProblem(dimensionsOf(config), tensors)
  if (impossible !== null)
    throw new DarError(`${source}: ${impossible}; train or export the model again`, { kind: 'model' })
  const side = Math.ceil(64 / imageMultiple(config)) * imageMultiple(config)
  const graph = new Graph()
  buildDar(normaliseImage(graph.input('image', [1, 3, side, side]), config), config)
  for (const { name, shape } of graph.parameters.values()) {
    const stored = tensors.get(name)
    const problem = !stored
      ? 'is missing'
      : stored.shape.join() === shape.join()
        ? null
        : `is [${stored.shape.join(',')}] where its config needs [${shape.join(',')}]`
    if (problem)
      throw new DarError(`${source}: the tensor ${name} ${problem}; train or export the model again`, { kind: 'model' })
  }
}
