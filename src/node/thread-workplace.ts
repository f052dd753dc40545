/** Where a `DepthModel` of Node works: a worker thread with ONNX Runtime, photos decoded by sharp. */
import type { RgbImage } from '../image/types.ts'
import type { ModelDescription, Workplace } from '../predict/depth-model.ts'
import type { Answer, Job, StepAnswer } from '../predict/pipeline.ts'
import type { ImageInput, Size } from '../predict/types.ts'
import { engineErrorOf, REPLACED } from '../runtime/engine-error.ts'
import { NativeThread } from '../runtime/thread.ts'
import { messageOf } from '../support/errors.ts'
import { decodeInput } from './decode-input.ts'
import type { DecodeFile } from './decoder-process.ts'
import type { PredictionAnswer, PredictionRequest, PredictionThreadData } from './prediction-protocol.ts'
import { saveResult } from './save-result.ts'

/** What reads photos that are given as files. What is to be disposed of with the model has `dispose`. */
export interface PhotoDecoder {
  /** Default: `decodeImage`. */
  readonly decode?: DecodeFile
  /** Called when the model begins to load. */
  start?(): void
  dispose?(): Promise<void>
}

type PredictionThread = NativeThread<PredictionRequest, PredictionAnswer>

/**
 * The thread of a model. One that dies, for want of memory or by a fault of the native library, is replaced, once: only the call that was
 * in it fails. For that, a call is sent when the one before it is answered, since pixels that were sent are gone.
 */
export class ThreadWorkplace implements Workplace {
  private thread: PredictionThread
  private last: Promise<unknown> = Promise.resolve()
  private replaced = false
  /** Counts them, so that each has a number of its own. */
  private streams = 0

  constructor(
    private readonly data: PredictionThreadData,
    private readonly decoder: PhotoDecoder = {},
  ) {
    this.thread = new NativeThread('prediction-thread', import.meta.url, data)
  }

  async open(): Promise<ModelDescription> {
    return (await this.thread.call({ kind: 'open' })) as ModelDescription
  }

  readonly save = saveResult

  decode(input: ImageInput): Promise<RgbImage> {
    return decodeInput(input, { decodeFile: this.decoder.decode })
  }

  predict(network: Size, jobs: readonly Job[]): Promise<readonly Answer[]> {
    return this.inTurn(
      async () => (await this.ask({ kind: 'predict', network, jobs }, pixelsIn(jobs))) as readonly Answer[],
    )
  }

  async *stream(network: Size, job: Job): AsyncGenerator<StepAnswer, void, undefined> {
    const stream = ++this.streams
    let opened: PredictionThread | null = null
    const step = (request: PredictionRequest, transfer: readonly ArrayBuffer[] = []) =>
      this.inTurn(async () => {
        // The thread that takes the place of one that ended knows nothing of the streams of that one.
        if (opened && opened !== this.thread) throw this.endedError('it was replaced during a stream')
        const answer = (await this.ask(request, transfer)) as StepAnswer
        opened = this.thread
        return answer
      })
    let last = false
    try {
      let answer = await step({ kind: 'stream', stream, network, job }, pixelsIn([job]))
      for (;;) {
        last = answer.step === answer.of
        yield answer
        if (last) return
        answer = await step({ kind: 'step', stream })
      }
    } finally {
      // After an error there may be nothing to leave, which does no harm.
      if (!last) await this.inTurn(async () => opened?.isRunning && opened.call({ kind: 'leave', stream }))
    }
  }

  /** Runs `work` when what was asked for before has been answered. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work)
    this.last = result.catch(() => {})
    return result
  }

  private async ask(request: PredictionRequest, transfer: readonly ArrayBuffer[]): Promise<PredictionAnswer> {
    if (!this.thread.isRunning) await this.replace()
    const { thread } = this
    try {
      return await thread.call(request, transfer)
    } catch (error) {
      throw thread.isRunning
        ? error
        : this.endedError(this.replaced ? messageOf(error) : `${messageOf(error)}${REPLACED}`)
    }
  }

  private async replace(): Promise<void> {
    if (this.replaced) throw this.endedError('it had been replaced once')
    this.replaced = true
    await this.thread.dispose()
    this.thread = new NativeThread('prediction-thread', import.meta.url, this.data)
    try {
      await this.open()
    } catch (error) {
      await this.thread.dispose() // without a model it is of no use to the next call
      throw this.endedError(`it cannot be started again: ${messageOf(error)}`)
    }
  }

  private endedError(reason: string): Error {
    return engineErrorOf(
      this.data.nameOrPath,
      /thread of the engine/.test(reason) ? reason : `the thread of the engine ended: ${reason}`,
    )
  }

  async dispose(): Promise<void> {
    await this.last
    if (this.thread.isRunning) await this.thread.call({ kind: 'close' }).catch(() => {})
    await this.thread.dispose()
    await this.decoder.dispose?.()
  }
}

/** Pixels are ours (see `decode`) and given away: a photo of 12 megapixels takes 36 MB, which are not copied again. */
const pixelsIn = (jobs: readonly Job[]) => [...new Set(jobs.map(({ image }) => image.data.buffer as ArrayBuffer))]
