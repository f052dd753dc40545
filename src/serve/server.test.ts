/** The server on a port, by raw sockets: slow and lying clients, limits on connections, and an end that loses nothing. */
import { type Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { type DepthServer, type ListenOptions, listen } from './server.ts'
import { HeldModel, tinyServed } from './testing.ts'

const tiny = tinyServed()
const servers: DepthServer[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) await server.drain({ grace: 0 })
})

async function start(options: Partial<ListenOptions> = {}): Promise<DepthServer> {
  const server = await listen({ model: tiny.model, port: 0, ...options })
  servers.push(server)
  return server
}

/** A connection on which `text` was sent. */
function open({ url }: DepthServer, text: string | Uint8Array = ''): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {}) // the server may cut it off
  sockets.push(socket)
  socket.write(text)
  return socket
}

/** All that the server says until it closes the connection. */
function untilClosed(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
    })
    socket.on('close', () => resolve(text))
  })
}

/** Resolves with what has come, as soon as `pattern` is in it. */
function until(socket: Socket, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      if (pattern.test(text)) resolve(text)
    })
    socket.on('close', () => reject(new Error(`closed after: ${text}`)))
  })
}

const HEAD = 'POST /v1/depth HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n'

/** The status of one photo, over a connection of its own or the agent's. */
function send({ url }: DepthServer, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'image/jpeg', 'content-length': tiny.photo.length }
    request(new URL('v1/depth', url), { method: 'POST', headers, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
      .on('error', reject)
      .end(tiny.photo)
  })
}
const statusOf = async ({ url }: DepthServer, path: string) => (await fetch(new URL(path, url))).status

