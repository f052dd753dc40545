/**
 * A page in a real browser, for tests: Chromium without a window, fed by a server on this machine, which gets the page's answer by
 * POST. No driver is needed for that. The browser is $DAR_CHROMIUM, or one of Debian's and Google's names in the PATH; tests
 * skip themselves where there is none.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, extname, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** The path of a browser; null where there is none. */
export function findChromium(): string | null {
  const inPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)))
  return [process.env.DAR_CHROMIUM, ...inPath].find((path) => path !== undefined && existsSync(path)) ?? null
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
}

/**
 * Runs `script`, a module, in a page, and resolves to what it hands to `answer(…)` as JSON; throws what it throws.
 * `folders`: what the server shows, by the first part of the path.
 */
export async function inPage(
  browser: string,
  script: string,
  { folders, milliseconds }: { readonly folders: Readonly<Record<string, string>>; readonly milliseconds: number },
): Promise<unknown> {
  const page = `<!doctype html><script type="module">
    const answer = (value) => fetch('/answer', { method: 'POST', body: JSON.stringify(value) })
    const fail = (error) => answer({ error: String(error?.stack ?? error) })
    addEventListener('unhandledrejection', ({ reason }) => fail(reason))
    addEventListener('error', ({ message }) => fail(message))
    try { ${script} } catch (error) { fail(error) }
  </script>`
  let answered: (value: unknown) => void = () => {}
  const result = new Promise<unknown>((resolve) => {
    answered = resolve
  })
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    if (request.method === 'POST') {
      let body = ''
      for await (const chunk of request) body += chunk
      response.end()
      answered(JSON.parse(body))
      return
    }
    if (path === '/') {
      response.setHeader('content-type', 'text/html').end(page)
      return
    }
    const [, first, ...rest] = path.split('/')
    const root = folders[first]
    try {
      const bytes = await readFile(join(root ?? '/nowhere', ...rest))
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream').end(bytes)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const profile = await mkdtemp(join(tmpdir(), 'dar-chromium-'))
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
  const child = spawn(browser, [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`], {
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the page said nothing in ${milliseconds} ms`)), milliseconds)
  })
  try {
    const value = await Promise.race([result, late])
    if (typeof value === 'object' && value !== null && 'error' in value) throw new Error(String(value.error))
    return value
  } finally {
    clearTimeout(timer)
    child.kill()
    await ended
    server.closeAllConnections()
    server.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
