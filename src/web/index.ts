/**
 * The WEB room: prediction in a page. A `Runner` over onnxruntime-web, and the two sides of the worker that models run in. The page's
 * side (`connection.ts`, `web-model.ts`) is imported by itself: it needs nothing of a model's code. Decoding photos and the page itself
 * are in web/.
 */
export { Connection } from './connection.ts'
export { answerPage, type HostParts } from './host.ts'
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
  Reply,
  WebAnswers,
  WebImage,
  WebPredictOptions,
  WebRequest,
} from './protocol.ts'
export { openWebModel, type WebModel } from './web-model.ts'
