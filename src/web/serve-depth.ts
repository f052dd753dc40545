/** `serveDepth`: makes a web worker the place where a page's models run. */
import { decodePhoto } from './decode-photo.ts'
import { fetchBytes } from './fetch-bytes.ts'
import { answerPage } from './host.ts'
import type { Numbered, Port, Reply } from './protocol.ts'
import { startEngine, type WebEngines } from './start-engine.ts'

/**
 * The whole of a page's worker. The page's side is `connectDepth`.
 *
 * The page brings the engine, onnxruntime-web: so it decides which builds of it are downloaded, and where their files lie.
 *
 * ```ts
 * // depth-worker.ts
 * import { serveDepth } from 'dar-depth/web'
 *
 * serveDepth({ wasm: () => import('onnxruntime-web/wasm'), webgpu: () => import('onnxruntime-web/webgpu') })
 * ```
 */
export function serveDepth(engines: WebEngines): void {
  const port = globalThis as unknown as Port<Numbered, Reply>
  answerPage(port, { start: (wish) => startEngine(engines, wish), fetchBytes, decode: decodePhoto })
}
