/** `POST /v1/depth/stream`: the steps as events, what ends them, and what they hold on to. */
import { describe, expect, it } from 'vitest'
import { decodeDepthPng } from '../node/decode.ts'
import type { DepthModel } from '../predict/depth-model.ts'
import { DarError } from '../support/errors.ts'
import { createApp } from './app.ts'
import type { RequestLog } from './exchange.ts'
import type { ServedModel, ServedStep } from './served-model.ts'
import { HEIGHT, tinyServed, WIDTH } from './testing.ts'

const tiny = tinyServed()
const post = (): RequestInit => ({ method: 'POST', body: tiny.photo, headers: { 'content-type': 'image/jpeg' } })

/** The tiny model; `between` runs before each of its steps. */
function streaming(between: (step: number) => Promise<void> = async () => {}): ServedModel {
  const { name, config, batch } = tiny.model
  async function* stream(...[image, options]: Parameters<DepthModel['stream']>): AsyncGenerator<ServedStep> {
    for await (const step of tiny.model.stream(image, options)) {
      await between(step.step)
      yield step
    }
  }
  return { name, config, batch, predict: (image, options) => tiny.model.predict(image, options), stream }
}

interface Event {
  readonly event: string
  readonly data: Record<string, unknown>
}
const eventsOf = (text: string): Event[] =>
  text
    .split('\n\n')
    .filter((part) => part !== '')
    .map((part) => {
      const [event, data] = part.split('\n')
      return { event: event.replace('event: ', ''), data: JSON.parse(data.replace('data: ', '')) }
    })

describe('a stream', () => {
  it('has each step as a 16-bit PNG, the last equal to the map', async () => {
    const response = await createApp({ model: tiny.model }).app.request('/v1/depth/stream', post())
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const events = eventsOf(await response.text())
    const steps: ServedStep[] = []
    for await (const step of tiny.model.stream(tiny.photo)) steps.push(step)
    expect(events).toHaveLength(steps.length)
    for (const [i, { event, data }] of events.entries()) {
      const final = i === steps.length - 1
      expect([event, data.step, data.of, data.final, data.unit]).toEqual([
        'step',
        i + 1,
        steps.length,
        final,
        'millimetres',
      ])
      const map = await decodeDepthPng(Buffer.from(String(data.png), 'base64'))
      expect([map.width, map.height]).toEqual([WIDTH, HEIGHT])
      const millimetres = (depth: Float32Array) => [...depth].map((metres) => Math.round(1000 * metres))
      expect(millimetres(map.data)).toEqual(millimetres(steps[i].depth))
    }
  })

  it('that fails half way says so in an event, and nothing of the inside', async () => {
    const logged: RequestLog[] = []
    const model = streaming(async (step) => {
      if (step === 2) throw new DarError('the thread at /srv/secret ended', { kind: 'gone' })
    })
    const { app } = createApp({ model, log: (entry) => logged.push(entry) })
    const text = await (await app.request('/v1/depth/stream', post())).text()
    const [first, second, ...more] = eventsOf(text)
    expect([first.event, second.event, more]).toEqual(['step', 'error', []])
    expect(second.data).toMatchObject({ code: 'model-lost', status: 503 })
    expect(text).not.toContain('secret')
    expect(logged).toMatchObject([{ status: 200, code: 'model-lost' }])
  })

  it('that cannot begin is an ordinary problem', async () => {
    const wrong = await createApp({ model: streaming() }).app.request('/v1/depth/stream', {
      ...post(),
      body: 'no image',
    })
    expect([wrong.status, wrong.headers.get('content-type')]).toEqual([422, 'application/problem+json'])
    const { name, config, batch } = tiny.model
    const without = { name, config, batch, predict: streaming().predict }
    const response = await createApp({ model: without }).app.request('/v1/depth/stream', post())
    expect(await response.json()).toMatchObject({ code: 'not-implemented' })
  })

  it('that nobody reads any more holds its place no longer than its steps take', async () => {
    const { app } = createApp({ model: streaming(), limits: { maxQueue: 0 } })
    for (let i = 0; i < 4; i++) {
      const response = await app.request('/v1/depth/stream', post())
      await response.body?.cancel()
    }
    let status = 503
    while (status === 503) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      status = (await app.request('/v1/depth', post())).status
    }
    expect(status).toBe(200)
    expect(await (await app.request('/metrics')).text()).toContain('dar_body_bytes 0')
  })
})
