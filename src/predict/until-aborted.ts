/** Work that a signal ends. */
import type { StopSignal } from './types.ts'

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
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort)
    work(check)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}
