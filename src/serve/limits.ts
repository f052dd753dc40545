/** What one request, and all of them together, may take of the server. Every limit has a test. */
import { DarError } from '../support/errors.ts'

/** Bytes, pixels, milliseconds and counts. */
export interface Limits {
  /** Bytes of a request's body, counted as they arrive. */
  readonly maxBody: number
  /** Bytes of all bodies that are in memory at once. */
  readonly maxBuffered: number
  /** Pixels of an image, judged from its header before a pixel is decoded. */
  readonly maxPixels: number
  /** Requests that wait for the model; the next one is told to come back. */
  readonly maxQueue: number
  /** Milliseconds from a request's arrival to its answer, at most. A request may ask for less. */
  readonly deadline: number
  /** Milliseconds for a body to arrive whole. */
  readonly bodyTime: number
  /** Milliseconds for the headers of a request to arrive whole. */
  readonly headersTime: number
  /** Milliseconds that a connection without a request stays open. */
  readonly idleTime: number
  /** Connections that are open at once; one more is closed. */
  readonly maxConnections: number
}

const MB = 2 ** 20

export const DEFAULT_LIMITS: Limits = {
  maxBody: 32 * MB,
  maxBuffered: 256 * MB,
  maxPixels: 32e6,
  maxQueue: 32,
  deadline: 30_000,
  bodyTime: 30_000,
  headersTime: 10_000,
  idleTime: 5_000,
  maxConnections: 1000,
}

/** The default limits with others in their place. Throws a DarError for one that is no positive number, or that makes no sense. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  for (const [name, value] of set) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name))
      throw new DarError(`there is no limit ${name}; the limits are ${Object.keys(DEFAULT_LIMITS).join(', ')}`)
    const least = name === 'maxQueue' ? 0 : 1
    if (!(typeof value === 'number' && Number.isFinite(value) && value >= least))
      throw new DarError(`the limit ${name} is ${value}; give a number of at least ${least}`)
  }
  const limits = { ...DEFAULT_LIMITS, ...Object.fromEntries(set) }
  // One body of the largest size must fit.
  return { ...limits, maxBuffered: Math.max(limits.maxBuffered, limits.maxBody) }
}
