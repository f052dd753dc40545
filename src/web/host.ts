/** The worker's side: answers the requests of a page, one after another, as one engine runs one graph at a time. */
import { refuseWrongOnWebGpu } from '../model/index.ts'
import type { Runner, StreamedMaps } from '../predict/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import type { BitmapLike } from './browser.ts'
import type { HostParts } from './host-parts.ts'
import { HostedModel } from './hosted-model.ts'
import type { Numbered, Port, Progress, Reply, WebAnswers, WebImage, WebRequest } from './protocol.ts'

type Stream = AsyncGenerator<StreamedMaps, void, undefined>

/** Serves a page through `port` until the worker ends. */
export function answerPage(port: Port<Numbered, Reply>, parts: HostParts): void {
  const models = new Map<string, HostedModel>()
  const files = new Map<number, Promise<Uint8Array>>()
  const streams = new Map<number, Stream>()
  let started: (engine: ReturnType<HostParts['start']>) => void = () => {}
  const engine = new Promise<Awaited<ReturnType<HostParts['start']>>>((resolve) => {
    started = resolve
  })
  engine.catch(() => {}) // whoever asked for it is told

  const modelOf = (name: string): HostedModel => {
    const model = models.get(name)
    if (!model) throw new DarError(`the model ${name} is not open; open it first`, { kind: 'gone' })
    return model
  }
  const open = async (id: number, { model: name, url }: Extract<WebRequest, { kind: 'open' }>) => {
    const file = files.get(id)
    files.delete(id)
    if (!file) throw new Error(`internal error: the file of ${name} was not asked for`)
    // A model is read, and its graph made, while the engine is still on its way.
    const runner: Runner = {
      async load(compiled) {
        const { runner, report } = await engine
        if (report.provider === 'webgpu')
          refuseWrongOnWebGpu(opened.shapes, name, 'use the engine wasm (in the app: ?engine=wasm)')
        return runner.load(compiled)
      },
    }
    const opened: HostedModel = new HostedModel({ name, url, bytes: await file, runner, decode: parts.decode })
    await models.get(name)?.model.dispose()
    models.set(name, opened)
    return { name, metric: opened.metric }
  }
  const step = async (number: number): Promise<StreamedMaps> => {
    const stream = streams.get(number)
    if (!stream) throw new DarError('the stream has ended', { kind: 'gone' })
    try {
      const { value } = await stream.next()
      if (!value) throw new DarError('the stream has ended', { kind: 'gone' })
      if (value.final) await leave(number)
      return value
    } catch (error) {
      streams.delete(number)
      throw error
    }
  }
  const leave = async (number: number): Promise<null> => {
    const stream = streams.get(number)
    streams.delete(number)
    await stream?.return()
    return null
  }

  const answer = async ({ id, request }: Numbered): Promise<WebAnswers[WebRequest['kind']]> => {
    switch (request.kind) {
      case 'start':
        return (await engine).report
      case 'open':
        return open(id, request)
      case 'predict':
        return modelOf(request.model).model.predictMaps(request.image as Decodable, request.options)
      case 'stream': {
        const { model } = modelOf(request.model)
        streams.set(request.stream, model.streamMaps(request.image as Decodable, request.options))
        return step(request.stream)
      }
      case 'step':
        return step(request.stream)
      case 'leave':
        return leave(request.stream)
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
  const reply = async (numbered: Numbered) => {
    const { id, request } = numbered
    try {
      const result = await answer(numbered)
      port.postMessage({ id, answer: result }, request.kind === 'tree' ? [] : buffersIn(result))
    } catch (error) {
      const kind = error instanceof DarError ? error.kind : null
      port.postMessage({ id, error: { message: messageOf(error), kind } }, [])
    }
  }
  let last: Promise<unknown> = Promise.resolve()
  port.addEventListener('message', ({ data }) => {
    if (!('request' in data)) return // a message of the page's own
    const { id, request } = data
    if (request.kind === 'start') {
      started(parts.start(request.engine))
      void reply(data)
      return
    }
    // Files come in while the engine works on something else.
    if (request.kind === 'open') {
      const { url } = request
      const say = (progress: Progress) => port.postMessage({ progress }, [])
      const file = parts.fetchBytes(url, (loaded, total) => say({ url, loaded, total }))
      file.catch(() => {}) // its request is told
      files.set(id, file)
    }
    last = last.then(() => reply(data))
  })
}

/** What a `DepthModel` hands to its workplace as it is. */
type Decodable = Exclude<WebImage, BitmapLike>

/** The memory of the arrays in an answer, each once: it moves to the page and is not copied. */
function buffersIn(value: unknown, found: Set<ArrayBuffer> = new Set()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer)
  } else if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) buffersIn(part, found)
  return [...found]
}
