/** `POST /v1/depth` and `POST /v1/depth/stream`: a photo in, its depth map or its steps out. */
import { z } from 'zod'
import { depthJson } from './codec.ts'
import { depthOptions, readOptions, sizeOf, streamOptions } from './depth-options.ts'
import { checkStyle } from './encode.ts'
import { chooseFormat, FORMATS, formatsFor, mediaType } from './formats.ts'
import { Problem, problemBody, problemOf } from './problem.ts'
import { bytesResponse, type Call, type Content, type Parameter, type Route } from './route.ts'
import type { Service } from './service.ts'
import { serverSentEvent } from './step-event.ts'

const IMAGES = ['image/jpeg', 'image/png', 'image/webp', 'application/octet-stream'] as const

const BODY: Content = {
  'multipart/form-data': z.object({ image: z.string().describe('The photo, as a file') }).extend(depthOptions.shape),
  ...Object.fromEntries(IMAGES.map((type) => [type, 'binary' as const])),
  'application/json': depthJson.extend(depthOptions.shape),
}

const QUERY = (shape: Readonly<Record<string, z.ZodType>>): Parameter[] =>
  Object.entries(shape).map(([name, schema]) => ({ name, in: 'query', schema }))

const PROBLEMS = [
  'bad-request',
  'not-acceptable',
  'body-too-slow',
  'body-too-large',
  'too-many-pixels',
  'unsupported-media-type',
  'unusable-image',
  'queue-full',
  'memory-full',
  'model-lost',
  'out-of-memory',
  'deadline-exceeded',
] as const

const deadlineParameter: Parameter = {
  name: 'x-deadline-ms',
  in: 'header',
  description: 'Milliseconds after which the answer is of no use; the server has a limit of its own',
  schema: z.int().positive(),
}

/** What an answer's JSON holds. */
const answerJson = z.looseObject({
  model: z.string(),
  unit: z.enum(['metre', 'relative']),
  width: z.int(),
  height: z.int(),
  range: z.object({ min: z.number(), max: z.number() }),
  depth: z.object({
    dtype: z.literal('float32'),
    byteOrder: z.literal('little'),
    shape: z.array(z.int()),
    base64: z.string(),
  }),
  focal: z.looseObject({ source: z.enum(['given', 'exif', 'default']), millimetres35: z.number() }),
  networkSize: z.object({ width: z.int(), height: z.int() }),
  milliseconds: z.record(z.string(), z.number()),
  warnings: z.array(z.string()),
})

const INFO_HEADER = 'x-depth-info'

