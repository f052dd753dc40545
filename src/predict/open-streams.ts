/**
 * The streams that are open in a pipeline's thread. A `Workplace` asks for one step at a time by messages, so nothing is computed
 * that nobody has asked for, and other predictions get their turn between two steps.
 */

import { assert } from '../support/errors.ts'
import type { Job, Pipeline, StepAnswer } from './pipeline.ts'
import type { Size } from './types.ts'

/** What a `Workplace` sends for a stream. It numbers its streams itself. */
export type StreamRequest =
  /** The first; answered with the first step. */
  | { readonly kind: 'stream'; readonly stream: number; readonly network: Size; readonly job: Job }
  /** Answered with the next step. */
  | { readonly kind: 'step'; readonly stream: number }
  /** The last, where not every step was taken; answered with null. */
  | { readonly kind: 'leave'; readonly stream: number }

export class OpenStreams {
  private readonly open = new Map<number, AsyncGenerator<StepAnswer, void, undefined>>()

  constructor(private readonly pipeline: Pipeline) {}

  async answer(request: StreamRequest): Promise<StepAnswer | null> {
    const { stream } = request
    if (request.kind === 'stream') this.open.set(stream, this.pipeline.stream(request.network, request.job))
    const steps = this.open.get(stream)
    if (request.kind === 'leave') {
      this.open.delete(stream)
      await steps?.return()
      return null
    }
    assert(steps, `there is no stream ${stream}`)
    try {
      const { value } = await steps.next()
      assert(value, `the stream ${stream} is at its end`)
      if (value.step === value.of) await this.answer({ kind: 'leave', stream })
      return value
    } catch (error) {
      this.open.delete(stream)
      throw error
    }
  }

  /** Ends every stream. */
  async dispose(): Promise<void> {
    for (const stream of this.open.keys()) await this.answer({ kind: 'leave', stream })
  }
}
