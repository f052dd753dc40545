/**
 * The WEB room: prediction in a page. `serveDepth` is the whole of a page's worker, `connectDepth` the page's side of it, which needs
 * nothing of a model's code: a bundler leaves that out of the page. The engine, onnxruntime-web, is handed in (`ort-runner.ts`).
 * The browser app in web/ is made of the same two.
 */
export type { TreeStep } from '../predict/index.ts'
export type { BitmapLike, WorkerLike } from './browser.ts'
export { type ConnectOptions, connectDepth, type DepthWorker, type WebModel } from './connect-depth.ts'
export type { WebProvider } from './ort-runner.ts'
export type { Progress, WebImage, WebPredictOptions, WebStreamOptions } from './protocol.ts'
export { serveDepth } from './serve-depth.ts'
export type { EngineReport, EngineWish, OrtModule, WebEngines } from './start-engine.ts'
