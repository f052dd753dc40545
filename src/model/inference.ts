/**
 * The graphs that run a model without training it: prediction, validation, traces and exports build theirs here, so that an output
 * has one name and one definition. An output that is not requested is not computed.
 *
 *     depth            the last depth map                                       B,1,h,w
 *     depth1 … K−1     the maps of the earlier steps                            B,1,h,w
 *     sigma1 … K       σ of the same maps, of heads with bins                   B,1,h,w
 *     saturated1 … K   share of each step's h beyond ±0.99, of heads with steps B
 *     trace/<name>     every named intermediate
 *
 * Depth and σ are canonical metres (of a relative model: inverse depth without a unit), each at the size that the network gives it
 * or, if asked, at the image's.
 */
import { Graph, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import type { DarConfig } from './config.ts'
import { buildDar, type DarOutput } from './dar.ts'
import { normaliseImage } from './encoder.ts'

/** |h| from which tanh passes less than 2 % of a gradient. */
const SATURATED = 0.99
const SATURATED_INPUT = Math.atanh(SATURATED)

/** Names of outputs; steps count from 1. */
export const outputNames = {
  /** The last depth map. */
  depth: 'depth',
  /** The depth map of step k, which is not the last: the last map is `depth`. */
  step: (k: number): string => `depth${k}`,
  /** σ of the map of step k, the last included. */
  sigma: (k: number): string => `sigma${k}`,
  /** How much of h_k is saturated. */
  saturated: (k: number): string => `saturated${k}`,
  /** A named intermediate. */
  trace: (name: string): string => `trace/${name}`,
} as const

/** Groups of outputs that can be requested. */
export type OutputKind = 'depth' | 'steps' | 'sigmas' | 'saturated' | 'trace'

/** The form of the input image. */
export interface InferenceOptions {
  /** Images at once. */
  readonly batch?: number
  /** Name of the input. */
  readonly input?: string
  /** RGB in [0, 1], which the graph normalises, or values that are normalised for the encoder already. */
  readonly pixels?: 'rgb' | 'normalised'
  /** Most temporary values of an attention, an MLP or the last convolutions (`detail`) in memory at once. Default: all. */
  readonly valuesAtOnce?: number
}

/** A graph with one input, B,3,H,W, and the model on it. Its outputs: `inferenceOutputs`. */
export function inferenceGraph(
  config: DarConfig,
  { width, height }: { readonly width: number; readonly height: number },
  { batch = 1, input = 'image', pixels = 'rgb', valuesAtOnce }: InferenceOptions = {},
): { readonly graph: Graph; readonly model: DarOutput } {
  const graph = new Graph({ valuesAtOnce })
  const image = graph.input(input, [batch, 3, height, width])
  const model = buildDar(pixels === 'rgb' ? normaliseImage(image, config) : image, config)
  return { graph, model }
}

/**
 * The outputs of some kinds, by name. `maps`: every map at its own size, as the network gives it, or resized bilinearly to the
 * image's in one step, as in the training loss.
 */
export function inferenceOutputs(
  model: DarOutput,
  kinds: readonly OutputKind[],
  { maps = 'native' }: { readonly maps?: 'native' | 'image' } = {},
): Record<string, Tensor> {
  const [, , height, width] = model.imageMap.shape
  const sized = (map: Tensor) => (maps === 'native' ? map : ops.resize(map, [height, width]))
  const makers: Readonly<Record<OutputKind, () => (readonly [string, Tensor])[]>> = {
    depth: () => [[outputNames.depth, maps === 'native' ? model.nativeMap : model.imageMap]],
    steps: () => model.stepMaps.slice(0, -1).map((map, i) => [outputNames.step(i + 1), sized(map)]),
    sigmas: () => model.sigmas.map((sigma, i) => [outputNames.sigma(i + 1), sized(sigma)]),
    saturated: () => model.hidden.map((a, i) => [outputNames.saturated(i + 1), saturatedShare(a)]),
    trace: () => [...model.trace].map(([name, value]) => [outputNames.trace(name), value]),
  }
  return Object.fromEntries(kinds.flatMap((kind) => makers[kind]()))
}

/** Share of tanh(a) beyond ±0.99.  a: B,G,grid → B */
function saturatedShare(a: Tensor): Tensor {
  const beyond = ops.greater(ops.abs(a), SATURATED_INPUT)
  return ops.mean(ops.cast(beyond, a.dtype), [1, 2, 3])
}
