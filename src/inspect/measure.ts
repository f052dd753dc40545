/** Measures a prediction: peak resident memory and time, in a process that does nothing else. */

import type { Size } from '../predict/types.ts'
import type { Provider } from '../runtime/protocol.ts'
import { runInProcess } from '../support/processes.ts'

export interface MeasureRequest {
  /** A model file. */
  readonly model: string
  /** Size of the image and the network. Sides are rounded to multiples that the encoder takes. */
  readonly size: Size
  readonly threads?: number
  readonly provider?: Provider
  /** Predictions, each of the same image; default 1. */
  readonly runs?: number
  /** See `LoadModelOptions`. */
  readonly mapAbove?: number
}

export interface Measured {
  /** Most memory that the process held at once, mapped weights included, bytes. */
  readonly peakBytes: number
  readonly networkSize: Size
  readonly milliseconds: {
    /** Opening the file. */
    readonly open: number
    /** Building, compiling and loading the graph. */
    readonly compile: number
    /** The network, fastest run. */
    readonly run: number
  }
  /** Least and greatest depth of the last map, metres, as a plausibility check. */
  readonly range: readonly [least: number, greatest: number]
}

/**
 * Predicts an image of noise. @throws DarError with the child's message when it fails, for example for lack of memory.
 */
export async function measurePrediction({
  signal,
  ...request
}: MeasureRequest & { readonly signal?: AbortSignal }): Promise<Measured> {
  return (await runInProcess('measure-child', import.meta.url, request, { signal })) as Measured
}
