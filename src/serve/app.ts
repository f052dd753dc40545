/**
 * The server as one object of web-standard Requests and Responses: `createApp`. It opens no port; server.ts listens with it, and
 * tests ask it as it is. Every request, whatever its path, passes `answer`: who asks is checked, it gets an id and a deadline
 * (exchange.ts), and nothing of the inside shows in what it is told.
 */
import { type Context, Hono } from 'hono'
import type { DecodeHeader } from '../node/decoder-process.ts'
import { type Access, checkHost, checkToken, EXPOSED, originHeaders, PREFLIGHT } from './access.ts'
import { type Codec, inlineCodec } from './codec.ts'
import { depthRoutes } from './depth-routes.ts'
import { Exchange, type RequestLog } from './exchange.ts'
import { inferRoutes } from './infer-routes.ts'
import { type Limits, limitsOf } from './limits.ts'
import { Problem } from './problem.ts'
import { type Call, honoPath, type Route } from './route.ts'
import type { ServedModel } from './served-model.ts'
import { Service } from './service.ts'
import { serviceRoutes } from './service-routes.ts'
import type { Site } from './static.ts'

export interface AppOptions extends Access {
  readonly model: ServedModel
  readonly limits?: Partial<Limits>
  /** Where bodies are read and written; default: in this thread. */
  readonly codec?: Codec
  /** Reads the header of a photo, before it waits for the model, which has a decoder of its own. Default: in this process. */
  readonly decodeHeader?: DecodeHeader
  /** The browser app, at `/`. */
  readonly site?: Site
  /** Of the package, for descriptions. */
  readonly version?: string
  readonly log?: (entry: RequestLog) => void
}

export interface DepthApp {
  /** `app.request('/v1/depth', …)` asks it; `app.fetch` serves it. */
  readonly app: Hono
  readonly service: Service
}

/** Headers of every answer; those of the answer itself win. */
const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

type Handle = (call: Call) => Promise<Response>

/** The app that serves `model`, which stays the caller's. @throws DarError for a limit that is none. */
export function createApp(options: AppOptions): DepthApp {
  const { model, codec = inlineCodec, site, version = '0', log = () => {}, token, hosts, origins } = options
  const { decodeHeader } = options
  const limits = limitsOf(options.limits)
  const service = new Service({ model, limits, codec, version, decodeHeader })
  const { metrics } = service
  const main = [...depthRoutes(service), ...inferRoutes(service)]
  const routes = [...main, ...serviceRoutes(service, main, { guarded: token !== undefined })]

  /** `open`: whoever asks. */
  const answer = async ({ req }: Context, route: Route | null, handle: Handle, { open = false } = {}) => {
    const request = req.raw
    const exchange = new Exchange(request, { metrics, log, route })
    let cors: Readonly<Record<string, string>> = {}
    const response = await exchange.answer(async () => {
      checkHost(exchange.url, hosts)
      cors = originHeaders(request.headers, exchange.url, origins)
      const isForeign = Object.keys(cors).length > 0
      if (isForeign)
        cors = { ...cors, 'access-control-expose-headers': EXPOSED, 'cross-origin-resource-policy': 'cross-origin' }
      if (isForeign && request.method === 'OPTIONS') return new Response(null, { status: 204, headers: PREFLIGHT })
      if (!open) checkToken(request.headers, token)
      return handle(exchange.call(req.param(), limits.deadline))
    })
    const headers = new Headers({ ...HEADERS, 'x-request-id': exchange.id })
    for (const [name, value] of response.headers) headers.set(name, value)
    for (const [name, value] of Object.entries(cors)) headers.set(name, value)
    if (service.isDraining) headers.set('connection', 'close')
    return new Response(response.body, { status: response.status, headers })
  }

  // The Open Inference Protocol writes one of its paths with a slash at the end.
  const app = new Hono({ strict: false })
  for (const route of routes)
    app.on(route.method.toUpperCase(), honoPath(route.path), (context) => answer(context, route, route.handle, route))
  for (const [path, allow] of methodsByPath(routes)) {
    const refuse = async () => {
      throw new Problem('method-not-allowed', `this path takes ${allow}`, { headers: { allow } })
    }
    app.all(path, (context) => answer(context, null, refuse, { open: true }))
  }
  app.notFound((context) => answer(context, null, (call) => pageOf(call, site), { open: true }))
  return { app, service }
}

/** A file of the browser app. Where there is none, `/` leads to the page to try the server. */
async function pageOf({ request, url }: Call, site: Site | undefined): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new Problem('not-found')
  if (!site && url.pathname === '/') return new Response(null, { status: 302, headers: { location: 'try' } })
  const page = await site?.answer(decodedPath(url), request.headers.get('if-none-match'))
  if (!page) throw new Problem('not-found')
  return page
}

function decodedPath({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    throw new Problem('not-found')
  }
}

/** Paths as Hono writes them, with the methods that they take. */
function methodsByPath(routes: readonly Route[]): ReadonlyMap<string, string> {
  const methods = new Map<string, string>()
  for (const { path, method } of routes) methods.set(honoPath(path), method === 'get' ? 'GET, HEAD' : 'POST')
  return methods
}
