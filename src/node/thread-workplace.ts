/** Where a `DepthModel` of Node works: a worker thread with ONNX Runtime, photos decoded by sharp. */
import type { RgbImage } from '../image/types.ts'
import type { ModelDescription, Workplace } from '../predict/depth-model.ts'
import { checkInput } from '../predict/given.ts'
import type { Answer, Job } from '../predict/pipeline.ts'
import type { ImageInput, Size } from '../predict/types.ts'
import { engineErrorOf, REPLACED } from '../runtime/engine-error.ts'
import { NativeThread } from '../runtime/thread.ts'
import { messageOf } from '../support/errors.ts'
import { decodeImage } from './decode.ts'
import { copyInTurns } from './pixels.ts'
import type { PredictionRequest, PredictionThreadData } from './prediction-protocol.ts'

type PredictionThread = NativeThread<PredictionRequest, ModelDescription | readonly Answer[] | null>

/**
 * The thread of a model. One that dies, for want of memory or by a fault of the native library, is replaced, once: only the call that was
 * in it fails. For that, a call is sent when the one before it is answered, since pixels that were sent are gone.
 */
export class ThreadWorkplace implements Workplace {
  private thread: PredictionThread
  private last: Promise<unknown> = Promise.resolve()
  private replaced = false

  constructor(private readonly data: PredictionThreadData) {
    this.thread = new NativeThread('prediction-thread', import.meta.url, data)
  }

  async open(): Promise<ModelDescription> {
    return (await this.thread.call({ kind: 'open' })) as ModelDescription
  }

  readonly decode = pixelsOf

  predict(network: Size, jobs: readonly Job[]): Promise<readonly Answer[]> {
    const result = this.last.then(() => this.predictNow(network, jobs))
    this.last = result.catch(() => {})
    return result
  }

  private async predictNow(network: Size, jobs: readonly Job[]): Promise<readonly Answer[]> {
    if (!this.thread.isRunning) await this.replace()
    // Pixels are ours (see `decode`) and given away: a photo of 12 megapixels takes 36 MB, which are not copied again.
    const pixels = jobs.map(({ image }) => image.data.buffer as ArrayBuffer)
    const { thread } = this
    try {
      return (await thread.call({ kind: 'predict', network, jobs }, [...new Set(pixels)])) as readonly Answer[]
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
    await this.open()
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
  }
}

async function pixelsOf(input: ImageInput): Promise<RgbImage> {
  const pixels = checkInput(input)
  if (pixels) return { ...pixels, data: await copyInTurns(pixels.data) }
  return decodeImage(input as string | Uint8Array)
}
