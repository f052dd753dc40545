/**
 * The SERVE room: depth over HTTP. `createApp` makes the server as an object of Requests and Responses, `listen` puts it on a
 * port.
 */
export { type Access, LOOPBACK_HOSTS } from './access.ts'
export { type AppOptions, createApp, type DepthApp } from './app.ts'
export { type Codec, inlineCodec, ThreadCodec } from './codec.ts'
export type { RequestLog } from './exchange.ts'
export { ModelKeeper } from './keeper.ts'
export { DEFAULT_LIMITS, type Limits } from './limits.ts'
export type { ServedModel, ServedStep } from './served-model.ts'
export {
  DEFAULT_HOST,
  DEFAULT_PORT,
  type DepthServer,
  type DrainOptions,
  type ListenOptions,
  listen,
} from './server.ts'
export { Site } from './static.ts'
