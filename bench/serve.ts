/**
 * The server under load, on loopback, in a process of its own, by autocannon and raw sockets:
 *
 * - goodput (photos answered a second) at the load that it can take, and at three times that load;
 * - how long its event loop waits at full load;
 * - how fast a body that is too large is refused, announced or in chunks, and what memory it costs;
 * - health while 500 clients are slow;
 * - requests lost through a rolling restart of two servers behind a balancer that asks `/v2/health/ready`.
 *
 * Environment: DAR_SERVE_MODEL (default dar-nano), DAR_SERVE_SECONDS of each load (10), DAR_SERVE_REQUESTS of the restart (2000),
 * DAR_SERVE_BATCH (1), DAR_SERVE_THREADS (the cores, less one for the load). On a machine of two cores the load and the server compete, so that
 * figures of goodput are low.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { median, type Row } from './report.ts'
import type { ChildOptions, Question, Reading } from './serve-child.ts'

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise)
const SECONDS = number('DAR_SERVE_SECONDS', 10)
const REQUESTS = number('DAR_SERVE_REQUESTS', 2000)
const MAX_BODY = 16 * 2 ** 20
const SLOW = 500
const OPTIONS: ChildOptions = {
  model: process.env.DAR_SERVE_MODEL ?? 'dar-nano',
  threads: number('DAR_SERVE_THREADS', Math.max(1, availableParallelism() - 1)),
  batch: number('DAR_SERVE_BATCH', 1),
  maxBody: MAX_BODY,
}
/** Connections that keep the model busy, and leave the queue of 32 some room. */
const FULL = 16

/** Bars, in milliseconds but where a ratio is. */
const BARS = { loop: 20, overLimit: 10, health: 50, goodput: 0.9, memory: 2 }

class Server {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(): Promise<Server> {
    const script = fileURLToPath(new URL('serve-child.ts', import.meta.url))
    const child = fork(script, [JSON.stringify(OPTIONS)], { execArgv: ['--import', 'tsx'] })
    return new Server(child, String(await replyOf(child)))
  }

  ask(question: Question): Promise<unknown> {
    const reply = replyOf(this.child)
    this.child.send(question)
    return reply
  }

  async read(): Promise<Reading> {
    return (await this.ask('read')) as Reading
  }
}

function replyOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error('the server ended'))
    child.once('exit', onExit)
    child.once('message', ({ value }: { readonly value: unknown }) => {
      child.off('exit', onExit)
      resolve(value)
    })
  })
}

export async function benchServe(): Promise<Row[]> {
  const photo = await readFile(new URL('../examples/coffee.jpg', import.meta.url))
  const server = await Server.start()
  await send(server.url, photo) // compiles the program
  const rows: Row[] = []
  for (const [name, part] of Object.entries({ underLoad, overLimit, slowClients })) {
    console.error(`serve: ${name} …`)
    rows.push(...(await part(server, photo)))
  }
  await server.ask('drain')
  console.error('serve: restart …')
  return [...rows, ...(await restart(photo))]
}

/** Photos answered a second. */
async function load(server: Server, photo: Buffer, options: Partial<autocannon.Options>): Promise<number> {
  const result = await autocannon({
    url: new URL('v1/depth', server.url).href,
    method: 'POST',
    headers: { 'content-type': 'image/jpeg' },
    body: photo,
    duration: SECONDS,
    timeout: 60,
    ...options,
  })
  return result['2xx'] / result.duration
}

/** Three times the load that was answered, whether answers come or not; autocannon wants at least one request a second of each connection. */
function overload(peak: number): Partial<autocannon.Options> {
  const overallRate = Math.ceil(3 * peak)
  return { connections: Math.min(8 * FULL, overallRate), overallRate }
}

async function underLoad(server: Server, photo: Buffer): Promise<Row[]> {
  await server.ask('reset')
  const peak = await load(server, photo, { connections: FULL })
  if (peak === 0) throw new Error(`no photo was answered in ${SECONDS} s; set DAR_SERVE_SECONDS`)
  const { loopP99, loopLongest } = await server.read()
  await server.ask('reset')
  const over = await load(server, photo, overload(peak))
  const overloaded = await server.read()
  return [
    { name: 'photos a second at full load', value: peak, unit: '1/s' },
    { name: 'event loop at full load: p99', value: loopP99, unit: 'ms' },
    { name: 'event loop at full load: longest', value: loopLongest, unit: 'ms' },
    { name: `${BARS.loop} ms / p99 at full load`, value: BARS.loop / loopP99, unit: 'ratio', target: 1 },
    { name: 'photos a second at three times that load', value: over, unit: '1/s' },
    { name: 'goodput at three times the load / peak', value: over / peak, unit: 'ratio', target: BARS.goodput },
    { name: 'event loop at three times the load: p99', value: overloaded.loopP99, unit: 'ms' },
  ]
}

const HEAD = 'POST /v1/depth HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n'

function open({ url }: Server, text: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {}) // cut off by the server
  socket.write(text)
  return socket
}

/** Or cut off. */
const answered = (socket: Socket) =>
  new Promise<void>((resolve) => socket.once('data', () => resolve()).once('close', () => resolve()))
const drained = (socket: Socket) => new Promise<void>((resolve) => socket.once('drain', resolve))

