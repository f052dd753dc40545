/**
 * Serves the page of a run on this machine: 127.0.0.1 only, GET only, and of the run's folder only the pictures, by names that a
 * pattern allows. A request under another host's name is refused, so that a web page elsewhere cannot read the run by pointing a name
 * of its own at this address. The page may load nothing from elsewhere and run no script but its own.
 */
import { createHash } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, sep } from 'node:path'
import { DarError, messageOf } from '../support/errors.ts'
import { picturesPath, readPictures } from '../train/pictures.ts'
import { pageOf, SCRIPTS } from './page.ts'
import { WatchedRun } from './watched-run.ts'

/** Where the page is if nothing else is asked for. */
export const DEFAULT_PORT = 6007

/** A server that runs until it is disposed. */
export interface WatchServer {
  /** Where the page is: `http://127.0.0.1:6007/`. */
  readonly url: string
  dispose(): Promise<void>
}

/**
 * Serves the run in `folder`, which need not have begun. Without `port` it is `DEFAULT_PORT`, or any other if that is taken; 0 is any
 * free one. Throws a DarError when the port cannot be had.
 */
export async function serveRun(folder: string, { port }: { readonly port?: number } = {}): Promise<WatchServer> {
  const run = new WatchedRun(folder)
  const server = createServer((request, response) => {
    void answer(run, request, response)
  })
  await listen(server, port)
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${bound}/`,
    dispose: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function listen(server: Server, port: number | undefined): Promise<void> {
  try {
    await listenAt(server, port ?? DEFAULT_PORT)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (port === undefined && code === 'EADDRINUSE') return listenAt(server, 0)
    const why = code === 'EADDRINUSE' ? 'it is in use' : messageOf(error)
    throw new DarError(`cannot serve on port ${port ?? DEFAULT_PORT} of 127.0.0.1: ${why}; give another --port`)
  }
}

function listenAt(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

const HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]'])
const PICTURE = /^\/pictures\/(update-\d{6,})\/(\d+-(?:photo|truth|step\d+)\.jpg)$/

const scriptHash = createHash('sha256').update(SCRIPTS.live).digest('base64')
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; script-src 'sha256-${scriptHash}'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

async function answer(run: WatchedRun, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (status: number, type: string, body: string | Uint8Array) => {
    response.writeHead(status, { ...HEADERS, 'content-type': type, 'content-length': Buffer.byteLength(body) })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  try {
    if (!HOSTS.has((request.headers.host ?? '').replace(/:\d+$/, ''))) return send(403, TEXT, 'another host\n')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return send(405, TEXT, 'only GET\n')
    }
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (pathname === '/') return send(200, 'text/html; charset=utf-8', await pageOfRun(run))
    if (pathname === '/live') return send(200, 'application/json', await news(run, searchParams.get('version') ?? ''))
    const [, validation, file] = PICTURE.exec(pathname) ?? []
    const bytes = file === undefined ? null : await picture(run.folder, validation, file)
    if (bytes === null) return send(404, TEXT, 'there is no such page\n')
    send(200, 'image/jpeg', bytes)
  } catch (error) {
    // A log that cannot be read, or a mistake of ours: neither may end a training that goes on in this process.
    if (!response.headersSent) send(500, TEXT, `${messageOf(error)}\n`)
    else response.destroy()
  }
}

const TEXT = 'text/plain; charset=utf-8'

async function pageOfRun(run: WatchedRun): Promise<string> {
  run.refresh()
  return pageOf(run.title, await sectionsOf(run), { kind: 'live', version: run.version })
}

/** What a page that shows `version` lacks: of the same version, only how long ago the last news was. */
async function news(run: WatchedRun, version: string): Promise<string> {
  run.refresh()
  const sections =
    version === run.version
      ? { head: run.heading() }
      : Object.fromEntries((await sectionsOf(run)).map(({ id, html }) => [id, html]))
  return JSON.stringify({ version: run.version, title: run.title, sections })
}

async function sectionsOf(run: WatchedRun) {
  return run.sections(await readPictures(run.folder), (folder, file) => `pictures/${folder}/${file}`)
}

/** Null where there is none. A link that leads out of the folder is none. */
async function picture(folder: string, validation: string, file: string): Promise<Uint8Array | null> {
  try {
    const root = await realpath(picturesPath(folder))
    const path = await realpath(join(root, validation, file))
    return path.startsWith(root + sep) ? await readFile(path) : null
  } catch {
    return null
  }
}
