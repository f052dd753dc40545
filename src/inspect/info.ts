/**
 * Size and cost of a model without making it: parameters by part, token maps, FLOPs by part and by step, memory to
 * predict and to train. Everything is derived from the graphs that prediction and training run (src/graph/cost.ts,
 * memory.ts). No weights are allocated, so dar-large at any size takes seconds and a few hundred megabytes.
 *
 * FLOPs are two per multiply-add of a matrix product or convolution; element-wise work is not counted.
 *
 * Memory is the resident memory of the whole process at its peak, in bytes:
 *
 *     predict = runtime + weights + copies + folded + constants + inputs + HOLES·activations
 *
 * and that of a training run at this size, its loader and validation included, as src/train/memory.ts derives it.
 *
 * Weights that are mapped from their file are in memory once. Small files are read; their weights then exist as the
 * model's values, in the compiled program and in the engine. Two constants are measured, not derived (docs/speed.md
 * compares prediction and measurement): `RUNTIME`, the memory of Node, the engine's library and this package for a
 * model of no size, and `HOLES`, the size of the engine's arena over the size of the live values.
 */
import { flopsBy, flopsOf, memoryUse, nodesPerRun, type Tensor } from '../graph/index.ts'
import {
  type DarConfig,
  imageMultiple,
  memoryGrid,
  partOfNode,
  partOfParameter,
  stepOfNode,
  stepSizes,
} from '../model/index.ts'
import { MAP_ABOVE } from '../node/prediction-protocol.ts'
import { predictionOutputs } from '../predict/prediction-graph.ts'
import { networkSize } from '../predict/size.ts'
import type { Size } from '../predict/types.ts'
import { HOLES, type Overlap, RUNTIME, runMemory, totalOf, trainingOutputs } from '../train/index.ts'

/** `total`, and an entry for each part. */
export interface ByPart {
  readonly total: number
  readonly [part: string]: number
}

export interface TokenMap extends Size {
  readonly tokens: number
}

export interface ModelInfo {
  /** What the network sees. */
  readonly networkSize: Size
  readonly batch: number
  /** Trained values. */
  readonly parameters: ByPart
  /** Of each step, coarse to fine; empty for a model without a decoder. */
  readonly tokenMaps: readonly TokenMap[]
  /** One image, by part. */
  readonly flops: ByPart
  /** One image: `shared` by all steps (encoder, neck, keys and values of the memory, upsampling), `step1`, … */
  readonly flopsByStep: ByPart
  /** One image of one training step, forwards and backwards, and what gradient checkpointing computes twice. */
  readonly trainingFlops: number
  /** Bytes of the whole process, at its peak, for a batch. */
  readonly memory: {
    readonly predict: number
    readonly train: number
    /** What `predict` is made of. */
    readonly prediction: Readonly<Record<string, number>>
    /** What `train` is made of. */
    readonly training: Readonly<Record<string, number>>
  }
}

export interface InfoOptions {
  /** Pixel budget of the network; sides go to what the encoder can take. */
  readonly size: Size
  readonly batch?: number
  /** Of `memory.train` and `trainingFlops`: as a recipe with this field trains. Default false. */
  readonly gradientCheckpointing?: boolean
  /** Of `memory.train`: as one of several processes that train with this overlap, `batch` images each. Default null: as one alone. */
  readonly overlap?: Overlap | null
}

/** Derived from a config alone. The weights' values do not matter. */
export function modelInfo(
  config: DarConfig,
  { size, batch = 1, gradientCheckpointing = false, overlap = null }: InfoOptions,
): ModelInfo {
  const network = networkSize(size, size, imageMultiple(config))
  const one = predictionOutputs(config, network)
  const outputs = Object.values(one.outputs)
  const parameters = sumBy([...one.graph.parameters.values()], (p) => [partOfParameter(p.name), p.size])
  const checkpoints = gradientCheckpointing ? 'recompute' : 'keep'
  const training = trainingOutputs(config, { ...network, batch, checkpoints })
  const trained = Object.values(training.outputs)
  const prediction = predictionMemory(
    batch === 1 ? outputs : Object.values(predictionOutputs(config, network, { batch }).outputs),
  )
  const stages = [{ ...network, batch, updates: 1 }]
  const run = { model: config, stages, optimiser: {}, gradientCheckpointing }
  // The number of ranks does not count, only that there are others.
  const state = runMemory(run, {}, {}, { ranks: overlap ? 2 : 1, overlap })
  const grid = memoryGrid([network.height, network.width])
  const sizes = 'decoder' in parameters ? (config.sizes ?? stepSizes(grid, config.steps, config.finest)) : []
  return {
    networkSize: network,
    batch,
    parameters,
    tokenMaps: sizes.map(([height, width]) => ({ width, height, tokens: width * height })),
    flops: withTotal(flopsBy(outputs, (node) => partOfNode(node) ?? 'other')),
    flopsByStep: withTotal(flopsBy(outputs, (node) => stepName(stepOfNode(node)))),
    trainingFlops: nodesPerRun(trained, { parameters: 'fed' }).reduce((sum, node) => sum + flopsOf(node), 0) / batch,
    memory: { predict: totalOf(prediction), train: totalOf(state), prediction, training: state },
  }
}

const stepName = (step: number | null): string => (step === null ? 'shared' : `step${step}`)

function predictionMemory(outputs: readonly Tensor[]): Record<string, number> {
  const { parameters, folded, constants, inputs, activations } = memoryUse(outputs)
  const copies = parameters > MAP_ABOVE ? 0 : 2 * parameters
  return { runtime: RUNTIME, weights: parameters, copies, folded, constants, inputs, activations: HOLES * activations }
}

function sumBy<T>(items: readonly T[], of: (item: T) => readonly [string, number]): ByPart {
  const sums = new Map<string, number>()
  for (const item of items) {
    const [key, value] = of(item)
    sums.set(key, (sums.get(key) ?? 0) + value)
  }
  return withTotal(sums)
}

function withTotal(sums: ReadonlyMap<string, number>): ByPart {
  return { total: [...sums.values()].reduce((sum, n) => sum + n, 0), ...Object.fromEntries(sums) }
}
