/**
 * Who may ask: by bearer token, by the host's name, and by the origin of the page that asks.
 *
 * The host's name matters where the server listens on this machine alone and has no token: a page elsewhere can point a name of its
 * own at 127.0.0.1, and the browser would then take the server for that page's own.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Problem } from './problem.ts'

export interface Access {
  /** Without it, nobody is asked for one. */
  readonly token?: string
  /** Origins of pages that may use the server (CORS); none by default, `*` for all. */
  readonly origins?: readonly string[]
  /** Names that the server answers under, without port; all where it is left out. */
  readonly hosts?: readonly string[]
}

/** The names of this machine to itself. */
export const LOOPBACK_HOSTS = ['127.0.0.1', 'localhost', '[::1]'] as const

/** Both sides are hashed, so that they are of one length and the time says nothing of either. */
const digest = (text: string) => createHash('sha256').update(text).digest()

export function checkToken(headers: Headers, token: string | undefined): void {
  if (token === undefined) return
  const given = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? ''
  if (timingSafeEqual(digest(given), digest(token))) return
  throw new Problem('unauthorized', '', { headers: { 'www-authenticate': 'Bearer' } })
}

export function checkHost(url: URL, hosts: readonly string[] | undefined): void {
  if (hosts && !hosts.includes(url.hostname)) throw new Problem('wrong-host', `it does not answer as ${url.hostname}`)
}

/**
 * The headers by which a browser lets a page read the answer; none for a request of no page, or of the server's own.
 * @throws Problem for a page of an origin that is not allowed.
 */
export function originHeaders(
  headers: Headers,
  url: URL,
  origins: readonly string[] = [],
): Readonly<Record<string, string>> {
  const origin = headers.get('origin')
  if (origin === null || isOwn(origin, url)) return {}
  if (origins.includes('*')) return { 'access-control-allow-origin': '*' }
  if (origins.includes(origin)) return { 'access-control-allow-origin': origin, vary: 'origin' }
  throw new Problem('forbidden-origin')
}

/** A proxy that ends TLS makes https of http, so the scheme is not compared. */
const isOwn = (origin: string, { host }: URL) => URL.canParse(origin) && new URL(origin).host === host

/** Of the answer to a preflight request. */
export const PREFLIGHT: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers':
    'authorization, content-type, accept, x-deadline-ms, x-request-id, inference-header-content-length',
  'access-control-max-age': '600',
}
export const EXPOSED = 'x-request-id, x-depth-info, retry-after, inference-header-content-length'
