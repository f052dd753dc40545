/**
 * The body of a request as bytes, within limits that hold whatever the headers say: bytes are counted as they arrive, the clock
 * runs until the last one, and all bodies in memory share one allowance.
 *
 * The bytes of a body are kept in blocks as they arrive and joined at its end, so that one that is refused has never taken more than the
 * limit. A request that announces too much is refused before its first byte is read.
 */
import type { Limits } from './limits.ts'
import { Problem } from './problem.ts'

/** The bytes of all bodies that are in memory. */
export class BodyMemory {
  private held = 0

  constructor(private readonly most: number) {}

  get bytes(): number {
    return this.held
  }

  take(bytes: number): void {
    if (this.held + bytes > this.most) throw new Problem('memory-full')
    this.held += bytes
  }

  give(bytes: number): void {
    this.held -= bytes
  }
}

/** A body in memory; `release` when it is used no more. */
export interface HeldBody {
  readonly bytes: Uint8Array<ArrayBuffer>
  release(): void
}

/** @throws Problem when it is too large, too slow, or there is no room for it. `signal` ends the wait with its reason. */
export async function readBody(
  request: Request,
  { maxBody, bodyTime }: Pick<Limits, 'maxBody' | 'bodyTime'>,
  { memory, signal }: { readonly memory: BodyMemory; readonly signal: AbortSignal },
): Promise<HeldBody> {
  const announced = announcedLength(request.headers)
  if (announced !== null && announced > maxBody) throw tooLarge(maxBody)
  const reader = request.body?.getReader()
  if (!reader) return { bytes: new Uint8Array(0), release: () => {} }
  const blocks = new Blocks()
  // A pending read ends with the stream.
  const late = stopwatch(bodyTime, signal, () => void reader.cancel().catch(() => {}))
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (late.reason !== null) throw late.reason
      if (done) break
      if (blocks.size + value.length > maxBody) throw tooLarge(maxBody)
      memory.take(value.length)
      blocks.add(value)
    }
  } catch (error) {
    memory.give(blocks.size)
    reader.cancel().catch(() => {}) // the rest is of no use, and the connection may be gone
    throw error instanceof Problem || signal.aborted ? error : new Problem('bad-request', 'the body broke off')
  } finally {
    late.stop()
  }
  const held = blocks.size
  let released = false
  return {
    bytes: blocks.joined(),
    release: () => {
      if (!released) memory.give(held)
      released = true
    },
  }
}

const BLOCK = 2 ** 16

/** Bytes in blocks: a body of single bytes takes no more memory than one of large parts. */
class Blocks {
  size = 0
  private readonly blocks: Uint8Array[] = []
  /** Of the last block. */
  private free = 0

  add(part: Uint8Array): void {
    let from = 0
    while (from < part.length) {
      if (this.free === 0) {
        this.blocks.push(new Uint8Array(BLOCK))
        this.free = BLOCK
      }
      const taken = part.subarray(from, from + this.free)
      this.blocks[this.blocks.length - 1].set(taken, BLOCK - this.free)
      this.free -= taken.length
      from += taken.length
    }
    this.size += part.length
  }

  joined(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.size)
    for (const [i, block] of this.blocks.entries()) bytes.set(block.subarray(0, this.size - i * BLOCK), i * BLOCK)
    return bytes
  }
}

const tooLarge = (most: number) => new Problem('body-too-large', `the body has more than ${most} bytes`)

/** null where the headers do not say. */
function announcedLength(headers: Headers): number | null {
  const text = headers.get('content-length')
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null
}

/** Calls `onLate` when the time is up or the signal is aborted; `reason` then says why. */
function stopwatch(milliseconds: number, signal: AbortSignal, onLate: () => void) {
  const late: { reason: unknown; stop: () => void } = { reason: null, stop: () => {} }
  const end = (reason: unknown) => {
    late.reason = reason
    onLate()
  }
  const onAbort = () => end(signal.reason)
  const timer = setTimeout(
    () => end(new Problem('body-too-slow', `the body was not there after ${milliseconds / 1000} s`)),
    milliseconds,
  )
  late.stop = () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort)
  return late
}
