/** The end of a request: its client leaves, or its time is up, whichever comes first. Both abort one signal, with a `Problem`. */
import { Problem } from './problem.ts'

const DEADLINE_HEADER = 'x-deadline-ms'

export interface Deadline {
  readonly signal: AbortSignal
  /** The client leaves. */
  leave(): void
  /** Forgets the clock and the client. */
  end(): void
}

/** `most`: milliseconds that no request may exceed. */
export function deadlineOf(request: Request, most: number): Deadline {
  const stop = new AbortController()
  const allowed = Math.min(most, askedFor(request.headers.get(DEADLINE_HEADER)) ?? most)
  const timer = setTimeout(
    () => stop.abort(new Problem('deadline-exceeded', `it was not answered within ${allowed} ms`)),
    allowed,
  )
  const onLeave = () => stop.abort(new Problem('client-left'))
  const { signal } = request
  if (signal.aborted) onLeave()
  else signal.addEventListener('abort', onLeave, { once: true })
  return {
    signal: stop.signal,
    leave: onLeave,
    end: () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onLeave)
    },
  }
}

function askedFor(text: string | null): number | null {
  if (text === null) return null
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw new Problem('bad-request', `${DEADLINE_HEADER} is no whole number of milliseconds above 0`)
  return Number(text)
}
