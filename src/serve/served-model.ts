/** What the server asks of a model. A `DepthModel` is one, as it is. */
import { type DarConfig, isMetric } from '../model/index.ts'
import type { DepthMap, ImageInput, PredictOptions } from '../predict/types.ts'

/** The map after one of the coarse-to-fine steps. */
export interface ServedStep {
  /** 1 to `of`. */
  readonly step: number
  readonly of: number
  readonly final: boolean
  readonly width: number
  readonly height: number
  /** Metres, row-major. */
  readonly depth: Float32Array
}

/** `DepthModel` has these; a `ModelKeeper`, too, for a model that changes. */
export interface ServedModel {
  readonly name: string
  readonly config: DarConfig
  /** Images that go through the network together. */
  readonly batch: number
  /** False while there is no model to ask; true where it is left out. */
  readonly isReady?: boolean
  /** How often it was loaded anew. */
  readonly replacements?: number
  predict(image: ImageInput, options: PredictOptions): Promise<DepthMap>
  /** Each step as soon as it is ready. */
  stream?(image: ImageInput, options: Omit<PredictOptions, 'steps'>): AsyncIterable<ServedStep>
}

/** Of a model, what answers and their descriptions depend on. */
export interface ModelFacts {
  readonly name: string
  readonly metric: boolean
  readonly streams: boolean
}

export const factsOf = ({ name, config, stream }: ServedModel): ModelFacts => ({
  name,
  metric: isMetric(config),
  streams: stream !== undefined && isMetric(config),
})
