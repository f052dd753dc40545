/** The messages between a model and its thread. */
import type { ModelDescription } from '../predict/depth-model.ts'
import type { StreamRequest } from '../predict/open-streams.ts'
import type { Answer, Job, StepAnswer } from '../predict/pipeline.ts'
import type { Size } from '../predict/types.ts'
import type { Idle, Provider } from '../runtime/protocol.ts'

/**
 * Files with at least this many bytes of float32 weights are mapped instead of read, unless `loadModel` is told
 * otherwise.
 */
export const MAP_ABOVE = 64 * 2 ** 20

export interface PredictionThreadData {
  readonly nameOrPath: string
  /** What the model is called; default: as its file or folder. */
  readonly name?: string
  readonly mapAbove: number
  /** The most images that go through the network together. */
  readonly batch: number
  readonly threads: number
  readonly idle: Idle
  readonly provider: Provider
}

export type PredictionRequest =
  /** The first; answered with a `ModelDescription`. */
  | { readonly kind: 'open' }
  /** Answered with an `Answer` for each job. */
  | { readonly kind: 'predict'; readonly network: Size; readonly jobs: readonly Job[] }
  /** A step of a stream. */
  | StreamRequest
  /** The last; answered with null when the programs are freed. */
  | { readonly kind: 'close' }

export type PredictionAnswer = ModelDescription | readonly Answer[] | StepAnswer | null
