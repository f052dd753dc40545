/** The app by its Requests and Responses: what goes in, what comes out, who may ask, and what an error tells. */
import { validateBytes } from 'gltf-validator'
import sharp from 'sharp'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { decodeNpy } from '../image/npy.ts'
import { decodeDepthPng } from '../node/decode.ts'
import { pngOfSize } from '../node/testing.ts'
import { DarError } from '../support/errors.ts'
import { type AppOptions, createApp } from './app.ts'
import { type Codec, inlineCodec } from './codec.ts'
import type { RequestLog } from './exchange.ts'
import type { ProblemBody } from './problem.ts'
import { HEIGHT, jpegOf, predicted, tinyServed, WIDTH } from './testing.ts'

const tiny = tinyServed()
const app = (options: Partial<AppOptions> = {}) => createApp({ model: tiny.model, ...options }).app
type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>
const logged: RequestLog[] = []
afterEach(() => {
  logged.length = 0
})
const log = (entry: RequestLog) => logged.push(entry)

const post = (headers: Record<string, string> = {}, body: Body = tiny.photo): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'image/jpeg', ...headers },
})
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer())
const problemOf = async (response: Response) => (await response.json()) as ProblemBody

/** What the library gives for the same photo. */
const expected = async () => (await predicted(tiny)).depth
/** Millimetres, as a PNG rounds them. */
const millimetres = (depth: Float32Array) => [...depth].map((metres) => Math.round(1000 * metres))

