/**
 * The server under load, on loopback, in processes of its own, by autocannon and raw sockets. Each row that is promised says whether it is
 * kept. All of it takes about four minutes.
 *
 * - load: goodput (photos answered a second) at the load that it can take, and at three times that load; how long its event loop waits;
 *   how fast a body that is too large is refused meanwhile; the same loop with photos of 12 megapixels, whose maps are 48 MB each;
 * - bodies: how fast bodies that are too large are refused, and what memory the largest cost;
 * - slow: health while 500 clients are slow;
 * - batch: photos a second through the model alone, in batches of 1, 2 and 4;
 * - restart: requests lost while instances of `dar serve` are replaced by SIGTERM (test/restart-drill.ts). The network works at a small
 *   size there, for there are 2,000 of them.
 *
 * Environment: DAR_SERVE_PARTS (all five, by comma), DAR_SERVE_MODEL (default dar-nano), DAR_SERVE_SECONDS of each load (15),
 * DAR_SERVE_REQUESTS of the restart (2000), DAR_SERVE_BATCH of the server (1), DAR_SERVE_THREADS (the cores, less one for the load). On a machine of
 * two cores the load and the server compete, so that figures of goodput are low.
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import sharp from 'sharp'
import { decodeImage, loadModel } from '../src/node/index.ts'
import { restartDrill, startInstance } from '../test/restart-drill.ts'
import { median, type Row } from './report.ts'
import { bar, GOODPUT } from './serve-bars.ts'
import { announcedRefusal, bodies, HEAD, open } from './serve-bodies.ts'
import { Server } from './serve-process.ts'

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise)
const SECONDS = number('DAR_SERVE_SECONDS', 15)
const REQUESTS = number('DAR_SERVE_REQUESTS', 2000)
const MODEL = process.env.DAR_SERVE_MODEL ?? 'dar-nano'
const SLOW = 500
const OPTIONS = {
  model: MODEL,
  threads: number('DAR_SERVE_THREADS', Math.max(1, availableParallelism() - 1)),
  batch: number('DAR_SERVE_BATCH', 1),
  maxBody: 16 * 2 ** 20,
}
/** Connections that keep the model busy, and leave the queue of 32 some room. */
const FULL = 16

const PARTS: Readonly<Record<string, (server: Server, photo: Buffer) => Promise<Row[]>>> = {
  load: underLoad,
  bodies,
  slow: slowClients,
}

export async function benchServe(): Promise<Row[]> {
  const wanted = process.env.DAR_SERVE_PARTS?.split(',') ?? [...Object.keys(PARTS), 'batch', 'restart']
  const photo = await readFile(new URL('../examples/coffee.jpg', import.meta.url))
  const rows: Row[] = []
  const measure = async (name: string, part: () => Promise<Row[]>) => {
    if (!wanted.includes(name)) return
    console.error(`serve: ${name} …`)
    rows.push(...(await part()))
  }
  if (wanted.some((name) => name in PARTS)) {
    const server = await Server.start(OPTIONS)
    await load(server, photo, { connections: 2, amount: 6 }) // compiles the programs
    for (const [name, part] of Object.entries(PARTS)) await measure(name, () => part(server, photo))
    await server.ask('drain')
  }
  await measure('batch', () => batches(photo))
  await measure('restart', () => restart(photo))
  return rows
}

interface Load {
  /** Photos answered a second. */
  readonly goodput: number
  /** Answers other than a map, and requests without an answer. */
  readonly refused: number
  readonly failed: number
}

async function load(server: Server, photo: Buffer, options: Partial<autocannon.Options>, query = ''): Promise<Load> {
  const begin = performance.now()
  const result = await autocannon({
    url: new URL(`v1/depth?${query}`, server.url).href,
    method: 'POST',
    headers: { 'content-type': 'image/jpeg' },
    body: photo,
    duration: SECONDS,
    timeout: 60,
    ...options,
  })
  const goodput = result['2xx'] / ((performance.now() - begin) / 1000)
  return { goodput, refused: result.non2xx, failed: result.errors }
}

