/**
 * The app on a port, by Node's http server: limits on connections and on the time of headers, and an end that loses no request.
 *
 * `announceEnd` and `drain` are for SIGTERM. After the first, `/v2/health/ready` says no and answers close their connections, so that a
 * load balancer looks elsewhere. After the second, no new connection is taken. Requests that have arrived are answered; then what
 * is left of connections is closed: those that have sent nothing, or half of a request's headers.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import { collectDefaultMetrics } from 'prom-client'
import { DarError, messageOf } from '../support/errors.ts'
import { type AppOptions, createApp } from './app.ts'
import { bodyStream, discardAfter } from './incoming-body.ts'
import { limitsOf } from './limits.ts'

export const DEFAULT_PORT = 8000
export const DEFAULT_HOST = '127.0.0.1'

/** Milliseconds between looks for connections that are too slow. */
const LOOK = 500

/** Of a body that is refused, so many times the largest body are thrown away. */
const REST = 4

export interface ListenOptions extends AppOptions {
  readonly port?: number
  readonly host?: string
}

export interface DrainOptions {
  /** Milliseconds for requests that have arrived to be answered. */
  readonly grace?: number
}

export interface DepthServer {
  /** `http://127.0.0.1:8000/` */
  readonly url: string
  /** Says from now on that it is not ready, and answers all the same. */
  announceEnd(): void
  /** Ends the server; returns how many requests were cut off because `grace` was over. Safe to call twice. */
  drain(options?: DrainOptions): Promise<number>
}

/** Listens. The model stays the caller's. Throws a DarError when the port cannot be had. */
export async function listen({
  port = DEFAULT_PORT,
  host = DEFAULT_HOST,
  ...options
}: ListenOptions): Promise<DepthServer> {
  const limits = limitsOf(options.limits)
  const { app, service } = createApp(options)
  collectDefaultMetrics({ register: service.metrics.registry })
  const serverOptions: ServerOptions = {
    headersTimeout: limits.headersTime,
    // The body has a clock of its own (body.ts), which answers; this one is for a client that does not even read that.
    requestTimeout: limits.headersTime + limits.bodyTime + 5000,
    keepAliveTimeout: limits.idleTime,
    connectionsCheckingInterval: LOOK,
    maxHeaderSize: 16 * 1024,
  }
  const server = createAdaptorServer({
    fetch: (request, { incoming }) => {
      const { method } = request
      if (method !== 'GET' && method !== 'HEAD') giveBody(request, incoming as IncomingMessage)
      return app.fetch(request)
    },
    hostname: host,
    autoCleanupIncoming: false, // what is left of a body is read by `discardAfter`
    overrideGlobalObjects: false,
    serverOptions,
  }) as Server
  server.maxConnections = limits.maxConnections
  // A client that does not read its answer.
  server.timeout = limits.deadline + limits.bodyTime + 5000
  server.on('clientError', refuseSocket)
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // The client asks before it sends: one that announces too much gets its answer at once.
    if (!(Number(request.headers['content-length']) > limits.maxBody)) response.writeContinue()
    server.emit('request', request, response)
  })
  const requests = countRequests(server)
  const rest = { milliseconds: limits.idleTime, most: REST * limits.maxBody }
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
    discardAfter(response, request, rest),
  )
  await opened(server, port, host)
  const { port: bound } = server.address() as AddressInfo
  let draining: Promise<number> | null = null
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/`,
    announceEnd: () => service.stopBeingReady(),
    drain: ({ grace = 30_000 } = {}) => {
      draining ??= (async () => {
        service.stopBeingReady()
        // Connections that the system has taken already are accepted first: the loop has just asked for them when this runs.
        await new Promise<void>((resolve) => setImmediate(resolve))
        const closed = new Promise<void>((resolve) => server.close(() => resolve()))
        const lost = await requests.untilNone(grace)
        server.closeAllConnections()
        await closed
        return lost
      })()
      return draining
    },
  }
}

/** The body of a request is made when it is asked for: one that is refused before needs none. */
function giveBody(request: Request, incoming: IncomingMessage): void {
  let body: ReadableStream<Uint8Array> | null = null
  Object.defineProperty(request, 'body', {
    get: () => {
      body ??= bodyStream(incoming)
      return body
    },
  })
}

/** Requests whose headers have arrived and whose answers are not sent. */
function countRequests(server: Server) {
  let open = 0
  let onNone = () => {}
  server.prependListener('request', (_: IncomingMessage, response: ServerResponse) => {
    open++
    response.once('close', () => {
      if (--open === 0) onNone()
    })
  })
  return {
    /** How many are left after `milliseconds` at most. */
    untilNone: async (milliseconds: number): Promise<number> => {
      if (open > 0) {
        const stop = new AbortController()
        const none = new Promise<void>((resolve) => {
          onNone = resolve
        })
        await Promise.race([none, sleep(milliseconds, undefined, { signal: stop.signal }).catch(() => {})])
        stop.abort()
      }
      return open
    },
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

/** What is no HTTP, or too slow, never reaches the app. */
function refuseSocket(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = REFUSALS[error.code ?? ''] ?? '400 Bad Request'
  const [number, ...title] = status.split(' ')
  const body = JSON.stringify({
    type: 'about:blank',
    title: title.join(' '),
    status: Number(number),
    code: 'bad-request',
  })
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

async function opened(server: Server, port: number, host: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'it is in use' : messageOf(error)
    throw new DarError(`cannot serve on port ${port} of ${host}: ${why}; give another --port or --host`)
  }
}
