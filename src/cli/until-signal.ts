/** For verbs that work for long: a first signal stops the run at the next good place, a second one the process. */

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** What stops a run. */
export type Signal = (typeof SIGNALS)[number]

/** npm and npx pass a signal on that the terminal has sent to every process already: it arrives twice at once. */
const SAME_SIGNAL_MS = 1000

interface Signals {
  readonly signal: AbortSignal
  /** The one that came; null before. */
  caught(): Signal | null
  /** Gives signals their usual effect back. */
  ignore(): void
}

/** Aborts at the first signal; a later one then has its usual effect and ends the process. */
export function untilSignal({
  tells,
  notice = 'stopping after this update, with a checkpoint',
}: {
  readonly tells: boolean
  /** What is said at the first signal. */
  readonly notice?: string
}): Signals {
  const stop = new AbortController()
  let caught: Signal | null = null
  const onSignal = (signal: Signal) => {
    if (caught) return
    caught = signal
    setTimeout(ignore, SAME_SIGNAL_MS).unref()
    if (tells) console.error(`\n${notice}; once more to stop at once`)
    stop.abort()
  }
  const ignore = () => {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return { signal: stop.signal, caught: (): Signal | null => caught, ignore }
}
