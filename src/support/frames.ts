/**
 * Messages with bytes over a pipe between two processes: lengths, a value as JSON, the bytes.
 *
 *     json length, bytes length  (two 32-bit numbers, little endian)   JSON   bytes
 *
 * Bytes are received into memory of their own, so that they can be transferred to a worker thread.
 */
import type { Readable, Writable } from 'node:stream'

const HEAD = 8
const NOTHING = new Uint8Array(0)

export interface Frame {
  readonly about: unknown
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Resolves when the pipe has taken it; rejects when the other side is gone. */
export function writeFrame(pipe: Writable, about: unknown, bytes: Uint8Array = NOTHING): Promise<void> {
  const json = Buffer.from(JSON.stringify(about))
  const head = Buffer.alloc(HEAD)
  head.writeUInt32LE(json.length, 0)
  head.writeUInt32LE(bytes.length, 4)
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    pipe.write(Buffer.concat([head, json]), bytes.length === 0 ? done : undefined)
    if (bytes.length > 0) pipe.write(bytes, done)
  })
}

/** The messages of a pipe, until it is closed. One that is cut off by the end is left out. */
export async function* readFrames(pipe: Readable): AsyncGenerator<Frame, void, undefined> {
  let part = new Filling(HEAD)
  let json: Filling | null = null
  let lengths = { json: 0, bytes: 0 }
  let about: unknown
  for await (const chunk of pipe as AsyncIterable<Buffer>) {
    let rest: Uint8Array = chunk
    for (;;) {
      rest = part.take(rest)
      if (!part.isFull) break
      if (lengths.json === 0) {
        const head = Buffer.from(part.data.buffer)
        lengths = { json: head.readUInt32LE(0), bytes: head.readUInt32LE(4) }
        json = part = new Filling(lengths.json)
      } else if (part === json) {
        about = JSON.parse(Buffer.from(json.data.buffer).toString('utf8'))
        json = null
        part = new Filling(lengths.bytes)
      } else {
        yield { about, bytes: part.data }
        lengths = { json: 0, bytes: 0 }
        part = new Filling(HEAD)
      }
    }
  }
}

/** Memory of a known length that pieces are put into, one behind the other. */
class Filling {
  readonly data: Uint8Array<ArrayBuffer>
  private at = 0

  constructor(length: number) {
    this.data = new Uint8Array(length)
  }

  get isFull(): boolean {
    return this.at === this.data.length
  }

  /** Returns what is left over. */
  take(piece: Uint8Array): Uint8Array {
    const taken = piece.subarray(0, this.data.length - this.at)
    this.data.set(taken, this.at)
    this.at += taken.length
    return piece.subarray(taken.length)
  }
}
