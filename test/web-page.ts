/**
 * The browser app for tests: built into a folder of its own, served as the plainest of hosts would serve it (a folder below another, no
 * headers but the type), and driven in Chromium by playwright-core.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

const ROOT = fileURLToPath(new URL('../web', import.meta.url))

/** Builds the page into a folder. */
export async function buildPage(outDir: string): Promise<void> {
  const { build } = await import('vite')
  const configFile = join(ROOT, 'vite.config.ts')
  // The test runner's own value would make a page for development, which keeps nothing for use without a network.
  const { NODE_ENV } = process.env
  process.env.NODE_ENV = 'production'
  try {
    await build({ root: ROOT, configFile, logLevel: 'error', build: { outDir, emptyOutDir: false } })
  } finally {
    process.env.NODE_ENV = NODE_ENV
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.jpg': 'image/jpeg',
}

export interface Served {
  /** Ends with a slash. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves a folder below `/some/where/`. `model`: bytes that every model file is replaced by. `isolated`: with the headers that allow a
 * page several threads.
 */
export async function serve(
  folder: string,
  { model = null, isolated = false }: { readonly model?: Uint8Array | null; readonly isolated?: boolean } = {},
): Promise<Served> {
  const prefix = '/some/where/'
  const server = createServer(async ({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://localhost')
    const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname
    const read = () =>
      model && name.endsWith('.safetensors') ? model : readFile(join(folder, name.slice(prefix.length)))
    const bytes = name.startsWith(prefix) ? await Promise.resolve(read()).catch(() => null) : null
    if (isolated)
      response
        .setHeader('cross-origin-opener-policy', 'same-origin')
        .setHeader('cross-origin-embedder-policy', 'require-corp')
    if (bytes) response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream').end(bytes)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${prefix}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A browser whose webcam shows a test picture and whose GPU is imitated; it has no WebGPU unless `webgpu` is set. */
export function launch(executablePath: string, { webgpu = false } = {}): Promise<Browser> {
  return chromium.launch({
    executablePath,
    timeout: 120_000,
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      ...(webgpu
        ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan']
        : ['--disable-blink-features=WebGPU']),
    ],
  })
}

/** What a page is asked and told in tests. All waits are for a state that stays. */
export class App {
  readonly errors: string[] = []
  readonly requests: string[] = []

  constructor(readonly page: Page) {
    page.setDefaultTimeout(WAIT)
    page.on('pageerror', (error) => this.errors.push(String(error.stack)))
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(message.text())
    })
    page.context().on('request', (request) => this.requests.push(request.url()))
  }

  /** The page's policy forbids text that becomes code, so a state is a function. */
  async until<Wanted>(state: (wanted: Wanted) => unknown, wanted?: Wanted): Promise<void> {
    await this.page.waitForFunction(state as (given: unknown) => unknown, wanted, { timeout: WAIT })
  }

  /** `shown`: `room.jpg by dar-nano`. The tree stands last, after the maps. */
  async finished(shown: string): Promise<void> {
    await this.until((wanted) => document.documentElement.dataset.shown === wanted, shown)
    await this.until(() => document.querySelectorAll('#tree-steps li').length > 0)
  }

  text(selector: string): Promise<string> {
    return this.page.locator(selector).innerText()
  }

  /** Drops a file on the page. */
  async drop(name: string, bytes: Uint8Array, type = 'image/jpeg'): Promise<void> {
    const data = await this.page.evaluateHandle(
      ([base64, file, mime]) => {
        const transfer = new DataTransfer()
        const content = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
        transfer.items.add(new File([content], file, { type: mime }))
        return transfer
      },
      [Buffer.from(bytes).toString('base64'), name, type] as const,
    )
    await this.page.dispatchEvent('body', 'drop', { dataTransfer: data })
  }

  /** Chooses what the picture shows. */
  show(view: 'depth' | 'sigma' | 'cloud' | 'models'): Promise<void> {
    return this.page.locator(`input[value="${view}"] + span`).click()
  }

  /** The bytes of a download, and the name that it is given. */
  async save(kind: string): Promise<{ readonly name: string; readonly bytes: Buffer }> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download', { timeout: WAIT }),
      this.page.locator(`[data-save="${kind}"]`).click(),
    ])
    return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
  }

  /** A number that changes with the pixels of a canvas, and the share of them that are drawn on. */
  canvas(selector: string): Promise<{ readonly sum: number; readonly drawn: number; readonly colours: number }> {
    return this.page.evaluate((wanted) => {
      const source = document.querySelector<HTMLCanvasElement>(wanted)
      const copy = new OffscreenCanvas(120, 90)
      const context = copy.getContext('2d')
      if (!source || !context) throw new Error(`no canvas ${wanted}`)
      context.drawImage(source, 0, 0, copy.width, copy.height)
      const { data } = context.getImageData(0, 0, copy.width, copy.height)
      let sum = 0
      let drawn = 0
      const colours = new Set<number>()
      for (let i = 0; i < data.length; i += 4) {
        sum = (31 * sum + data[i] + 7 * data[i + 1] + 13 * data[i + 2] + data[i + 3]) % 1_000_000_007
        if (data[i + 3] > 0) drawn++
        colours.add((data[i] >> 4) * 256 + (data[i + 1] >> 4) * 16 + (data[i + 2] >> 4))
      }
      return { sum, drawn: (4 * drawn) / data.length, colours: colours.size }
    }, selector)
  }
}

/** Milliseconds: a slow machine with much else to do. */
export const WAIT = 240_000