async function underLoad(server: Server, photo: Buffer): Promise<Row[]> {
  await server.ask('reset')
  const { goodput: peak, refused, failed } = await load(server, photo, { connections: FULL })
  if (peak === 0) throw new Error(`no photo was answered in ${SECONDS} s; set DAR_SERVE_SECONDS`)
  if (refused + failed > 0) throw new Error(`${refused} photos were refused at full load, ${failed} not answered`)
  const full = await server.read()
  await server.ask('reset')
  // Three times the load, whether answers come or not; autocannon wants at least one request a second of each connection.
  const overallRate = Math.ceil(3 * peak)
  const refusals: number[] = []
  let over = true
  const probe = (async () => {
    for (; over; await sleep(200)) refusals.push(await announcedRefusal(server))
  })()
  const overload = await load(server, photo, { connections: Math.min(8 * FULL, overallRate), overallRate })
  over = false
  await probe
  const overloaded = await server.read()
  const large = await sharp(photo).resize(4000, 3000, { fit: 'fill' }).jpeg({ quality: 80 }).toBuffer()
  await server.ask('reset')
  const { goodput: largePhotos } = await load(server, large, { connections: 4 }, 'format=npy')
  const withLarge = await server.read()
  return [
    { name: 'photos a second at full load', value: peak, unit: '1/s' },
    bar('event loop at full load: p99', full.loopP99, 'loop'),
    { name: 'event loop at full load: longest', value: full.loopLongest, unit: 'ms' },
    { name: `photos a second at three times that load`, value: overload.goodput, unit: '1/s' },
    { name: 'requests refused at three times that load', value: overload.refused, unit: '' },
    { name: 'goodput at three times the load / peak', value: overload.goodput / peak, unit: '', target: GOODPUT },
    bar('event loop at three times the load: p99', overloaded.loopP99, 'loop'),
    bar('refusal of a body that announces too much meanwhile', median(refusals), 'overLimit'),
    { name: 'photos of 12 megapixels a second, as npy', value: largePhotos, unit: '1/s' },
    bar('event loop with photos of 12 megapixels: p99', withLarge.loopP99, 'loop'),
    { name: 'event loop with photos of 12 megapixels: longest', value: withLarge.loopLongest, unit: 'ms' },
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
  return [bar(`health beside ${SLOW} slow clients: longest of 100`, Math.max(...times), 'health')]
}

/** Whether photos of several requests should go through the network together: the model alone, on all cores. */
async function batches(photo: Buffer): Promise<Row[]> {
  const image = await decodeImage(photo)
  const rates = new Map<number, number>()
  for (const batch of [1, 2, 4]) {
    await using model = await loadModel(MODEL, { batch })
    /** Photos a second, `2 · batch` of them waiting at any time. */
    const rate = async (photos: number) => {
      let begun = 0
      const begin = performance.now()
      const one = async () => {
        while (begun++ < photos) await model.predict(image)
      }
      await Promise.all(Array.from({ length: 2 * batch }, one))
      return photos / ((performance.now() - begin) / 1000)
    }
    await rate(4 * batch) // compiles the programs
    rates.set(batch, median([await rate(16), await rate(16), await rate(16)]))
  }
  const [one = 0] = rates.values()
  return [...rates].flatMap(([batch, value]) => [
    { name: `batches of ${batch}, the model alone`, value, unit: 'photos/s' },
    ...(batch > 1 ? [{ name: `batches of ${batch} / one by one`, value: value / one, unit: '' }] : []),
  ])
}

async function restart(photo: Buffer): Promise<Row[]> {
  const { sent, lost, turned, codes } = await restartDrill({
    photo,
    requests: REQUESTS,
    clients: FULL,
    restarts: 3,
    query: 'size=96x72',
    start: () => startInstance(MODEL, '--threads', '1', '--notice', '1', '--deadline', '300'),
  })
  if (lost.length > 0) console.error(`lost: ${lost.slice(0, 10).join(', ')}`)
  return [
    { name: 'requests sent to the other instance', value: turned, unit: '' },
    bar(`requests lost of ${sent} through three restarts`, lost.length, 'lost'),
    { name: 'instances that did not end with 0', value: codes.filter((code) => code !== 0).length, unit: '', most: 0 },
  ]
}
