/** The queue alone, and as requests meet it. */
import { describe, expect, it, vi } from 'vitest'
import { createApp } from './app.ts'
import { Problem } from './problem.ts'
import { RequestQueue } from './queue.ts'
import { HeldModel, tinyServed } from './testing.ts'

/** Work that ends when it is told to. */
function controlled() {
  let end = () => {}
  const done = new Promise<void>((resolve) => {
    end = resolve
  })
  return { end, work: () => done }
}
const never = new AbortController().signal

describe('RequestQueue', () => {
  it('runs so many at once, the others in their order, and refuses the next', async () => {
    const queue = new RequestQueue(2, 2)
    const order: number[] = []
    const parts = Array.from({ length: 4 }, controlled)
    const runs = parts.map(({ work }, i) =>
      queue.run(never, async () => {
        order.push(i)
        await work()
      }),
    )
    await Promise.resolve()
    expect([order, queue.running, queue.depth]).toEqual([[0, 1], 2, 2])
    expect(() => queue.checkRoom()).toThrow(Problem)
    await expect(queue.run(never, async () => {})).rejects.toMatchObject({ code: 'queue-full', retryAfter: 1 })
    for (const { end } of parts) end()
    await Promise.all(runs)
    expect([order, queue.running, queue.depth]).toEqual([[0, 1, 2, 3], 0, 0])
  })

  it('lets one that is given up out of the queue, and keeps the others', async () => {
    const queue = new RequestQueue(1, 5)
    const first = controlled()
    const running = queue.run(never, first.work)
    const stop = new AbortController()
    const reason = new Error('gone')
    const given = queue.run(stop.signal, async () => 'never')
    const kept = queue.run(never, async () => 'kept')
    expect(queue.depth).toBe(2)
    stop.abort(reason)
    await expect(given).rejects.toBe(reason)
    expect(queue.depth).toBe(1)
    await expect(queue.run(stop.signal, async () => 'never')).rejects.toBe(reason)
    first.end()
    expect([await running, await kept, queue.running]).toEqual([undefined, 'kept', 0])
  })

  it('frees its place when work fails', async () => {
    const queue = new RequestQueue(1, 0)
    await expect(queue.run(never, () => Promise.reject(new Error('x')))).rejects.toThrow('x')
    expect(await queue.run(never, async () => 1)).toBe(1)
  })
})

describe('requests at a full queue', () => {
  const tiny = tinyServed()
  const start = (maxQueue: number) => {
    const model = new HeldModel(tiny.model)
    const { app, service } = createApp({ model, limits: { maxQueue } })
    const send = (init: RequestInit = {}) =>
      app.request('/v1/depth', { method: 'POST', body: tiny.photo, headers: { 'content-type': 'image/jpeg' }, ...init })
    const depth = async () => /^dar_queue_depth (\d+)$/m.exec(await service.metrics.registry.metrics())?.[1]
    const waiting = (count: number) => vi.waitFor(async () => expect(await depth()).toBe(String(count)))
    return { model, app, send, waiting }
  }

  it('are told to come back, before their body is read; those that wait are answered', async () => {
    const { model, app, send, waiting } = start(1)
    const accepted = [send(), send(), send()]
    await model.until(2)
    await waiting(1)
    let read = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          read++
          controller.enqueue(new Uint8Array(10))
        },
      },
      { highWaterMark: 0 },
    )
    const headers = { 'content-type': 'image/jpeg' }
    const refused = await app.fetch(
      new Request('http://localhost/v1/depth', { method: 'POST', body, headers, duplex: 'half' } as RequestInit),
    )
    expect([refused.status, read]).toEqual([503, 0])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(await refused.json()).toMatchObject({ code: 'queue-full' })
    model.release()
    expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await send()).status).toBe(200)
  })

  it('whose client leaves make room for others', async () => {
    const { model, send, waiting } = start(1)
    const accepted = [send(), send()]
    await model.until(2)
    const leaving = new AbortController()
    const left = send({ signal: leaving.signal })
    await waiting(1)
    expect((await send()).status).toBe(503)
    leaving.abort()
    expect((await left).status).toBe(499) // nobody reads it
    await waiting(0)
    const next = send()
    await waiting(1)
    model.release()
    expect((await Promise.all([...accepted, next])).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(model.asked).toBe(3) // the model never saw the one that left
  })

  it('that are not answered by their deadline are given up, waiting or not', async () => {
    const { model, send, waiting } = start(5)
    const within = (milliseconds: number) => ({
      headers: { 'content-type': 'image/jpeg', 'x-deadline-ms': `${milliseconds}` },
    })
    // Long enough for these two to reach the model, which holds them; the third has to wait.
    const [first, second] = [send(within(1500)), send(within(1500))]
    await model.until(2)
    const third = await send(within(40))
    expect(third.status).toBe(504)
    expect(await third.json()).toMatchObject({ code: 'deadline-exceeded' })
    await waiting(0)
    await vi.waitFor(() => expect(model.signals.map((signal) => signal?.aborted)).toEqual([true, true]), 10_000)
    model.release()
    for (const response of await Promise.all([first, second])) expect(response.status).toBe(504)
    expect((await send()).status).toBe(200)
  })
})
