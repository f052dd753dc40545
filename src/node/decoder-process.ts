/**
 * Decodes photos in a process of its own. Decoders are large libraries in C, and a file that none of us has seen may end the process that
 * reads it. Here that costs the photo: the process is started anew, and the photos that were in it are decoded again, each alone. The
 * one that ends it again is the culprit.
 *
 * One process serves any number of callers; it decodes on threads of its own. Pixels come through a pipe into memory that may be
 * transferred. A process without a photo does not keep its owner alive. Left out: what is encoded and written, which is made of our own pixels.
 */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { resolve as absolute } from 'node:path'
import type { RgbImage } from '../image/types.ts'
import { assert, DarError, messageOf } from '../support/errors.ts'
import { readFrames, writeFrame } from '../support/frames.ts'
import { startProcess } from '../support/processes.ts'
import type { PhotoHeader } from './decode.ts'
import type { DecodeAnswer, DecodeRequest } from './decoder-protocol.ts'

/** Reads a photo: `decodeImage`, or one that does it elsewhere. */
export type DecodeFile = (source: string | Uint8Array, options?: { readonly name?: string }) => Promise<RgbImage>
/** Reads the header of a photo: `decodeHeader`, or one that does it elsewhere. */
export type DecodeHeader = (source: string | Uint8Array, options?: { readonly name?: string }) => Promise<PhotoHeader>

type Answered = Exclude<DecodeAnswer, { failure: unknown }>

interface Waiting {
  readonly request: DecodeRequest
  readonly bytes?: Uint8Array
  readonly resolve: (answer: Answered, data: Uint8Array<ArrayBuffer>) => void
  readonly reject: (error: Error) => void
  /** It was there when a process ended, so nothing else may be while it is tried again. */
  isSuspect: boolean
}

export class DecoderProcess {
  private child: ChildProcess | null = null
  private readonly queue: Waiting[] = []
  private readonly sent = new Map<number, Waiting>()
  private nextId = 1
  private disposed = false

  /** The number of the process that decodes now; null before the first photo. */
  get pid(): number | null {
    return this.child?.pid ?? null
  }

  /** As `decodeImage`. Throws a DarError too when the photo ends the process that decodes it. */
  readonly decode: DecodeFile = (source, options) =>
    this.ask('image', source, options, (answer, data) => {
      assert('image' in answer, 'an answer without an image')
      return { ...answer.image, data }
    })

  /** As `decodeHeader`, and as `decode`. */
  readonly decodeHeader: DecodeHeader = (source, options) =>
    this.ask('header', source, options, (answer) => {
      assert('header' in answer, 'an answer without a header')
      return answer.header
    })

  private ask<T>(
    want: DecodeRequest['want'],
    source: string | Uint8Array,
    { name }: { readonly name?: string } = {},
    read: (answer: Answered, data: Uint8Array<ArrayBuffer>) => T,
  ): Promise<T> {
    if (this.disposed) return Promise.reject(new DarError('the decoder was disposed', { kind: 'gone' }))
    const isPath = typeof source === 'string'
    const request = {
      id: this.nextId++,
      want,
      name: name ?? (isPath ? source : 'the image'),
      // Absolute: the process keeps the working folder that it was started in.
      ...(isPath && { path: absolute(source) }),
    }
    return new Promise((resolve, reject) => {
      this.queue.push({
        request,
        ...(!isPath && { bytes: source }),
        resolve: (answer, data) => resolve(read(answer, data)),
        reject,
        isSuspect: false,
      })
      this.pump()
    })
  }

  /** Starts the process before the first photo comes. */
  start(): void {
    if (this.child) return
    this.child = this.started()
    this.keepOwnerAlive(false)
  }

  private pump(): void {
    for (;;) {
      const [next] = this.queue
      const isTrying = [...this.sent.values()].some(({ isSuspect }) => isSuspect)
      if (!next || isTrying || (next.isSuspect && this.sent.size > 0)) break
      this.queue.shift()
      this.sent.set(next.request.id, next)
      this.start()
      assert(this.child?.stdin, 'a decoder without a pipe')
      // A process that ended meanwhile is noticed by `ended`.
      void writeFrame(this.child.stdin, next.request, next.bytes).catch(() => {})
    }
    this.keepOwnerAlive(this.sent.size > 0)
  }

  /** Whether the process, and the pipes to it, hold this one back from its end. */
  private keepOwnerAlive(whether: boolean): void {
    const { child } = this
    // Pipes of a process are sockets, which its type does not say.
    for (const handle of [child, child?.stdin as Socket | null, child?.stdout as Socket | null])
      whether ? handle?.ref() : handle?.unref()
  }

  private started(): ChildProcess {
    const child = startProcess('decoder-child', import.meta.url, { stdio: ['pipe', 'pipe', 'inherit'] })
    let failure: Error | null = null
    child.on('error', (error) => {
      failure = error
    })
    child.stdin?.on('error', () => {})
    child.on('close', (code, signal) => this.ended(failure ? messageOf(failure) : (signal ?? `code ${code}`)))
    void this.listen(child)
    return child
  }

  private async listen({ stdout }: ChildProcess): Promise<void> {
    assert(stdout, 'a decoder without a pipe')
    try {
      for await (const { about, bytes } of readFrames(stdout)) this.settle(about as DecodeAnswer, bytes)
    } catch {
      // It is torn when the process ends, which `ended` is told.
    }
  }

  private settle(answer: DecodeAnswer, data: Uint8Array<ArrayBuffer>): void {
    const waiting = this.sent.get(answer.id)
    if (!waiting) return
    this.sent.delete(answer.id)
    if ('failure' in answer) {
      const { message, kind } = answer.failure
      waiting.reject(kind === null ? new Error(message) : new DarError(message, { kind }))
    } else waiting.resolve(answer, data)
    this.pump()
  }

  private ended(how: string): void {
    this.child = null
    const lost = [...this.sent.values()]
    this.sent.clear()
    // Alone with the process, now or at the second time: it was this one.
    if (lost.length === 1) lost[0].reject(crashed(lost[0].request.name, how))
    else for (const waiting of lost) waiting.isSuspect = true
    if (lost.length > 1) this.queue.unshift(...lost)
    this.pump()
  }

  /** Ends the process. What waits is rejected. */
  async dispose(): Promise<void> {
    this.disposed = true
    const gone = new DarError('the decoder was disposed', { kind: 'gone' })
    for (const { reject } of [...this.sent.values(), ...this.queue.splice(0)]) reject(gone)
    this.sent.clear()
    const { child } = this
    if (!child) return
    child.ref()
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
    child.stdin?.destroy()
    child.stdout?.destroy()
    child.kill('SIGKILL')
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

function crashed(name: string, how: string): DarError {
  // SIGKILL is how a system without memory ends a process; the same photo may do well elsewhere or later.
  if (how === 'SIGKILL')
    return new DarError(`${name}: the decoder was killed while it read it: is memory short?`, { kind: 'memory' })
  return new DarError(
    `${name} ended its decoder (${how}): it is damaged in a way that the decoder does not stand; copy or download it again, or convert it with another program`,
  )
}