describe('POST /v1/depth', () => {
  it('answers a raw image with millimetres in a 16-bit PNG, and says in a header what they are', async () => {
    const response = await app().request('/v1/depth', post())
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('image/png')
    const { width, height, data } = await decodeDepthPng(await bytesOf(response))
    expect([width, height]).toEqual([WIDTH, HEIGHT])
    expect(millimetres(data)).toEqual(millimetres(await expected()))
    const info = JSON.parse(response.headers.get('x-depth-info') ?? '')
    expect(info).toMatchObject({
      model: 'tiny',
      unit: 'metre',
      width: WIDTH,
      height: HEIGHT,
      focal: { source: 'default' },
    })
  })

  it.each([
    ['application/x-npy', 'application/x-npy'],
    ['text/html, application/x-npy;q=0.5, image/png;q=0.1', 'application/x-npy'],
    ['image/png;depth=8', 'image/png'],
    ['application/json', 'application/json'],
    ['*/*', 'image/png'],
    ['', 'image/png'],
  ])('answers Accept: %s with %s', async (accept, type) => {
    const response = await app().request('/v1/depth', post({ accept }))
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
  })

  it('gives the same metres as npy and as base64', async () => {
    const depth = await expected()
    const npy = decodeNpy(await bytesOf(await app().request('/v1/depth?format=npy', post())))
    expect([npy.shape, npy.data]).toEqual([[HEIGHT, WIDTH], depth])
    const json = (await (await app().request('/v1/depth?format=json', post())).json()) as {
      depth: { base64: string; shape: number[] }
      range: { min: number; max: number }
    }
    expect(json.depth.shape).toEqual([HEIGHT, WIDTH])
    expect(new Float32Array(new Uint8Array(Buffer.from(json.depth.base64, 'base64')).buffer)).toEqual(depth)
    expect(json.range).toEqual({ min: Math.min(...depth), max: Math.max(...depth) })
  })

  it('draws a picture with a legend, in the colours that are asked for', async () => {
    const picture = async (query: string) => bytesOf(await app().request(`/v1/depth?format=color${query}`, post()))
    const { width, height, channels } = await sharp(await picture('')).metadata()
    expect([height, channels]).toEqual([HEIGHT, 3])
    expect(width).toBeGreaterThan(WIDTH)
    expect(await picture('&map=viridis&near=0.1&far=5')).not.toEqual(await picture(''))
  })

  it('makes a surface with the photo on it, which the validator of glTF accepts', async () => {
    const response = await app().request('/v1/depth', post({ accept: 'model/gltf-binary' }))
    expect(response.headers.get('content-type')).toBe('model/gltf-binary')
    const { issues, info } = await validateBytes(await bytesOf(response))
    expect(issues.messages.map(({ code }) => code)).toEqual(['IMAGE_NPOT_DIMENSIONS']) // a note: photos are of any size
    expect(info.resources.map(({ image }) => image?.width).filter(Boolean)).toEqual([WIDTH])
  })

  it('takes the photo of a form, with options as its fields', async () => {
    const form = new FormData()
    form.set('image', new Blob([tiny.photo]), 'photo.jpg')
    form.set('focal', '90')
    form.set('format', 'npy')
    const response = await app().request('/v1/depth', { method: 'POST', body: form })
    expect(response.headers.get('content-type')).toBe('application/x-npy')
    const { depth } = await predicted(tiny, { focal: 90 })
    expect(decodeNpy(await bytesOf(response)).data).toEqual(depth)
  })

  it('takes the photo as base64 in JSON, with options as its keys', async () => {
    const body = JSON.stringify({ image: Buffer.from(tiny.photo).toString('base64'), focal: 90, format: 'npy' })
    const response = await app().request('/v1/depth', post({ 'content-type': 'application/json' }, body))
    const { depth } = await predicted(tiny, { focal: 90 })
    expect(decodeNpy(await bytesOf(response)).data).toEqual(depth)
  })

  it.each<[string, string, Record<string, string>, (() => Body) | null, number, string]>([
    ['a format that is none', '?format=exr', {}, null, 400, 'bad-request'],
    ['an option that is none', '?focus=3', {}, null, 400, 'bad-request'],
    ['a focal length below 0', '?focal=-3', {}, null, 400, 'bad-request'],
    ['a size that is none', '?size=big', {}, null, 400, 'bad-request'],
    ['colours whose range is empty', '?format=color&near=5&far=2', {}, null, 400, 'bad-request'],
    ['a deadline that is no number', '', { 'x-deadline-ms': 'soon' }, null, 400, 'bad-request'],
    ['a type that cannot be made', '', { accept: 'text/html' }, null, 406, 'not-acceptable'],
    ['a body of another type', '', { 'content-type': 'text/plain' }, null, 415, 'unsupported-media-type'],
    [
      'an address instead of a photo',
      '',
      { 'content-type': 'application/json' },
      () => '{"image":"https://host/a.jpg"}',
      400,
      'bad-request',
    ],
    ['JSON that is none', '', { 'content-type': 'application/json' }, () => '{', 400, 'bad-request'],
    [
      'a form without a photo',
      '',
      { 'content-type': 'multipart/form-data; boundary=x' },
      () => '--x--\r\n',
      400,
      'bad-request',
    ],
    [
      'a form that is none',
      '',
      { 'content-type': 'multipart/form-data; boundary=x' },
      () => 'nothing',
      400,
      'bad-request',
    ],
    ['an empty body', '', {}, () => '', 422, 'unusable-image'],
    ['a text', '', {}, () => 'no image', 422, 'unusable-image'],
    ['half a photo', '', {}, () => tiny.photo.slice(0, 900), 422, 'unusable-image'],
    ['a focal length of no lens', '?focal=1e9', {}, null, 422, 'unusable-image'],
    ['an SVG', '', {}, () => '<svg xmlns="http://www.w3.org/2000/svg"/>', 422, 'unusable-image'],
  ])('refuses %s', async (_, query, headers, body, status, code) => {
    const response = await app().request(`/v1/depth${query}`, post(headers, body?.() ?? tiny.photo))
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const problem = await problemOf(response)
    expect(problem).toMatchObject({ status, code, type: `urn:dar-depth:problem:${code}` })
    expect(response.status).toBe(status)
    expect(problem.requestId).toBe(response.headers.get('x-request-id'))
    expect(problem.detail).not.toMatch(/safetensors|\/src\/|node_modules/)
  })

  it('judges pixels by the header, before one is decoded', async () => {
    const bomb = new Uint8Array(pngOfSize(30_000, 3000)) // 90 megapixels in a few bytes
    const response = await app().request('/v1/depth', post({}, bomb))
    expect(await problemOf(response)).toMatchObject({ status: 413, code: 'too-many-pixels' })
    const small = await app({ limits: { maxPixels: 50 * 50 } }).request('/v1/depth', post())
    expect((await problemOf(small)).code).toBe('too-many-pixels')
  })
})

