/**
 * Requests that wait for the model: so many are worked on at once, so many more wait in their order, and the next is told
 * to come back. One whose client has left, or whose deadline has passed, gives up its place at once.
 */
import { Problem } from './problem.ts'

/** How much a newer request counts in the mean time of one. */
const SHARE = 0.2
/** A client is never told to wait longer than this, seconds. */
const LONGEST_RETRY = 60

interface Waiting {
  readonly start: () => void
}

export class RequestQueue {
  private readonly waiting: Waiting[] = []
  private working = 0
  /** Of one request, milliseconds; 0 before the first. */
  private meanTime = 0

  /** `slots`: requests worked on at once. `most`: requests that wait. */
  constructor(
    private readonly slots: number,
    private readonly most: number,
  ) {}

  /** Requests that wait. */
  get depth(): number {
    return this.waiting.length
  }

  /** Requests that are worked on. */
  get running(): number {
    return this.working
  }

  /** Throws if a request that came now would be refused. It is asked before a body is read. */
  checkRoom(): void {
    if (this.working >= this.slots && this.waiting.length >= this.most) throw this.full()
  }

  /** @throws Problem `queue-full`, or the reason of `signal` when it is aborted before `work` began. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    this.checkRoom()
    if (this.working < this.slots) this.working++
    else await this.turn(signal)
    const begin = performance.now()
    try {
      return await work()
    } finally {
      const taken = performance.now() - begin
      this.meanTime = this.meanTime === 0 ? taken : (1 - SHARE) * this.meanTime + SHARE * taken
      this.pass()
    }
  }

  private turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.waiting.splice(this.waiting.indexOf(entry), 1)
        reject(signal.reason)
      }
      const entry: Waiting = {
        start: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.waiting.push(entry)
    })
  }

  /** The slot goes to the next that waits, and becomes free only when none does. */
  private pass(): void {
    const next = this.waiting.shift()
    if (next) next.start()
    else this.working--
  }

  private full(): Problem {
    // retryAfter = ⌈ requests before it · time of one / slots ⌉
    const seconds = ((this.waiting.length + this.working) * this.meanTime) / this.slots / 1000
    return new Problem('queue-full', `${this.waiting.length} requests wait already`, {
      retryAfter: Math.min(LONGEST_RETRY, Math.max(1, Math.ceil(seconds))),
    })
  }
}
