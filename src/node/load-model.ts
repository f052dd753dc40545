/** `loadModel`: a model that works in a worker thread of its own, with photos decoded by sharp. */
import { availableParallelism } from 'node:os'
import type { RgbImage } from '../image/types.ts'
import { createDepthModel, type DepthModel, type ModelDescription, type Workplace } from '../predict/depth-model.ts'
import { checkInput } from '../predict/given.ts'
import type { Answer, Job } from '../predict/pipeline.ts'
import { checkSize } from '../predict/size.ts'
import type { ImageInput, Size } from '../predict/types.ts'
import { engineErrorOf, REPLACED } from '../runtime/engine-error.ts'
import type { Idle, Provider } from '../runtime/protocol.ts'
import { NativeThread } from '../runtime/thread.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { refuseUnknown } from '../support/options.ts'
import { decodeImage } from './decode.ts'
import { resolveModelPath } from './model-path.ts'
import { copyInTurns } from './pixels.ts'
import { MAP_ABOVE, type PredictionRequest, type PredictionThreadData } from './prediction-protocol.ts'

/** Where and how a model runs. */
export interface LoadModelOptions {
  /** Threads inside the engine; default: all cores. */
  readonly threads?: number
  /** What an engine thread does while it waits for the others; `sleep` leaves cores to other work. Default `spin`. */
  readonly idle?: Idle
  /** What computes: `cpu`, or `webgpu` where the machine has it. */
  readonly provider?: Provider
  /** What `predict` takes for its `size` unless it is told otherwise: a pixel budget for the network's input. */
  readonly size?: Size
  /**
   * The most images of one shape that go through the network together, when that many wait (overlapping calls of
   * `predict`, or `predictMany`). More images a second, but each takes longer. Default 1.
   */
  readonly batch?: number
  /**
   * Files with at least this many bytes of float32 weights are memory-mapped instead of read. Mapped weights open at
   * once and are shared between processes, but the engine cannot repack them for speed.
   */
  readonly mapAbove?: number
}

/**
 * Loads a shipped model by name, or a `.safetensors` file that `dar train` wrote by its path.
 *
 * ```ts
 * import { loadModel } from 'dar-depth'
 *
 * const model = await loadModel('dar-nano')
 * const { depth, width, height } = await model.predict('photo.jpg')
 * const centre = depth[(height >> 1) * width + (width >> 1)]
 * console.log(`the middle of the picture is ${centre.toFixed(2)} m away`)
 * ```
 *
 * The model holds a thread and native memory until `dispose()`.
 * @throws DarError when there is no such model, or the file is damaged or not a model: the message names it and the remedy.
 */
export async function loadModel(nameOrPath: string, options: LoadModelOptions = {}): Promise<DepthModel> {
  if (typeof nameOrPath !== 'string')
    throw new DarError(
      `the model is no name but of the kind ${typeof nameOrPath}; give a shipped model's name, or a path`,
    )
  refuseUnknown(options, OPTIONS, 'loadModel')
  const {
    threads = availableParallelism(),
    idle = 'spin',
    provider = 'cpu',
    size,
    batch = 1,
    mapAbove = MAP_ABOVE,
  } = options
  if (!(Number.isInteger(threads) && threads > 0))
    throw new DarError(`threads is ${threads}; give a whole number of at least 1`)
  if (!(Number.isInteger(batch) && batch > 0))
    throw new DarError(`batch is ${batch}; give a whole number of at least 1`)
  if (size) checkSize(size)
  resolveModelPath(nameOrPath) // a wrong name is not worth a thread
  const data: PredictionThreadData = { nameOrPath, mapAbove, batch, threads, idle, provider }
  const workplace = new ThreadWorkplace(data)
  try {
    return createDepthModel(await workplace.open(), workplace, { batch, size })
  } catch (error) {
    await workplace.dispose()
    throw error
  }
}

const OPTIONS: Readonly<Record<keyof LoadModelOptions, true>> = {
  threads: true,
  idle: true,
  provider: true,
  size: true,
  batch: true,
  mapAbove: true,
}

type PredictionThread = NativeThread<PredictionRequest, ModelDescription | readonly Answer[] | null>

/**
 * The thread of a model. One that dies, for want of memory or by a fault of the native library, is replaced, once: only the call that was
 * in it fails. For that, a call is sent when the one before it is answered, since pixels that were sent are gone.
 */
class ThreadWorkplace implements Workplace {
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
