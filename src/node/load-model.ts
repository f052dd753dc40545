/** `loadModel`: a model that works in a worker thread of its own, with photos decoded by sharp. */
import { availableParallelism } from 'node:os'
import { createDepthModel, type DepthModel } from '../predict/depth-model.ts'
import { checkSize } from '../predict/size.ts'
import type { Size } from '../predict/types.ts'
import { checkSignal } from '../predict/until-aborted.ts'
import type { Idle, Provider } from '../runtime/protocol.ts'
import { DarError } from '../support/errors.ts'
import { refuseUnknown, refuseUnlessBoolean } from '../support/options.ts'
import { DecoderProcess } from './decoder-process.ts'
import { resolveModelPath } from './model-path.ts'
import { MAP_ABOVE, type PredictionThreadData } from './prediction-protocol.ts'
import { type PhotoDecoder, ThreadWorkplace } from './thread-workplace.ts'

/** Where and how a model runs. */
export interface LoadModelOptions {
  /** Threads inside the engine; default: all cores. */
  readonly threads?: number
  /** What computes: `cpu` (default), or `webgpu` or `cuda` where the machine has it. */
  readonly device?: Provider
  /** The former name of `device`. */
  readonly provider?: Provider
  /** What an engine thread does in a call while it waits for the others; `sleep` leaves cores to other work. Default `spin`. */
  readonly idle?: Idle
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
  /**
   * Where photos are decoded that are given as files or bytes of files: `inside` this process (default), or in a `process` of their own. The
   * decoders are large libraries in C. A file that crashes them ends this process, or costs its prediction alone (a `DarError` of kind
   * `input`), and the other process is started anew. It takes 75 to 190 MB, and ends with the model.
   */
  readonly decoder?: 'inside' | 'process'
  /** Called while a model of the Hub comes in, with the bytes that are here and their number in all. */
  readonly onProgress?: (done: number, total: number) => void
  /** Use a model of the Hub only from the cache: no connection is ever opened. Default: as `HF_HUB_OFFLINE` says. */
  readonly offline?: boolean
  /** When it is aborted, loading ends with its reason. What a download brought is kept for the next one. */
  readonly signal?: AbortSignal
}

/**
 * Loads a shipped model by name, a `.safetensors` file that `dar train` wrote by its path, or one of the Hugging Face Hub as
 * `hub:owner/name`, `hub:owner/name@revision` or `hub:owner/name/file`. Only the last may use the network, and only until the file
 * is in the cache (`DAR_CACHE`, else the Hub's own).
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
  const { decoder = 'inside' } = options
  if (decoder !== 'inside' && decoder !== 'process')
    throw new DarError(`decoder is '${String(decoder)}'; give inside or process`)
  return loadModelReading(decoder === 'process' ? new DecoderProcess() : {}, nameOrPath, options)
}

/** `loadModel` of a model whose photos are read by `decoder`, which is started and disposed of with the model where it says how. */
export async function loadModelReading(
  decoder: PhotoDecoder,
  nameOrPath: string,
  options: LoadModelOptions = {},
): Promise<DepthModel> {
  if (typeof nameOrPath !== 'string')
    throw new DarError(
      `the model is no name but of the kind ${typeof nameOrPath}; give a shipped model's name, a path, or hub:owner/name`,
    )
  refuseUnknown(options, OPTIONS, 'loadModel')
  refuseUnlessBoolean({ offline: options.offline }, 'loadModel')
  const { threads = availableParallelism(), idle = 'spin', size, batch = 1, mapAbove = MAP_ABOVE, signal } = options
  if (!(Number.isInteger(threads) && threads > 0))
    throw new DarError(`threads is ${threads}; give a whole number of at least 1`)
  if (!(Number.isInteger(batch) && batch > 0))
    throw new DarError(`batch is ${batch}; give a whole number of at least 1`)
  if (size) checkSize(size)
  const engine = { threads, idle, provider: deviceOf(options) }
  if (signal !== undefined) checkSignal(signal)
  signal?.throwIfAborted()
  const file = await fileOf(nameOrPath, options)
  const data: PredictionThreadData = { ...file, mapAbove, batch, ...engine }
  const workplace = new ThreadWorkplace(data, decoder)
  try {
    decoder.start?.()
    const description = await workplace.open()
    signal?.throwIfAborted()
    return createDepthModel(description, workplace, { batch, size })
  } catch (error) {
    await workplace.dispose()
    throw error
  }
}

const DEVICES: readonly unknown[] = ['cpu', 'webgpu', 'cuda'] satisfies Provider[]

function deviceOf({ device, provider }: LoadModelOptions): Provider {
  if (device !== undefined && provider !== undefined && device !== provider)
    throw new DarError(`device is ${device} and provider, its former name, ${provider}; give device alone`)
  const chosen = device ?? provider ?? 'cpu'
  if (!DEVICES.includes(chosen))
    throw new DarError(`there is no device '${String(chosen)}'; take one of ${DEVICES.join(', ')}`)
  return chosen
}

/** Where the model lies, downloaded if it must be, and its name where the file does not tell it. A wrong name is not worth a thread. */
async function fileOf(
  nameOrPath: string,
  { offline, onProgress, signal }: LoadModelOptions,
): Promise<Pick<PredictionThreadData, 'nameOrPath' | 'name'>> {
  if (!nameOrPath.startsWith('hub:')) {
    resolveModelPath(nameOrPath)
    return { nameOrPath }
  }
  // Loaded when it is needed: most programs use no model of the Hub.
  const { hubFile } = await import('../hub/index.ts')
  const path = await hubFile(nameOrPath, { ...(offline && { network: 'forbidden' }), onProgress, signal })
  return { nameOrPath: path, name: nameOrPath.slice('hub:'.length) }
}

const OPTIONS: Readonly<Record<keyof LoadModelOptions, true>> = {
  threads: true,
  device: true,
  provider: true,
  idle: true,
  size: true,
  batch: true,
  mapAbove: true,
  decoder: true,
  onProgress: true,
  offline: true,
  signal: true,
}
