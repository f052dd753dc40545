/**
 * Bodies of the largest size and beyond: how fast one that is too large is refused, and what memory each kind takes of the server. The
 * bodies are no photos, so that no pixels are counted.
 */
import { connect, type Socket } from 'node:net'
import { median, type Row } from './report.ts'
import { bar } from './serve-bars.ts'
import type { Server } from './serve-process.ts'

const head = (type: string) => `POST /v1/depth HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\n`
/** The first lines of a request for the depth of a photo. */
export const HEAD = head('image/jpeg')

export function open({ url }: { readonly url: string }, text: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {}) // cut off by the server
  socket.write(text)
  return socket
}

/** Or cut off. */
const answered = (socket: Socket) =>
  new Promise<string>((resolve) =>
    socket.once('data', (bytes) => resolve(String(bytes))).once('close', () => resolve('')),
  )
const drained = (socket: Socket) => new Promise<void>((resolve) => socket.once('drain', resolve))

/** Milliseconds until a body that announces too much is refused. */
export async function announcedRefusal(server: Server): Promise<number> {
  const begin = performance.now()
  const socket = open(server, `${HEAD}Content-Length: ${2 * server.maxBody}\r\n\r\n`)
  await answered(socket)
  socket.destroy()
  return performance.now() - begin
}

/** Milliseconds from the byte after the limit, sent in chunks, to the answer. */
async function chunkedRefusal(server: Server): Promise<number> {
  const piece = Buffer.alloc(2 ** 16)
  const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
  const socket = open(server, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
  let refused = false
  const answer = answered(socket).then(() => {
    refused = true
  })
  let sent = 0
  // Up to the limit no answer is due; after it, every byte counts.
  let begin = 0
  while (!refused && sent < 4 * server.maxBody) {
    if (sent >= server.maxBody && begin === 0) begin = performance.now()
    if (!socket.write(chunk)) await Promise.race([drained(socket), answer])
    sent += piece.length
    await new Promise(setImmediate)
  }
  await answer
  socket.destroy()
  return performance.now() - (begin || performance.now())
}

/** A file that begins like a JPEG and is none. */
function noPhoto(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  bytes.set([0xff, 0xd8, 0xff, 0xe0])
  return bytes
}

/** Bodies of the largest size that is taken, by their media types. */
function largest(maxBody: number): Readonly<Record<string, () => readonly [type: string, body: Buffer]>> {
  return {
    'raw image': () => ['image/jpeg', noPhoto(maxBody)],
    form: () => {
      const before = '--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
      const after = '\r\n--b--\r\n'
      const file = noPhoto(maxBody - before.length - after.length)
      return ['multipart/form-data; boundary=b', Buffer.concat([Buffer.from(before), file, Buffer.from(after)])]
    },
    'JSON with base64': () => {
      const base64 = noPhoto(Math.floor((maxBody - 100) / 4) * 3).toString('base64')
      return ['application/json', Buffer.from(`{"image":"${base64}"}`)]
    },
  }
}

async function sendWhole(server: Server, type: string, body: Buffer): Promise<void> {
  const socket = open(server, `${head(type)}Content-Length: ${body.length}\r\n\r\n`)
  const answer = answered(socket)
  for (let at = 0; at < body.length; at += 2 ** 16)
    if (!socket.write(body.subarray(at, at + 2 ** 16))) await drained(socket)
  const text = await answer
  socket.destroy()
  if (!text.includes('unusable-image')) throw new Error(`the server said: ${text}`)
}

/** The most that `work` makes the memory of the server grow, of several times, over the limit of a body. */
async function growth(server: Server, times: number, work: () => Promise<unknown>): Promise<number> {
  const growths: number[] = []
  for (let i = 0; i < times; i++) {
    await server.ask('reset')
    await work()
    const { memoryBefore, memoryPeak } = await server.read()
    growths.push((memoryPeak - memoryBefore) / server.maxBody)
  }
  return Math.max(...growths)
}

export async function bodies(server: Server): Promise<Row[]> {
  const announced: number[] = []
  for (let i = 0; i < 20; i++) announced.push(await announcedRefusal(server))
  const chunked: number[] = []
  const refused = await growth(server, 5, async () => chunked.push(await chunkedRefusal(server)))
  const rows: Row[] = [
    bar('refusal of a body that announces too much', median(announced), 'overLimit'),
    bar('refusal of a body in chunks, after its limit', median(chunked), 'overLimit'),
    bar('memory by such a body in chunks / its limit', refused, 'memory'),
  ]
  for (const [name, make] of Object.entries(largest(server.maxBody))) {
    const [type, body] = make()
    const grown = await growth(server, 5, () => sendWhole(server, type, body))
    rows.push(bar(`memory by the largest body, ${name} / the limit`, grown, 'memory'))
  }
  return rows
}
