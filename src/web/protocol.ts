/** The messages between a page and the worker that its models run in. Each request has a number, and the answer has the same. */
import type { RgbImage } from '../image/types.ts'
import type { NetworkMaps, TreeStep } from '../predict/index.ts'
import type { ErrorKind } from '../support/errors.ts'

/** The bytes of a photo's file, or pixels (8-bit sRGB, upright). */
export type WebImage = Uint8Array | RgbImage

/** As `PredictOptions`, as far as a message can hold them. */
export interface WebPredictOptions {
  /** Focal length in pixels of the photo; default: EXIF, else the canonical lens. */
  readonly focal?: number
  /** Also the maps of every step. */
  readonly steps?: boolean
}

/** What a page asks for. `model`: the name that it was opened under. */
export type WebRequest =
  /** Fetches a model file. */
  | { readonly kind: 'open'; readonly model: string; readonly url: string }
  /** The maps of a photo, as the network gives them. */
  | { readonly kind: 'predict'; readonly model: string; readonly image: WebImage; readonly options: WebPredictOptions }
  /** The tree of a pixel of the photo that the model predicted last, in pixels of that photo. */
  | { readonly kind: 'tree'; readonly model: string; readonly x: number; readonly y: number }
  /** Frees a model. */
  | { readonly kind: 'close'; readonly model: string }

/** What a page is told of a model that it opened. */
export interface OpenedModel {
  readonly name: string
  /** Whether depths are metres. */
  readonly metric: boolean
}

/** What each request is answered with. */
export interface WebAnswers {
  readonly open: OpenedModel
  readonly predict: NetworkMaps
  readonly tree: readonly TreeStep[]
  readonly close: null
}

/** A request on its way. */
export interface Numbered {
  readonly id: number
  readonly request: WebRequest
}

/** An answer on its way. */
export type Reply =
  | { readonly id: number; readonly answer: WebAnswers[WebRequest['kind']] }
  | { readonly id: number; readonly error: { readonly message: string; readonly kind: ErrorKind | null } }

/** What a page's `Worker`, a worker's own scope and a `MessagePort` have in common. */
export interface Port<In, Out> {
  postMessage(message: Out, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: In }) => void): void
}