export function depthRoutes(service: Service): Route[] {
  const available = formatsFor(service.facts)
  const content: Content = Object.fromEntries(
    available.map((name) => [FORMATS[name].type, name === 'json' ? answerJson : ('binary' as const)]),
  )
  const depth: Route = {
    method: 'post',
    path: '/v1/depth',
    id: 'depth',
    tag: 'depth',
    summary: 'The depth map of a photo (JPEG, PNG or WebP), at the photo’s size',
    description: available.map((name) => `- \`${name}\`, \`${mediaType(name)}\`: ${FORMATS[name].about}`).join('\n'),
    parameters: [...QUERY(depthOptions.shape), deadlineParameter],
    body: BODY,
    answer: {
      description: 'The depth map, in the form that `format` or `Accept` names',
      content,
      headers: {
        'x-request-id': 'The request’s id, that of the client if it sent one',
        [INFO_HEADER]: 'JSON: unit, sizes, focal length, milliseconds and warnings',
      },
    },
    problems: PROBLEMS,
    async handle(call) {
      const asked = readOptions(depthOptions.partial(), Object.fromEntries(call.url.searchParams))
      const accept = call.request.headers.get('accept')
      chooseFormat(accept, asked.format, available) // known before a body is read
      const { image, given } = await photoOf(service, call)
      const options = readOptions(depthOptions, { ...given, ...Object.fromEntries(call.url.searchParams) })
      const format = chooseFormat(accept, options.format, available)
      const { focal, size, map: colours, near, far } = options
      const style = { map: colours, near, far }
      asBadRequest(() => checkStyle(style))
      const map = await service.predict(call, image, { focal, size: sizeOf(size) })
      const info = service.infoOf(map)
      const bytes = await service.encode({
        format,
        info,
        depth: map.depth,
        style,
        ...(format === 'glb' && { photo: image }),
      })
      return bytesResponse(bytes, {
        'content-type': FORMATS[format].type,
        [INFO_HEADER]: asciiJson(info),
        vary: 'accept',
      })
    },
  }
  const stream: Route = {
    method: 'post',
    path: '/v1/depth/stream',
    id: 'depthStream',
    tag: 'depth',
    summary: 'Each coarse-to-fine step of a photo’s depth map as soon as it is ready',
    description:
      'Server-sent events. `step`: `{ step, of, final, width, height, unit: "millimetres", png }`, where `png` is a 16-bit grey PNG in base64. `error`: a problem, after which nothing comes.',
    parameters: [...QUERY(streamOptions.shape), deadlineParameter],
    body: BODY,
    answer: { description: 'Events, one for each step', content: { 'text/event-stream': 'text' } },
    problems: [...PROBLEMS, 'not-implemented'],
    async handle(call) {
      if (!service.facts.streams) throw new Problem('not-implemented', 'this model gives no steps in metres')
      const { image, given } = await photoOf(service, call)
      const { focal, size } = readOptions(streamOptions, { ...given, ...Object.fromEntries(call.url.searchParams) })
      return eventStream(call, async (send, begin) => {
        await service.stream(
          call,
          image,
          { focal, size: sizeOf(size) },
          {
            onStart: begin,
            onStep: async (step) => send(await service.encodeStep(step)),
          },
        )
      })
    },
  }
  return [depth, stream]
}

/** The photo of a request, and the options beside it. */
async function photoOf(service: Service, call: Call): Promise<{ readonly image: Uint8Array; readonly given: Given }> {
  const contentType = call.request.headers.get('content-type') ?? ''
  const type = contentType.split(';')[0].trim().toLowerCase()
  if (type === 'application/json') {
    const { image, options } = await service.parse<'depth-json'>({
      kind: 'depth-json',
      bytes: await service.bodyOf(call),
    })
    return { image, given: options }
  }
  if (type === 'multipart/form-data') {
    const { image, options } = await service.parse<'form'>({
      kind: 'form',
      bytes: await service.bodyOf(call),
      contentType,
    })
    return { image, given: options }
  }
  if (IMAGES.some((known) => known === type)) return { image: await service.bodyOf(call), given: {} }
  throw new Problem(
    'unsupported-media-type',
    `a body is ${Object.keys(BODY).join(', ')}; this one is ${type || 'of no stated type'}`,
  )
}

type Given = Readonly<Record<string, unknown>>

function asBadRequest(check: () => void): void {
  try {
    check()
  } catch (error) {
    throw new Problem('bad-request', error instanceof Error ? error.message : '')
  }
}

/** A header holds ASCII alone. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

type Send = (event: Uint8Array) => void

/**
 * An answer of server-sent events. It begins when `work` says so: a failure before that is an ordinary problem, one after it an
 * event. What the client does not read waits in memory, at most one map for each step. When it
 * leaves, no further step is computed.
 */
function eventStream(call: Call, work: (send: Send, begin: () => void) => Promise<void>): Promise<Response> {
  return new Promise((resolve, reject) => {
    let sink: ReadableStreamDefaultController<Uint8Array> | null = null
    const send: Send = (event) => sink?.enqueue(event)
    const done = call.hold()
    let begun = false
    const begin = () => {
      begun = true
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          sink = controller
        },
        cancel: () => {
          sink = null
          call.abandon()
        },
      })
      resolve(
        new Response(body, {
          headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
        }),
      )
    }
    work(send, begin)
      .catch((error: unknown) => {
        if (!begun) return reject(error)
        const problem = problemOf(error)
        call.report(problem)
        send(serverSentEvent('error', problemBody(problem, call.id)))
      })
      .finally(() => {
        sink?.close()
        sink = null
        done()
      })
  })
}
