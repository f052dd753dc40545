/** `openWebModel`: a model that works in a page's worker. It loads nothing of the model's code into the page. */
import type { NetworkMaps, TreeStep } from '../predict/index.ts'
import type { Connection } from './connection.ts'
import type { WebImage, WebPredictOptions } from './protocol.ts'

/** A model of a page. */
export interface WebModel {
  readonly name: string
  /** Whether depths are metres. */
  readonly metric: boolean
  /** The maps of a photo, as the network gives them: `DepthModel.predictMaps`. Bytes and pixels are copied. */
  predict(image: WebImage, options?: WebPredictOptions): Promise<NetworkMaps>
  /**
   * The tree of bins of one pixel of the photo that was predicted last, in pixels of that photo; metres.
   * @throws DarError outside the photo, and for a model without bins.
   */
  tree(x: number, y: number): Promise<readonly TreeStep[]>
  /** Frees the worker's memory of it. */
  dispose(): Promise<void>
}

/** Fetches a model file and opens it in the worker. Throws a DarError when it cannot be fetched, or is no model. */
export async function openWebModel(
  connection: Connection,
  { name, url }: { readonly name: string; readonly url: string },
): Promise<WebModel> {
  const opened = await connection.call({ kind: 'open', model: name, url })
  return {
    ...opened,
    predict: (image, options = {}) => connection.call({ kind: 'predict', model: name, image, options }),
    tree: (x, y) => connection.call({ kind: 'tree', model: name, x, y }),
    dispose: async () => {
      await connection.call({ kind: 'close', model: name })
    },
  }
}