describe('the body', () => {
  it('is counted as it arrives, whatever its headers say', async () => {
    const limits = { maxBody: 10_000 }
    let read = 0
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          read += 1000
          controller.enqueue(new Uint8Array(1000))
        },
      })
    for (const length of [undefined, '5', 'nonsense']) {
      read = 0
      const request = new Request('http://localhost/v1/depth', {
        method: 'POST',
        body: endless(),
        duplex: 'half',
      } as RequestInit)
      const headers = { 'content-type': 'image/jpeg', ...(length !== undefined && { 'content-length': length }) }
      const lying = Object.defineProperty(request, 'headers', { value: new Headers(headers) })
      const response = await app({ limits }).fetch(lying)
      expect((await problemOf(response)).code).toBe('body-too-large')
      expect(read).toBeLessThan(limits.maxBody + 3000)
    }
    const announced = await app({ limits }).request('/v1/depth', post({ 'content-length': '10001' }))
    expect(announced.status).toBe(413)
  })

  it('in many small parts is put together', async () => {
    let at = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(tiny.photo.slice(at, at + 7))
        at += 7
        if (at >= tiny.photo.length) controller.close()
      },
    })
    const request = new Request('http://localhost/v1/depth', { ...post({}, body), duplex: 'half' } as RequestInit)
    expect((await app().fetch(request)).status).toBe(200)
    const large = new Uint8Array(200_000).fill(1) // several blocks: read whole, and no photo
    expect((await app().request('/v1/depth', post({}, large))).status).toBe(422)
  })

  it('that never ends is given up', async () => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(10)) })
    const request = new Request('http://localhost/v1/depth', { ...post({}, body), duplex: 'half' } as RequestInit)
    const response = await app({ limits: { bodyTime: 20 } }).fetch(request)
    expect(await problemOf(response)).toMatchObject({ status: 408, code: 'body-too-slow' })
  })

  it('has no room where others fill the memory', async () => {
    const limits = { maxBody: 3000, maxBuffered: 3000, bodyTime: 60_000 }
    const server = app({ limits })
    let end = () => {}
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        end = () => controller.close()
        controller.enqueue(new Uint8Array(2900))
      },
    })
    const request = new Request('http://localhost/v1/depth', { ...post({}, body), duplex: 'half' } as RequestInit)
    const slow = server.fetch(request)
    await vi.waitFor(async () =>
      expect(await (await server.request('/metrics')).text()).toContain('dar_body_bytes 3000'),
    )
    const second = await server.request('/v1/depth', post({}, new Uint8Array(200)))
    expect(await problemOf(second)).toMatchObject({ status: 503, code: 'memory-full' })
    expect(second.headers.get('retry-after')).toBe('1')
    end()
    expect((await problemOf(await slow)).code).toBe('unusable-image')
    const third = await server.request('/v1/depth', post({}, new Uint8Array(200))) // the room is free again
    expect((await problemOf(third)).code).toBe('unusable-image')
  })
})

describe('who may ask', () => {
  it('is asked for the token everywhere but at health and descriptions', async () => {
    const guarded = app({ token: 'a long secret' })
    for (const headers of [
      {},
      { authorization: 'Bearer a long secre' },
      { authorization: 'Basic a long secret' },
      { authorization: 'Bearer' },
    ]) {
      const response = await guarded.request('/v1/depth', post(headers as Record<string, string>))
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    }
    for (const path of ['/metrics', '/v2', '/v2/models/tiny']) expect((await guarded.request(path)).status).toBe(401)
    for (const path of ['/v2/health/live', '/v2/health/ready', '/v2/models/tiny/ready', '/openapi.json', '/try'])
      expect((await guarded.request(path)).status).toBe(200)
  })

  it('sends the token', async () => {
    const guarded = app({ token: 's3cret-token' })
    expect((await guarded.request('/v1/depth', post({ authorization: 'Bearer s3cret-token' }))).status).toBe(200)
  })

  it('is no page of another origin, unless it was named', async () => {
    const origin = 'https://page.example'
    const refused = await app().request('/v1/depth', post({ origin }))
    expect((await problemOf(refused)).code).toBe('forbidden-origin')
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    expect((await app().request('/v1/depth', post({ origin: 'http://localhost' }))).status).toBe(200) // its own
    const named = app({ origins: [origin] })
    const allowed = await named.request('/v1/depth', post({ origin }))
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([200, origin])
    expect((await named.request('/v1/depth', post({ origin: 'https://other.example' }))).status).toBe(403)
    const preflight = await named.request('/v1/depth', { method: 'OPTIONS', headers: { origin } })
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET, POST'])
    expect(
      (await app({ origins: ['*'] }).request('/v2', { headers: { origin } })).headers.get(
        'access-control-allow-origin',
      ),
    ).toBe('*')
  })

  it('asks under a name of this machine, where only these are known', async () => {
    const local = app({ hosts: ['127.0.0.1', 'localhost'] })
    expect((await local.request('http://localhost:81/v2')).status).toBe(200)
    const response = await local.request('http://evil.example/v2')
    expect((await problemOf(response)).code).toBe('wrong-host')
  })
})

