/**
 * What this room uses of a browser, as types of its own: published types that named the DOM's would not compile in a project without
 * them. A worker of a page has all of it.
 */

/** A page's `Worker`. */
export interface WorkerLike {
  /** Sends to the worker; the memory of `transfer` moves there. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  /** What the worker says. */
  addEventListener(type: 'message', listener: (event: { readonly data: never }) => void): void
  /** That it failed. */
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void
  /** Ends it. */
  terminate(): void
}

/** An `ImageBitmap`. */
export interface BitmapLike {
  readonly width: number
  readonly height: number
  /** Frees its memory. */
  close(): void
}

interface PixelContext {
  globalCompositeOperation: string
  drawImage(source: BitmapLike, x: number, y: number): void
  getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray }
}

interface FetchAnswer {
  readonly ok: boolean
  readonly status: number
  readonly headers: { has(name: string): boolean; get(name: string): string | null }
  readonly body: {
    getReader(): { read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }> }
  } | null
}

interface Browser {
  fetch(url: string): Promise<FetchAnswer>
  createImageBitmap(blob: object, options: object): Promise<BitmapLike>
  readonly Blob: new (parts: readonly Uint8Array[]) => object
  readonly OffscreenCanvas: new (
    width: number,
    height: number,
  ) => { getContext(kind: '2d', options: object): PixelContext | null }
  readonly crossOriginIsolated: boolean
  readonly navigator: {
    readonly hardwareConcurrency: number
    readonly gpu?: {
      requestAdapter(): Promise<{ readonly info?: { readonly isFallbackAdapter?: boolean } } | null>
    }
  }
}

/** This scope. Elsewhere than in a browser its parts are missing. */
export const browser = globalThis as unknown as Browser
