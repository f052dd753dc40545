/** The worker of the page: the engine, the models and the decoding of photos. The first message says which engine is wanted. */
import './polyfill.ts'
import { DarError } from '../../src/support/errors.ts'
import { answerPage, type Numbered, type Port, type Reply } from '../../src/web/index.ts'
import { type EngineReport, type EngineWish, startEngine } from './engine.ts'
import { decodePhoto } from './pixels.ts'

/** What the worker says unasked. */
export type Notice =
  | { readonly notice: 'engine'; readonly report: EngineReport }
  /** Of a file that is fetched; `total` is 0 where the server does not tell. */
  | { readonly notice: 'progress'; readonly url: string; readonly loaded: number; readonly total: number }

const say = (notice: Notice) => postMessage(notice)

const wish = new Promise<EngineWish>((resolve) => {
  const listen = ({ data }: MessageEvent) => {
    if (typeof data !== 'object' || !('engine' in data)) return
    removeEventListener('message', listen)
    resolve(data.engine)
  }
  addEventListener('message', listen)
})

const runner = wish.then(startEngine).then(({ runner, report }) => {
  say({ notice: 'engine', report })
  return runner
})

answerPage(self as unknown as Port<Numbered, Reply>, { runner, fetchBytes, decode: decodePhoto })

async function fetchBytes(url: string): Promise<Uint8Array> {
  const problem = (reason: string) =>
    new DarError(`cannot load ${url} (${reason}); reload the page`, { kind: 'network' })
  const response = await fetch(url).catch((error: unknown) => {
    throw problem(error instanceof Error ? error.message : String(error))
  })
  if (!response.ok || !response.body) throw problem(`the server answered ${response.status}`)
  const encoded = response.headers.has('content-encoding')
  const total = encoded ? 0 : Number(response.headers.get('content-length') ?? 0)
  const parts: Uint8Array[] = []
  let loaded = 0
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    loaded += value.length
    say({ notice: 'progress', url, loaded, total })
  }
  const bytes = new Uint8Array(loaded)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