async function overLimit(server: Server): Promise<Row[]> {
  const announced: number[] = []
  for (let i = 0; i < 20; i++) {
    const begin = performance.now()
    const socket = open(server, `${HEAD}Content-Length: ${2 * MAX_BODY}\r\n\r\n`)
    await answered(socket)
    announced.push(performance.now() - begin)
    socket.destroy()
  }
  const chunked: number[] = []
  const growths: number[] = []
  const piece = Buffer.alloc(2 ** 16)
  const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
  for (let i = 0; i < 5; i++) {
    await server.ask('reset')
    const socket = open(server, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
    let refused = false
    const answer = answered(socket).then(() => {
      refused = true
    })
    let sent = 0
    // Up to the limit no answer is due; after it, every byte counts.
    let begin = 0
    while (!refused && sent < 4 * MAX_BODY) {
      if (sent >= MAX_BODY && begin === 0) begin = performance.now()
      if (!socket.write(chunk)) await Promise.race([drained(socket), answer])
      sent += piece.length
      await new Promise(setImmediate)
    }
    await answer
    chunked.push(performance.now() - (begin || performance.now()))
    socket.destroy()
    const { memoryBefore, memoryPeak } = await server.read()
    growths.push((memoryPeak - memoryBefore) / MAX_BODY)
  }
  const growth = Math.max(...growths)
  return [
    { name: 'refusal of an announced body', value: median(announced), unit: 'ms' },
    { name: `${BARS.overLimit} ms / that`, value: BARS.overLimit / median(announced), unit: 'ratio', target: 1 },
    { name: 'refusal of a body in chunks, after its limit', value: median(chunked), unit: 'ms' },
    {
      name: `${BARS.overLimit} ms / that`,
      value: BARS.overLimit / Math.max(0.01, median(chunked)),
      unit: 'ratio',
      target: 1,
    },
    { name: 'memory growth by one such body / its limit, most of 5', value: growth, unit: 'ratio' },
    { name: `${BARS.memory} / that`, value: BARS.memory / Math.max(0.01, growth), unit: 'ratio', target: 1 },
  ]
}

async function slowClients(server: Server): Promise<Row[]> {
  const slow = Array.from({ length: SLOW }, (_, i) =>
    open(server, i % 2 ? 'GET /v2 HTTP/1.1\r\nHost: local' : `${HEAD}Content-Length: 5000\r\n\r\nhalf`),
  )
  await sleep(500)
  const times: number[] = []
  const health = new URL('v2/health/live', server.url)
  for (let i = 0; i < 100; i++) {
    const begin = performance.now()
    if (!(await fetch(health)).ok) throw new Error('health said no')
    times.push(performance.now() - begin)
  }
  for (const socket of slow) socket.destroy()
  const longest = Math.max(...times)
  return [
    { name: `health beside ${SLOW} slow clients: longest of 100`, value: longest, unit: 'ms' },
    { name: `${BARS.health} ms / that`, value: BARS.health / longest, unit: 'ratio', target: 1 },
  ]
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

function send(url: string, photo: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'image/jpeg', 'content-length': photo.length }
    request(new URL('v1/depth', url), { method: 'POST', headers, agent }, (response: IncomingMessage) => {
      response
        .on('end', () => resolve(response.statusCode ?? 0))
        .on('error', reject)
        .resume()
    })
      .on('error', reject)
      .end(photo)
  })
}

/**
 * Two servers; each is replaced by a new one while requests go on. The balancer sends to those that say that they are ready. A
 * request that is refused with 503 (a full queue) is sent again; everything else but 200 is lost.
 */
async function restart(photo: Buffer): Promise<Row[]> {
  const servers = await Promise.all([Server.start(), Server.start()])
  const ready = new Set(servers)
  const isReady = async ({ url }: Server) => {
    try {
      return (await fetch(new URL('v2/health/ready', url))).ok
    } catch {
      return false
    }
  }
  let looking = true
  const look = (async () => {
    while (looking) {
      for (const server of servers) (await isReady(server)) ? ready.add(server) : ready.delete(server)
      await sleep(50)
    }
  })()
  let [begun, lost] = [0, 0]
  const client = async () => {
    while (begun < REQUESTS) {
      const turn = begun++
      for (;;) {
        const [...choice] = ready
        if (choice.length === 0) {
          await sleep(20)
          continue
        }
        const status = await send(choice[turn % choice.length].url, photo).catch(() => 0)
        if (status === 503) {
          await sleep(100)
          continue
        }
        if (status !== 200) lost++
        break
      }
    }
  }
  const clients = Array.from({ length: FULL }, client)
  for (const part of [1, 2]) {
    while (begun < (part * REQUESTS) / 3) await sleep(50)
    const [old] = servers
    servers.push(await Server.start())
    await old.ask('announce')
    await sleep(500) // the balancer looks every 50 ms
    const cut = Number(await old.ask('drain'))
    lost += cut
    servers.splice(servers.indexOf(old), 1)
    ready.delete(old)
  }
  await Promise.all(clients)
  looking = false
  await look
  for (const server of servers) await server.ask('drain')
  agent.destroy()
  return [
    { name: `requests lost of ${REQUESTS} through two restarts`, value: lost, unit: '' },
    { name: 'none lost', value: lost === 0 ? 1 : 0, unit: '', target: 1 },
  ]
}
