/** `connectDepth`: a page's side of a worker in which models run. It loads nothing of the model's code into the page. */
import type { NetworkMaps, StreamedMaps, TreeStep } from '../predict/index.ts'
import type { WorkerLike } from './browser.ts'
import { Connection } from './connection.ts'
import type { Numbered, Port, Progress, Reply, WebImage, WebPredictOptions, WebStreamOptions } from './protocol.ts'
import type { EngineReport, EngineWish } from './start-engine.ts'

/** A worker that runs `serveDepth`. */
export interface DepthWorker {
  /** What computes, once it is known. Rejects with a DarError when no engine works. */
  readonly engine: Promise<EngineReport>
  /** Fetches a model file and opens it. Throws a DarError when it cannot be fetched, or is no model. */
  openModel(model: { readonly name: string; readonly url: string }): Promise<WebModel>
  /** Ends the worker: calls under way reject, and all its memory is freed. */
  dispose(): void
}

/** A model of a page. Its calls are answered one after another. */
export interface WebModel {
  readonly name: string
  /** Whether depths are metres. */
  readonly metric: boolean
  /**
   * The maps of a photo as the network gives them, in metres. `resizeBilinear` of `dar-depth/image` brings them to another size. The
   * photo is copied. The first photo of a new shape also compiles a program.
   * @throws DarError for what is no photo, and when the engine fails.
   */
  predict(photo: WebImage, options?: WebPredictOptions): Promise<NetworkMaps>
  /**
   * The maps of each step, coarse to fine, as soon as they are ready. The last are those of `predict`. A loop that is left computes
   * nothing more.
   * @throws DarError as `predict`.
   */
  stream(photo: WebImage, options?: WebStreamOptions): AsyncGenerator<StreamedMaps, void, undefined>
  /**
   * The tree of bins of one pixel of the photo that was predicted last, in pixels of that photo; metres.
   * @throws DarError outside the photo, and for a model without bins.
   */
  tree(x: number, y: number): Promise<readonly TreeStep[]>
  /** Frees the worker's memory of it. */
  dispose(): Promise<void>
}

/** How a page uses its worker. */
export interface ConnectOptions {
  /** What shall compute; default `auto`: WebGPU where there is a GPU, else WebAssembly. What it became is in `engine`. */
  readonly engine?: EngineWish
  /** Called while a model's file comes in. */
  readonly onProgress?: (progress: Progress) => void
}

/**
 * Connects a page with its worker, and starts the engine there.
 *
 * ```ts
 * import { connectDepth } from 'dar-depth/web'
 *
 * const depth = connectDepth(new Worker(new URL('./depth-worker.ts', import.meta.url), { type: 'module' }))
 * const model = await depth.openModel({ name: 'dar-nano', url: '/models/dar-nano.safetensors' })
 * const photo = document.querySelector('input')?.files?.[0] // a File
 * if (photo) console.log((await model.predict(photo)).depth) // width, height and data: metres
 * ```
 */
export function connectDepth(
  worker: WorkerLike,
  { engine: wish = 'auto', onProgress }: ConnectOptions = {},
): DepthWorker {
  const connection = new Connection(worker as unknown as Port<Reply, Numbered>, { onProgress })
  worker.addEventListener('error', ({ message }) => {
    connection.fail(`the worker stopped (${message || 'its script did not load'}); reload the page`)
  })
  const engine = connection.call({ kind: 'start', engine: wish })
  engine.catch(() => {}) // every prediction says it, too
  return {
    engine,
    openModel: (model) => openWebModel(connection, model),
    dispose() {
      worker.terminate()
      connection.fail('the worker was disposed')
    },
  }
}

let streams = 0

/** A model over a connection that is there already. */
export async function openWebModel(
  connection: Connection,
  { name, url }: { readonly name: string; readonly url: string },
): Promise<WebModel> {
  const opened = await connection.call({ kind: 'open', model: name, url })
  return {
    ...opened,
    predict: (image, options = {}) => connection.call({ kind: 'predict', model: name, image, options }),
    async *stream(image, options = {}) {
      const stream = ++streams
      let isOpen = true
      try {
        let maps = await connection.call({ kind: 'stream', model: name, stream, image, options })
        for (;;) {
          isOpen = !maps.final
          yield maps
          if (!isOpen) return
          maps = await connection.call({ kind: 'step', stream })
        }
      } finally {
        // Of a stream that failed or is at its end, the worker knows nothing any more.
        if (isOpen) connection.call({ kind: 'leave', stream }).catch(() => {})
      }
    },
    tree: (x, y) => connection.call({ kind: 'tree', model: name, x, y }),
    dispose: async () => {
      await connection.call({ kind: 'close', model: name })
    },
  }
}
