/** A model whose thread dies, again and again: what a server's requests see of it. */
import type { Worker } from 'node:worker_threads'
import { expect, it, vi } from 'vitest'
import { MAP_ABOVE } from '../node/prediction-protocol.ts'
import { ThreadWorkplace } from '../node/thread-workplace.ts'
import { createDepthModel } from '../predict/depth-model.ts'
import { live } from '../runtime/engine.ts'
import type { NativeThread } from '../runtime/thread.ts'
import { DarError } from '../support/errors.ts'
import { createApp } from './app.ts'
import { ThreadCodec } from './codec.ts'
import { ModelKeeper } from './keeper.ts'
import { tinyServed } from './testing.ts'

const tiny = tinyServed()
const post = (): RequestInit => ({ method: 'POST', body: tiny.photo, headers: { 'content-type': 'image/jpeg' } })

/** The thread of `owner` dies while it has the next call: it destructures what it is sent, and ends with a TypeError when that is null. */
function crashInNextCall(owner: object): void {
  const thread = Reflect.get(owner, 'thread') as NativeThread<unknown, unknown>
  const worker = Reflect.get(thread, 'worker') as Worker
  vi.spyOn(thread, 'call').mockImplementationOnce((...call) => {
    worker.postMessage(null)
    return thread.call(...call)
  })
}

/** Loads as `loadModel` does, and keeps what the threads belong to. */
function loader() {
  const workplaces: ThreadWorkplace[] = []
  const load = async () => {
    const engine = { mapAbove: MAP_ABOVE, batch: 1, threads: 1, idle: 'spin', provider: 'cpu' } as const
    const workplace = new ThreadWorkplace({ nameOrPath: tiny.file, ...engine })
    workplaces.push(workplace)
    return createDepthModel(await workplace.open(), workplace)
  }
  return { workplaces, load }
}

it('a server goes on after any number of crashes, and each costs one request', { timeout: 120_000 }, async () => {
  const before = live.engines
  const { workplaces, load } = loader()
  const keeper = await ModelKeeper.open(load)
  const { app } = createApp({ model: keeper })
  expect((await app.request('/v1/depth', post())).status).toBe(200)
  for (let round = 1; round <= 3; round++) {
    crashInNextCall(workplaces[workplaces.length - 1])
    const responses = await Promise.all(Array.from({ length: 5 }, () => app.request('/v1/depth', post())))
    const failed = responses.filter(({ status }) => status !== 200)
    expect(failed.map(({ status }) => status)).toEqual([503])
    expect(failed[0].headers.get('retry-after')).toBe('1')
    expect(await failed[0].json()).toMatchObject({ code: 'model-lost' })
    expect((await app.request('/v1/depth', post())).status).toBe(200)
    expect(workplaces).toHaveLength(1 + round)
  }
  expect(await (await app.request('/metrics')).text()).toContain('dar_model_replacements_total 3')
  expect((await app.request('/v2/health/ready')).status).toBe(200)
  await keeper.dispose()
  expect(live.engines).toBe(before)
})

// `input` is what a model file that may not be read is.
it.each(['missing', 'input'] as const)(
  'a model that cannot be loaded again (%s) makes the server not ready, until it can',
  {
    timeout: 120_000,
  },
  async (kind) => {
    const { workplaces, load } = loader()
    let fails = false
    const keeper = await ModelKeeper.open(() =>
      fails ? Promise.reject(new DarError('no such file', { kind })) : load(),
    )
    const { app } = createApp({ model: keeper })
    fails = true
    crashInNextCall(workplaces[0])
    const first = await app.request('/v1/depth', post())
    expect(await first.json()).toMatchObject({ code: 'model-lost' })
    const second = await app.request('/v1/depth', post())
    expect([second.status, (await second.text()).includes('no such file')]).toEqual([500, false])
    expect((await app.request('/v2/health/ready')).status).toBe(503)
    fails = false
    let status = 0
    while (status !== 200) {
      status = (await app.request('/v1/depth', post())).status
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect((await app.request('/v2/health/ready')).status).toBe(200)
    await keeper.dispose()
  },
)

it('a codec whose thread dies has another for the next request', async () => {
  const codec = new ThreadCodec()
  const { app } = createApp({ model: tiny.model, codec })
  const first = await app.request('/v1/depth', post())
  expect(first.status).toBe(200)
  crashInNextCall(codec)
  const lost = await app.request('/v1/depth', post())
  expect([lost.status, lost.headers.get('retry-after')]).toEqual([503, '1'])
  expect((await app.request('/v1/depth', post())).status).toBe(200)
  await codec.dispose()
})
