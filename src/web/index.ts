/**
 * The WEB room: prediction in a page. `serveDepth` is the whole of a page's worker, `connectDepth` the page's side of it, which needs
 * nothing of a model's code: a bundler leaves that out of the page. The engine, onnxruntime-web, is handed in (`ort-runner.ts`).
 * The browser app in web/ is made of the same two.
 */
export type { BitmapLike, WorkerLike } from './browser.ts'
export { type ConnectOptions, connectDepth, type DepthWorker, openWebModel, type WebModel } from './connect-depth.ts'
export { Connection } from './connection.ts'
export { answerPage } from './host.ts'
export type { HostParts } from './host-parts.ts'
export { HostedModel, type HostedModelParts } from './hosted-model.ts'
export {
  type OrtEngine,
  type OrtOptions,
  type OrtSession,
  type OrtValue,
  ortRunner,
  type WebProvider,
} from './ort-runner.ts'
export type {
  Numbered,
  OpenedModel,
  Port,
  Progress,
  Reply,
  WebAnswers,
  WebImage,
  WebPredictOptions,
  WebRequest,
  WebStreamOptions,
} from './protocol.ts'
export { serveDepth } from './serve-depth.ts'
export { type EngineReport, type EngineWish, type OrtModule, startEngine, type WebEngines } from './start-engine.ts'
