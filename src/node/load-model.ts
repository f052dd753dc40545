/** `loadModel`: a model that works in a worker thread of its own, with photos decoded by sharp. */
import { availableParallelism } from 'node:os'
import { createDepthModel, type DepthModel } from '../predict/depth-model.ts'
import { checkSize } from '../predict/size.ts'
import type { Size } from '../predict/types.ts'
import type { Idle, Provider } from '../runtime/protocol.ts'
import { DarError } from '../support/errors.ts'
import { refuseUnknown } from '../support/options.ts'
import { resolveModelPath } from './model-path.ts'
import { MAP_ABOVE, type PredictionThreadData } from './prediction-protocol.ts'
import { ThreadWorkplace } from './thread-workplace.ts'

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
