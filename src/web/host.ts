/** The worker's side: answers the requests of a page, one after another, as one engine runs one graph at a time. */
import type { RgbImage } from '../image/types.ts'
import type { Runner } from '../predict/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { HostedModel } from './hosted-model.ts'
import type { Numbered, Port, Reply, WebAnswers, WebRequest } from './protocol.ts'

/** What differs between a browser's worker and a test. */
export interface HostParts {
  /** Resolves when the engine is there. */
  readonly runner: Promise<Runner>
  /** The bytes of a file; throws a DarError that names it. */
  fetchBytes(url: string): Promise<Uint8Array>
  /** A photo's pixels; throws a DarError for what is no image. */
  decode(bytes: Uint8Array): Promise<RgbImage>
}

/** Serves a page through `port` until the worker ends. */
export function answerPage(port: Port<Numbered, Reply>, parts: HostParts): void {
  const models = new Map<string, HostedModel>()
  const modelOf = (name: string): HostedModel => {
    const model = models.get(name)
    if (!model) throw new DarError(`the model ${name} is not open; open it first`, { kind: 'gone' })
    return model
  }
  const answer = async (request: WebRequest): Promise<WebAnswers[WebRequest['kind']]> => {
    switch (request.kind) {
      case 'open': {
        // The engine and the file come at the same time.
        const [runner, bytes] = await Promise.all([parts.runner, parts.fetchBytes(request.url)])
        const { model: name, url } = request
        const opened = new HostedModel({ name, url, bytes, runner, decode: parts.decode })
        await models.get(name)?.model.dispose()
        models.set(name, opened)
        return { name, metric: opened.metric }
      }
      case 'predict':
        return modelOf(request.model).model.predictMaps(request.image, request.options)
      case 'tree':
        return modelOf(request.model).tree(request.x, request.y)
      case 'close': {
        const closed = models.get(request.model)
        models.delete(request.model)
        await closed?.model.dispose()
        return null
      }
    }
  }
  let last: Promise<unknown> = Promise.resolve()
  port.addEventListener('message', ({ data }) => {
    if (!('request' in data)) return // a message of the page's own
    const { id, request } = data
    const work = async () => {
      try {
        const result = await answer(request)
        port.postMessage({ id, answer: result }, request.kind === 'tree' ? [] : buffersIn(result))
      } catch (error) {
        const kind = error instanceof DarError ? error.kind : null
        port.postMessage({ id, error: { message: messageOf(error), kind } }, [])
      }
    }
    last = last.then(work)
  })
}

/** The memory of the arrays in an answer, each once: it moves to the page and is not copied. */
function buffersIn(value: unknown, found: Set<ArrayBuffer> = new Set()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer)
  } else if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) buffersIn(part, found)
  return [...found]
}
