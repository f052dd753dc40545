/** Work that a signal ends. */
import { DarError } from '../support/errors.ts'
import type { StopSignal } from './types.ts'

/** Throws a DarError for what is no AbortSignal, an AbortController for instance. */
export function checkSignal(signal: unknown): void {
  if (signal instanceof Object && 'aborted' in signal && 'addEventListener' in signal) return
  throw new DarError('the signal is no AbortSignal; give the `signal` of an AbortController, or leave it out')
}

/**
 * The result of `work`, or the signal's reason as soon as it is aborted. `work` gets a `check` that throws the reason when nobody wants
 * its result any more.
 */
export function untilAborted<Result>(
  signal: StopSignal,
  work: (check: () => void) => Promise<Result>,
): Promise<Result> {
  const check = () => {
    if (signal.aborted) throw signal.reason
  }
  return new Promise((resolve, reject) => {
    checkSignal(signal)
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort)
    work(check)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}
