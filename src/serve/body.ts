/**
 * The body of a request as bytes, within limits that hold whatever the headers say: bytes are counted as they arrive, the clock
 * runs until the last one, and all bodies in memory share one allowance.
 *
 * The memory of one body grows by doubling, up to what the request announced or the limit: at most one and a half times
 * the limit while it grows. A request that announces too much is refused before its first byte is read.
 */
import type { Limits } from './limits.ts'
import { Problem } from './problem.ts'

const FIRST = 2 ** 16

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
  const most = Math.min(maxBody, announced ?? maxBody)
  let buffer = new Uint8Array(Math.min(most, FIRST))
  let size = 0
  const late = stopwatch(bodyTime, signal)
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late.passed])
      if (done) break
      if (size + value.length > maxBody) throw tooLarge(maxBody)
      memory.take(value.length)
      if (size + value.length > buffer.length) {
        const grown = new Uint8Array(Math.min(maxBody, Math.max(size + value.length, 2 * buffer.length)))
        grown.set(buffer.subarray(0, size))
        buffer = grown
      }
      buffer.set(value, size)
      size += value.length
    }
  } catch (error) {
    memory.give(size)
    reader.cancel().catch(() => {}) // the rest is of no use, and the connection may be gone
    throw error instanceof Problem || signal.aborted ? error : new Problem('bad-request', 'the body broke off')
  } finally {
    late.stop()
  }
  const held = size
  let released = false
  return {
    bytes: buffer.subarray(0, size),
    release: () => {
      if (!released) memory.give(held)
      released = true
    },
  }
}

const tooLarge = (most: number) => new Problem('body-too-large', `the body has more than ${most} bytes`)

/** null where the headers do not say. */
function announcedLength(headers: Headers): number | null {
  const text = headers.get('content-length')
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null
}

/** Rejects when the time is up, or when the signal is aborted. */
function stopwatch(milliseconds: number, signal: AbortSignal) {
  let stop = () => {}
  const passed = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason)
    const timer = setTimeout(
      () => reject(new Problem('body-too-slow', `the body was not there after ${milliseconds / 1000} s`)),
      milliseconds,
    )
    stop = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
  })
  passed.catch(() => {}) // nobody may be waiting for it
  return { passed, stop: () => stop() }
}
