import type { RgbImage } from '../image/types.ts'
import type { Runner } from '../predict/index.ts'
import type { BitmapLike } from './browser.ts'
import type { EngineReport, EngineWish } from './start-engine.ts'

/** What differs between a browser's worker and a test. */
export interface HostParts {
  /** Loads the engine. Called once. */
  start(wish: EngineWish): Promise<{ readonly runner: Runner; readonly report: EngineReport }>
  /** The bytes of a file; throws a DarError that names it. */
  fetchBytes(url: string, onProgress: (loaded: number, total: number) => void): Promise<Uint8Array>
  /** A photo's pixels; throws a DarError for what is no image. */
  decode(photo: Uint8Array | BitmapLike): Promise<RgbImage>
}