describe('clients that are slow', () => {
  it('in any number leave health to answer', async () => {
    const server = await start()
    const asked = 'GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const slow = Array.from({ length: 500 }, (_, i) =>
      open(server, `${asked}${i % 2 ? 'GET /v2 HTTP/1.1\r\nHost: local' : `${HEAD}Content-Length: 5000\r\n\r\nhalf`}`),
    )
    await Promise.all(slow.map((socket) => until(socket, /"live":true/))) // all are connected, and half way in another request
    expect(await statusOf(server, 'v2/health/ready')).toBe(200)
    expect(await send(server)).toBe(200)
  })

  it('are closed when their headers take too long', async () => {
    const server = await start({ limits: { headersTime: 100 } })
    const slow = Array.from({ length: 5 }, () => open(server, 'GET /v2 HTTP/1.1\r\nHost: local'))
    for (const text of await Promise.all(slow.map(untilClosed)))
      expect(text).toMatch(/^HTTP\/1\.1 408 .*application\/problem\+json/s)
  })

  it('are told so when their body takes too long', async () => {
    const server = await start({ limits: { bodyTime: 100 } })
    const slow = Array.from({ length: 5 }, () => open(server, `${HEAD}Content-Length: 5000\r\n\r\nhalf`))
    for (const text of await Promise.all(slow.map((socket) => until(socket, /body-too-slow/))))
      expect(text).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('do not keep the server from ending', async () => {
    const server = await start()
    const [half, idle] = [open(server, 'GET /v2 HT'), open(server)]
    const closed = Promise.all([untilClosed(half), untilClosed(idle)])
    expect(await statusOf(server, 'v2/health/live')).toBe(200)
    expect(await server.drain()).toBe(0)
    expect(await closed).toEqual(['', ''])
  })

  it('are not more than a limit', async () => {
    const server = await start({ limits: { maxConnections: 3 } })
    const kept = Array.from({ length: 3 }, () =>
      open(server, 'GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    )
    await Promise.all(kept.map((socket) => until(socket, /"live":true/)))
    expect(await untilClosed(open(server, 'GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n'))).toBe('')
  })
})

describe('bodies', () => {
  it('in chunks are refused as soon as they are too large', async () => {
    const server = await start({ limits: { maxBody: 10_000 } })
    const socket = open(server, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
    const refused = until(socket, /body-too-large/)
    for (let i = 0; i < 3; i++) socket.write(`1000\r\n${'x'.repeat(0x1000)}\r\n`)
    expect(await refused).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('that announce too much are refused before they come, and no continuation is sent', async () => {
    const server = await start({ limits: { maxBody: 10_000 } })
    const plain = open(server, `${HEAD}Content-Length: 10001\r\n\r\n`)
    expect(await until(plain, /body-too-large/)).toMatch(/^HTTP\/1\.1 413 /)
    const polite = open(server, `${HEAD}Content-Length: 10001\r\nExpect: 100-continue\r\n\r\n`)
    expect(await until(polite, /body-too-large/)).toMatch(/^HTTP\/1\.1 413 /)
    const small = open(server, `${HEAD}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n`)
    await until(small, /^HTTP\/1\.1 100 /)
    small.write('abc')
    expect(await until(small, /unusable-image/)).toMatch(/HTTP\/1\.1 422 /)
  })

  it('that are refused leave the connection to the next request', async () => {
    const model = new HeldModel(tiny.model)
    const server = await start({ model, limits: { maxBody: 100_000, maxQueue: 0 } })
    const socket = open(server)
    const ask = (text: string, pattern: RegExp) => {
      const said = until(socket, pattern)
      socket.write(text)
      return said
    }
    const large = (length: number) => `${HEAD}Content-Length: ${length}\r\n\r\n${'x'.repeat(length)}`
    const chunks = `10000\r\n${'x'.repeat(0x10000)}\r\n`.repeat(4)
    expect(await ask(large(300_000), /body-too-large/)).toMatch(/^HTTP\/1\.1 413 /)
    expect(await ask(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`, /body-too-large/)).toMatch(
      /^HTTP\/1\.1 413 /,
    )
    const working = [send(server), send(server)]
    await model.until(2)
    expect(await ask(large(80_000), /queue-full/)).toMatch(/^HTTP\/1\.1 503 /)
    expect(await ask('GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n', /"live":true/)).toMatch(
      /^HTTP\/1\.1 200 /,
    )
    model.release()
    expect(await Promise.all(working)).toEqual([200, 200])
  })

  it('that go on after they were refused are cut off', async () => {
    const server = await start({ limits: { maxBody: 10_000, idleTime: 100 } })
    const socket = open(server, `${HEAD}Content-Length: 1000000\r\n\r\n`)
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 413 .*body-too-large/s)
  })

  it('whose length is a lie are read as they are framed', async () => {
    const server = await start()
    const short = open(server, `${HEAD}Content-Length: 3\r\n\r\nabcdefgh`) // the rest is no request
    expect(await untilClosed(short)).toMatch(/^HTTP\/1\.1 (422 .*HTTP\/1\.1 )?400 /s)
    const both = open(server, `${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`)
    expect(await untilClosed(both)).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('that are no HTTP get a problem that tells nothing', async () => {
    const server = await start()
    const text = await untilClosed(open(server, 'hello\r\n\r\n'))
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*"code":"bad-request"/s)
    const large = await untilClosed(
      open(server, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
    )
    expect(large).toMatch(/^HTTP\/1\.1 431 /)
  })
})

describe('a client that leaves', () => {
  it('in a stream stops it between two steps', async () => {
    const { name, config, batch } = tiny.model
    let [given, ended] = [0, false]
    /** The second step is asked for when the client has left. */
    async function* stream(...[image, options]: Parameters<typeof tiny.model.stream>) {
      const { signal } = options ?? {}
      if (!signal) throw new Error('no signal')
      try {
        for await (const step of tiny.model.stream(image, { signal })) {
          given++
          yield step
          if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        }
      } finally {
        ended = true
      }
    }
    const predict: HeldModel['predict'] = (image, options) => tiny.model.predict(image, options)
    const server = await start({ model: { name, config, batch, predict, stream } })
    const socket = open(server, `${HEAD.replace('depth', 'depth/stream')}Content-Length: ${tiny.photo.length}\r\n\r\n`)
    socket.write(tiny.photo)
    await until(socket, /event: step/)
    socket.destroy()
    const metrics = async () => (await fetch(new URL('metrics', server.url))).text()
    while (!/^dar_requests_in_flight 1$/m.test(await metrics())) await new Promise((resolve) => setTimeout(resolve, 10)) // the one that asks
    expect([given, ended]).toEqual([1, true])
    expect(await metrics()).toMatch(/^dar_problems_total\{code="client-left"\} 1$/m)
    expect(await metrics()).toMatch(/^dar_predictions_running 0$/m)
  })

  it('takes its request out of the queue', async () => {
    const model = new HeldModel(tiny.model)
    const server = await start({ model, limits: { maxQueue: 2 } })
    const working = [send(server), send(server)]
    await model.until(2)
    const leaving = [0, 1].map(() => {
      const socket = open(server, `${HEAD}Content-Length: ${tiny.photo.length}\r\n\r\n`)
      socket.write(tiny.photo)
      return socket
    })
    const depth = async () =>
      /^dar_queue_depth (\d+)$/m.exec(await (await fetch(new URL('metrics', server.url))).text())?.[1]
    while ((await depth()) !== '2') await new Promise((resolve) => setTimeout(resolve, 10))
    expect(await send(server)).toBe(503)
    for (const socket of leaving) socket.destroy()
    while ((await depth()) !== '0') await new Promise((resolve) => setTimeout(resolve, 10))
    model.release()
    expect(await Promise.all(working)).toEqual([200, 200])
    expect(model.asked).toBe(2)
  })
})

describe('drain', () => {
  it('answers every request that has arrived, and takes no more', { timeout: 120_000 }, async () => {
    const model = new HeldModel(tiny.model)
    const server = await start({ model, limits: { maxQueue: 100 } })
    const inFlight = async () =>
      Number(/^dar_requests_in_flight (\d+)$/m.exec(await (await fetch(new URL('metrics', server.url))).text())?.[1])
    const answers = Array.from({ length: 60 }, () => send(server))
    while ((await inFlight()) !== 61) await new Promise((resolve) => setTimeout(resolve, 10)) // this one too
    const drained = server.drain()
    await expect(statusOf(server, 'v2/health/live')).rejects.toThrow() // nobody listens
    model.release()
    const statuses = await Promise.all(answers)
    expect(statuses.filter((status) => status !== 200)).toEqual([])
    expect(await drained).toBe(0)
  })

  it('is announced: the server is not ready, still answers, and closes connections that it has', async () => {
    const server = await start()
    const kept = open(server, 'GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(kept, /"ready":true/)
    server.announceEnd()
    expect(await statusOf(server, 'v2/health/ready')).toBe(503)
    const rest = untilClosed(kept)
    kept.write('GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await rest).toMatch(/^HTTP\/1\.1 200 OK.*connection: close/is)
    expect(await send(server)).toBe(200)
    expect(await server.drain()).toBe(0)
  })

  it('says how many it cut off when its time is over', async () => {
    const model = new HeldModel(tiny.model)
    const server = await start({ model })
    const answers = Promise.allSettled([send(server), send(server)])
    await model.until(2)
    expect(await server.drain({ grace: 20 })).toBe(2)
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    model.release()
  })
})

it('a port that is taken is named', async () => {
  const { url } = await start()
  const port = Number(new URL(url).port)
  const error: unknown = await listen({ model: tiny.model, port }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DarError)
  expect((error as Error).message).toBe(
    `cannot serve on port ${port} of 127.0.0.1: it is in use; give another --port or --host`,
  )
})
