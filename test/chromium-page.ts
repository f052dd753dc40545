/**
 * A page of a server, looked at in a real browser, for tests: what it loads, what it complains of, what stands in it, and how it looks.
 * Chromium without a window, spoken to in the DevTools protocol through two pipes, one message of JSON a NUL. No driver is needed.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

export interface BrowserPage {
  /** Addresses that the page asked for, in order. */
  readonly requests: readonly string[]
  /** Errors of scripts, console.error, and what the browser itself complains of. */
  readonly errors: readonly string[]
  goto(url: string): Promise<void>
  /** The value of an expression in the page, as JSON; a promise is waited for. */
  evaluate(expression: string): Promise<unknown>
  /** Waits until an expression is true. Throws after `milliseconds`. */
  until(expression: string, milliseconds?: number): Promise<void>
  /** The window's size, and whether the reader prefers dark pages. */
  show(options: { readonly width: number; readonly height?: number; readonly dark?: boolean }): Promise<void>
  /** Writes the whole page as a PNG. */
  screenshot(path: string): Promise<void>
  /** Moves the pointer there, in CSS pixels of the window. */
  point(x: number, y: number): Promise<void>
  close(): Promise<void>
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/** An empty page in a browser of its own. */
export async function openPage(browser: string): Promise<BrowserPage> {
  const profile = await mkdtemp(join(tmpdir(), 'dar-chromium-'))
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
  const child = spawn(browser, [...flags, `--user-data-dir=${profile}`, '--remote-debugging-pipe', 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const [to, from] = [child.stdio[3] as Writable, child.stdio[4] as Readable]
  to.on('error', () => {}) // the browser is gone: `send` says so
  const requests: string[] = []
  const errors: string[] = []
  const waiting = new Map<number, (message: Message) => void>()
  const heard = new Map<string, () => void>()
  let next = 1
  let sessionId: string | undefined

  const hear = ({ method, params = {} }: Message) => {
    const text = () => JSON.stringify(params)
    if (method === 'Network.requestWillBeSent') requests.push((params.request as { url: string }).url)
    else if (method === 'Runtime.exceptionThrown') errors.push(text())
    else if (method === 'Runtime.consoleAPICalled' && params.type === 'error') errors.push(text())
    else if (method === 'Log.entryAdded' && (params.entry as { level: string }).level === 'error') errors.push(text())
    if (method) heard.get(method)?.()
  }
  let rest = ''
  from.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\0')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const message: Message = JSON.parse(part)
      if (message.id === undefined) hear(message)
      else waiting.get(message.id)?.(message)
    }
  })
  const send = (method: string, params: object = {}): Promise<Record<string, unknown>> => {
    const id = next++
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve))
    to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    const gone = ended.then((): Message => ({ error: { message: 'the browser ended' } }))
    return Promise.race([answer, gone]).then(({ result, error }) => {
      waiting.delete(id)
      if (error) throw new Error(`${method}: ${error.message}`)
      return result ?? {}
    })
  }

  const { targetInfos } = await send('Target.getTargets')
  const target = (targetInfos as { type: string; targetId: string }[]).find(({ type }) => type === 'page')
  const attached = await send('Target.attachToTarget', { targetId: target?.targetId, flatten: true })
  sessionId = attached.sessionId as string
  for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await send(`${domain}.enable`)

  const evaluate = async (expression: string) => {
    const { result, exceptionDetails } = await send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })
    if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`)
    return (result as { value?: unknown }).value
  }
  return {
    requests,
    errors,
    evaluate,
    async goto(url) {
      const loaded = new Promise<void>((resolve) => heard.set('Page.loadEventFired', resolve))
      await send('Page.navigate', { url })
      await loaded
    },
    async until(expression, milliseconds = 60_000) {
      const end = Date.now() + milliseconds
      while (!(await evaluate(expression))) {
        if (Date.now() > end) throw new Error(`not true in ${milliseconds} ms: ${expression}`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    },
    async show({ width, height = 900, dark = false }) {
      await send('Emulation.setDeviceMetricsOverride', {
        width,
        height,
        deviceScaleFactor: 1,
        mobile: width < 600,
      })
      const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]
      await send('Emulation.setEmulatedMedia', { features })
    },
    async screenshot(path) {
      const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true })
      await writeFile(path, Buffer.from(data as string, 'base64'))
    },
    async point(x, y) {
      await send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y })
    },
    async close() {
      child.kill()
      await ended
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
