/**
 * The body of a request as bytes, within limits that hold whatever the headers say: bytes are counted as they arrive, the clock
 * runs until the last one, and all bodies in memory share one allowance.
 *
 * The bytes lie in one array that grows as they arrive, and the array before it is freed at once. So a body takes little
 * more than its size, and one that is refused little more than the limit. A request that announces too much is refused
 * before its first byte is read.
 */
import { freeMemory } from './free-memory.ts'
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
  const bytes = new GrowingBytes(announced ?? maxBody, memory)
  // A pending read ends with the stream.
  const late = stopwatch(bodyTime, signal, () => void reader.cancel().catch(() => {}))
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (late.reason !== null) throw late.reason
      if (done) break
      if (bytes.size + value.length > maxBody) throw tooLarge(maxBody)
      bytes.add(value)
    }
  } catch (error) {
    bytes.free()
    reader.cancel().catch(() => {}) // the rest is of no use, and the connection may be gone
    throw error instanceof Problem || signal.aborted ? error : new Problem('bad-request', 'the body broke off')
  } finally {
    late.stop()
  }
  const { held } = bytes
  let released = false
  return {
    bytes: bytes.all,
    release: () => {
      if (!released) memory.give(held)
      released = true
    },
  }
}

/** Of the first array. */
const LEAST = 2 ** 16
/** From one array to the next. The allocator keeps those before: 1/4 + 1/16 + … of the last one. */
const GROWTH = 4

/** Bytes in one array that grows: a body of single bytes takes no more memory than one of large parts. */
class GrowingBytes {
  size = 0
  private array = new Uint8Array(0)

  /** `expected`: the size that it will have, or may have at most. */
  constructor(
    private readonly expected: number,
    private readonly memory: BodyMemory,
  ) {}

  /** Bytes that are taken of the allowance. */
  get held(): number {
    return this.array.length
  }

  add(part: Uint8Array): void {
    const needed = this.size + part.length
    if (needed > this.array.length) this.grow(needed)
    this.array.set(part, this.size)
    this.size = needed
  }

  private grow(needed: number): void {
    const larger = Math.max(LEAST, needed, GROWTH * this.array.length)
    // 2 · larger ≥ expected: the last array, so that none of half its size is left behind in the allocator
    const length = needed <= this.expected && 2 * larger >= this.expected ? this.expected : larger
    this.memory.take(length - this.array.length)
    const { array } = this
    this.array = new Uint8Array(length)
    this.array.set(array.subarray(0, this.size))
    freeMemory(array)
  }

  get all(): Uint8Array<ArrayBuffer> {
    return this.array.subarray(0, this.size)
  }

  /** Gives everything back. */
  free(): void {
    this.memory.give(this.array.length)
    freeMemory(this.array)
    this.array = new Uint8Array(0)
    this.size = 0
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
