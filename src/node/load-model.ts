/** `loadModel`: a model that works in a worker thread of its own, with photos decoded by sharp. */
import { availableParallelism } from 'node:os'
import type { RgbImage } from '../image/types.ts'
import { createDepthModel, type DepthModel, type ModelDescription, type Workplace } from '../predict/depth-model.ts'
import type { Answer } from '../predict/pipeline.ts'
import { checkSize } from '../predict/size.ts'
import type { ImageInput, Size } from '../predict/types.ts'
import { engineErrorOf } from '../runtime/engine-error.ts'
import type { Idle, Provider } from '../runtime/protocol.ts'
import { NativeThread } from '../runtime/thread.ts'
import { DarError, messageOf } from '../support/errors.ts'
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
export async function loadModel(
  nameOrPath: string,
  {
    threads = availableParallelism(),
    idle = 'spin',
    provider = 'cpu',
    size,
    batch = 1,
    mapAbove = MAP_ABOVE,
  }: LoadModelOptions = {},
): Promise<DepthModel> {
  if (!(Number.isInteger(threads) && threads > 0))
    throw new DarError(`threads is ${threads}; give a whole number of at least 1`)
  if (!(Number.isInteger(batch) && batch > 0))
    throw new DarError(`batch is ${batch}; give a whole number of at least 1`)
  if (size) checkSize(size)
  resolveModelPath(nameOrPath) // a wrong name is not worth a thread
  const data: PredictionThreadData = { nameOrPath, mapAbove, batch, threads, idle, provider }
  const thread: PredictionThread = new NativeThread('prediction-thread', import.meta.url, data)
  try {
    const model = (await thread.call({ kind: 'open' })) as ModelDescription
    return createDepthModel(model, workplaceIn(thread, model.name), { batch, size })
  } catch (error) {
    await thread.dispose()
    throw error
  }
}

type PredictionThread = NativeThread<PredictionRequest, ModelDescription | readonly Answer[] | null>

function workplaceIn(thread: PredictionThread, name: string): Workplace {
  return {
    decode: pixelsOf,
    async predict(network, jobs) {
      const request = { kind: 'predict', network, jobs } as const
      // `decode` made these pixels, so they can be transferred: a photo of 12 megapixels takes 36 MB, which are not
      // copied again.
      const pixels = jobs.map(({ image }) => image.data.buffer as ArrayBuffer)
      try {
        return (await thread.call(request, [...new Set(pixels)])) as readonly Answer[]
      } catch (error) {
        throw thread.isRunning ? error : engineErrorOf(name, messageOf(error))
      }
    },
    async dispose() {
      if (thread.isRunning) await thread.call({ kind: 'close' })
      await thread.dispose()
    },
  }
}

async function pixelsOf(input: ImageInput): Promise<RgbImage> {
  if (typeof input === 'string' || input instanceof Uint8Array) return decodeImage(input)
  const { width, height, data } = input
  if (!(width > 0 && height > 0) || data?.length !== 3 * width * height)
    throw new DarError(
      `the image has ${data?.length ?? 'no'} bytes where ${width}×${height} pixels of 8-bit RGB take ${3 * width * height}`,
    )
  return { ...input, data: await copyInTurns(data) }
}
