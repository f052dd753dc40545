/**
 * A folder of files as a site: the browser app at `/`. The names of all files are read once, when the server starts, and no
 * other name is ever opened; links and hidden files are left out. So no path leads out of the folder.
 *
 * The headers let the app use threads (cross-origin isolation) and nothing from elsewhere.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { bytesResponse } from './route.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.onnx': 'application/octet-stream',
  '.safetensors': 'application/octet-stream',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

/** Of every page and file of the site. */
const HEADERS: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    "connect-src 'self' blob: data:",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
}

/** Where Vite puts files with a hash in their name, `index-BfA3x_9k.js`, which never change. */
const HASHED = /^\/assets\/.*-[\w-]{8}\.\w+$/

interface SiteFile {
  readonly path: string
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
}

export class Site {
  private readonly files: ReadonlyMap<string, SiteFile>

  constructor(folder: string) {
    this.files = new Map(filesBelow(folder, '/').map(([url, path]) => [url, fileOf(path, url)]))
  }

  /** null where there is no such file. */
  async answer(pathname: string, ifNoneMatch: string | null): Promise<Response | null> {
    const file = this.files.get(pathname.endsWith('/') ? `${pathname}index.html` : pathname)
    if (!file) return null
    const headers = { ...file.headers, etag: file.etag }
    if (ifNoneMatch?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === file.etag))
      return new Response(null, { status: 304, headers })
    return bytesResponse(await readFile(file.path), headers)
  }
}

function fileOf(path: string, url: string): SiteFile {
  const hash = createHash('sha256').update(readFileSync(path)).digest('base64url').slice(0, 22)
  return {
    path,
    etag: `"${hash}"`,
    headers: {
      ...HEADERS,
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      'cache-control': HASHED.test(url) ? 'public, max-age=31536000, immutable' : 'no-cache',
    },
  }
}

/** As the site calls them, and where they are. */
function filesBelow(folder: string, url: string): (readonly [url: string, path: string])[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.')) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesBelow(path, `${url}${entry.name}/`)
    return entry.isFile() ? [[`${url}${entry.name}`, path] as const] : []
  })
}
