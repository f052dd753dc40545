/**
 * The body of a request of Node's http server as a stream, part by part as the socket gives it. Of a body of 32 MB that is read or
 * thrown away, no more than a part is garbage at any time: Node's own stream for this copies each part once more, and leaves both.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { freeMemory } from './free-memory.ts'

/** Each part is valid until the next one is asked for, and its memory is then freed. */
export function bodyStream(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let last: Uint8Array | null = null
  let stop = () => {}
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const onData = (part: Buffer) => {
          incoming.pause()
          last = part
          controller.enqueue(part)
        }
        const onEnd = () => {
          stop()
          controller.close()
        }
        const onClose = () => {
          stop()
          controller.error(incoming.errored ?? new Error('the body broke off'))
        }
        stop = () => {
          incoming.off('data', onData).off('end', onEnd).off('close', onClose)
          if (last) freeMemory(last)
          last = null
        }
        incoming.on('data', onData).once('end', onEnd).once('close', onClose)
        incoming.pause()
      },
      pull() {
        if (last) freeMemory(last)
        last = null
        incoming.resume()
      },
      cancel() {
        incoming.pause()
        stop()
      },
    },
    { highWaterMark: 0 },
  )
}

/**
 * After the answer: reads what is left of a body, so that the connection can be used again and a client that is still sending gets to
 * read its answer. One that sends for longer than `milliseconds`, or more than `most` bytes, is cut off.
 */
export function discardAfter(
  response: ServerResponse,
  incoming: IncomingMessage,
  { milliseconds, most }: { readonly milliseconds: number; readonly most: number },
): void {
  // Before Node's own listener, which would throw the rest away without freeing it.
  response.prependOnceListener('finish', () => {
    const isRead = incoming.readableEnded || (incoming.complete && incoming.readableLength === 0)
    if (isRead || incoming.destroyed) return
    const cut = () => incoming.socket.destroySoon()
    const timer = setTimeout(cut, milliseconds)
    timer.unref()
    let left = most
    const discard = (part: Buffer) => {
      left -= part.length
      freeMemory(part)
      if (left < 0) cut()
    }
    const stop = () => {
      clearTimeout(timer)
      incoming.off('data', discard)
    }
    incoming.on('data', discard).once('end', stop).once('close', stop)
    incoming.read(0) // tells Node that somebody reads
    incoming.resume()
  })
}