describe('an answer', () => {
  it('has the id that the client sent, if it is a word, else one of its own', async () => {
    const idOf = async (id: string) =>
      (await app().request('/v2', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
    expect(await idOf('abc-1.2:3')).toBe('abc-1.2:3')
    expect(await idOf('two words')).toMatch(/^[0-9a-f-]{36}$/)
    expect(await idOf('x'.repeat(129))).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('names the method that a path has, and knows paths that it has not', async () => {
    const wrong = await app().request('/v1/depth')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await app().request('/v1/nothing')).status).toBe(404)
    expect((await app().request('/v1/depth/%ff')).status).toBe(404)
    const head = await app().request('/v2', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  const failing = (error: unknown) => ({
    name: 'tiny',
    config: tiny.model.config,
    batch: 1,
    predict: () => Promise.reject(error),
  })
  const SECRET = 'cannot open /home/someone/secret.safetensors'

  it.each([
    ['no DarError', new Error(SECRET), 500, 'internal'],
    ['a missing file', new DarError(SECRET, { kind: 'missing' }), 500, 'internal'],
    ['a model', new DarError(SECRET, { kind: 'model' }), 500, 'internal'],
    ['the engine', new DarError(SECRET, { kind: 'engine' }), 500, 'internal'],
    ['an output', new DarError(SECRET, { kind: 'output' }), 500, 'internal'],
    ['a thread', new DarError(SECRET, { kind: 'gone' }), 503, 'model-lost'],
    ['memory', new DarError(SECRET, { kind: 'memory' }), 503, 'out-of-memory'],
  ])('of a failure of %s tells nothing of the inside, which is logged', async (_, cause, status, code) => {
    const response = await app({ model: failing(cause), log }).request('/v1/depth', post())
    const text = await response.text()
    expect([response.status, text.includes('secret')]).toEqual([status, false])
    expect(logged).toMatchObject([{ code, status, cause, id: response.headers.get('x-request-id') }])
  })

  it('tells a mistake in the photo by its kind, in whatever words', async () => {
    const response = await app({ model: failing(new DarError('words of another day')) }).request('/v1/depth', post())
    expect(await problemOf(response)).toMatchObject({ code: 'unusable-image', detail: 'words of another day' })
  })

  it('tells nothing of the same kind where it is not about the photo', async () => {
    const codec: Codec = { ...inlineCodec, do: () => Promise.reject(new DarError(SECRET)) }
    const response = await app({ codec }).request('/v1/depth', post())
    expect([response.status, (await response.text()).includes('secret')]).toEqual([500, false])
  })

  it('is counted', async () => {
    const server = app()
    await server.request('/v1/depth', post())
    await server.request('/v1/depth', post({}, 'no image'))
    const text = await (await server.request('/metrics')).text()
    expect(text).toContain('dar_request_duration_seconds_count{route="/v1/depth",status="200"} 1')
    expect(text).toContain('dar_problems_total{code="unusable-image"} 1')
    expect(text).toContain('dar_queue_depth 0')
    expect(text).toContain('dar_body_bytes 0')
    expect(text).toContain('dar_requests_in_flight 1') // this one
    for (const stage of ['queue', 'decode', 'run', 'encode'])
      expect(text).toContain(`dar_stage_duration_seconds_count{stage="${stage}"} 1`)
  })
})

it('a photo of another shape comes back at its own size', async () => {
  const response = await app().request('/v1/depth', post({}, await jpegOf(60, 90)))
  const { width, height } = await decodeDepthPng(await bytesOf(response))
  expect([width, height]).toEqual([60, 90])
})
