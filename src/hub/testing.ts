/** A Hub on this machine, as tests need it. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const COMMIT = 'c0ffee'.padEnd(40, '0')
export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
export const gitHash = (bytes: Uint8Array) =>
  createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex')

interface Stored {
  readonly bytes: Buffer
  /** How the Hub stores it: large files by SHA-256, small ones as git objects. */
  readonly kind: 'lfs' | 'git'
  /** What the Hub says instead of the true hash. */
  readonly hash?: string
}

/** The four routes of the Hub that a download needs, and ways to go wrong. */
export class FakeHub {
  readonly files = new Map<string, Stored>()
  /** `METHOD path range` of every request. */
  readonly requests: string[] = []
  /** Cuts the connection after so many bytes of the next file. */
  cutAfter: number | null = null
  ranges: 'honoured' | 'ignored' = 'honoured'
  token: string | null = null
  private server: Server | null = null

  async start(): Promise<string> {
    this.server = createServer((request, response) => this.answer(request, response))
    await new Promise<void>((resolve) => this.server?.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections()
    await new Promise((resolve) => this.server?.close(resolve))
  }

  reset(): void {
    this.files.clear()
    this.requests.length = 0
    this.cutAfter = null
    this.ranges = 'honoured'
    this.token = null
  }

  private info(path: string) {
    const { bytes, kind, hash } = this.files.get(path)!
    const base = { type: 'file', path, size: bytes.byteLength }
    if (kind === 'git') return { ...base, oid: hash ?? gitHash(bytes) }
    return {
      ...base,
      oid: gitHash(bytes),
      lfs: { oid: hash ?? sha256(bytes), size: bytes.byteLength, pointerSize: 130 },
    }
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent((request.url ?? '').split('?')[0])
    this.requests.push([request.method, path, request.headers.range].filter(Boolean).join(' '))
    const json = (value: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(value))
    }
    const file = this.files.get(path.replace(`/owner/name/resolve/${COMMIT}/`, ''))
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) json({ error: 'gated' }, 401)
    else if (path === '/api/models/owner/name/revision/main') json({ id: 'owner/name', sha: COMMIT })
    else if (path === `/api/models/owner/name/tree/${COMMIT}`) json([...this.files.keys()].map((one) => this.info(one)))
    else if (path === `/api/models/owner/name/paths-info/${COMMIT}`) {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        const { paths } = JSON.parse(body) as { paths: string[] }
        json(paths.filter((one) => this.files.has(one)).map((one) => this.info(one)))
      })
    } else if (file) this.send(file.bytes, request.headers.range, response)
    else json({ error: 'not found' }, 404)
  }

  private send(bytes: Buffer, range: string | undefined, response: ServerResponse): void {
    const [, first, last] = /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? []
    const probe = range === 'bytes=0-0'
    const partial = range !== undefined && (probe || this.ranges === 'honoured')
    const part = partial ? bytes.subarray(Number(first), Number(last) + 1) : bytes
    response.writeHead(partial ? 206 : 200, {
      etag: '"etag"',
      'content-length': part.byteLength,
      ...(partial && { 'content-range': `bytes ${first}-${last}/${bytes.byteLength}` }),
    })
    if (this.cutAfter === null || probe) {
      response.end(part)
      return
    }
    response.write(part.subarray(0, this.cutAfter), () => setTimeout(() => response.destroy(), 20))
    this.cutAfter = null
  }
}
