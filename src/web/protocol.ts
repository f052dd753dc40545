/** The messages between a page and the worker that its models run in. Each request has a number, and the answer has the same. */
import type { RgbImage } from '../image/types.ts'
import type { BlobInput, NetworkMaps, PixelInput, Size, StreamedMaps, TreeStep } from '../predict/index.ts'
import type { ErrorKind } from '../support/errors.ts'
import type { BitmapLike } from './browser.ts'
import type { EngineReport, EngineWish } from './start-engine.ts'

/**
 * A photo: a `Blob` or `File` of one, or its bytes (EXIF turns it upright and tells the lens); an `ImageBitmap`, an `ImageData`, or other
 * pixels (8-bit sRGB, upright).
 */
export type WebImage = Uint8Array | BlobInput | BitmapLike | PixelInput | RgbImage

/** As `StreamOptions`, as far as a message can hold them. */
export interface WebStreamOptions {
  /** Focal length in pixels of the photo; default: EXIF, else the canonical lens. */
  readonly focal?: number
  /** Instead of `focal`: horizontal field of view in degrees. */
  readonly fov?: number
  /** Another pixel budget of the network's input than the model's own. */
  readonly size?: Size
}

/** As `PredictOptions`, as far as a message can hold them. */
export interface WebPredictOptions extends WebStreamOptions {
  /** Also the maps of every step. */
  readonly steps?: boolean
}

/** What a page asks for. `model`: the name that it was opened under. */
export type WebRequest =
  /** Loads the engine; the first request. */
  | { readonly kind: 'start'; readonly engine: EngineWish }
  /** Fetches a model file. */
  | { readonly kind: 'open'; readonly model: string; readonly url: string }
  /** The maps of a photo, as the network gives them. */
  | { readonly kind: 'predict'; readonly model: string; readonly image: WebImage; readonly options: WebPredictOptions }
  /** The first step of a photo. The page numbers its streams. */
  | {
      readonly kind: 'stream'
      readonly model: string
      readonly stream: number
      readonly image: WebImage
      readonly options: WebStreamOptions
    }
  /** The next step of a stream. */
  | { readonly kind: 'step'; readonly stream: number }
  /** Ends a stream before its last step. */
  | { readonly kind: 'leave'; readonly stream: number }
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
  readonly start: EngineReport
  readonly open: OpenedModel
  readonly predict: NetworkMaps
  readonly stream: StreamedMaps
  readonly step: StreamedMaps
  readonly leave: null
  readonly tree: readonly TreeStep[]
  readonly close: null
}

/** A request on its way. */
export interface Numbered {
  readonly id: number
  readonly request: WebRequest
}

/** Bytes of a file that are here, and all; 0 where the server does not tell. */
export interface Progress {
  readonly url: string
  readonly loaded: number
  readonly total: number
}

/** An answer on its way, or how far a file has come. */
export type Reply =
  | { readonly id: number; readonly answer: WebAnswers[WebRequest['kind']] }
  | { readonly id: number; readonly error: { readonly message: string; readonly kind: ErrorKind | null } }
  | { readonly progress: Progress }

/** What a page's `Worker`, a worker's own scope and a `MessagePort` have in common. */
export interface Port<In, Out> {
  postMessage(message: Out, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: In }) => void): void
}
