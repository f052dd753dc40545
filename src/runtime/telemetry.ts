/**
 * Switches off ONNX Runtime's telemetry, by ORT_DISABLE_TELEMETRY=1. With telemetry, every session writes below
 * `~/.cache/Microsoft`, leaves a `mat-debug` file in the temporary folder and looks up an upload host. It also copies the command line
 * into a buffer that is too small: a process with more than about 16 KB of arguments dies with a segmentation fault.
 *
 * The library reads the environment of the process once, when it is loaded. So the variable is set before an engine starts, unless
 * the user has set it already. A worker thread only has a copy of the environment, which the library does not read. So an engine
 * that is started in a worker of the user's program asks the main thread to set the variable, through Node's inspector. This opens no
 * port. Left out: a main thread that is blocked (in Atomics.wait, for example), and a Node without an inspector. Neither answers,
 * and the user's program has to set the variable itself.
 */
import { isMainThread } from 'node:worker_threads'

const SWITCH = 'ORT_DISABLE_TELEMETRY'
/** How long to wait for the main thread's answer, ms. */
const PATIENCE = 3000

/** Calls `ready` when ONNX Runtime may be loaded: in the main thread at once, in a worker after the main thread's answer or 3 s. */
export function disableTelemetry(ready: () => void): void {
  process.env[SWITCH] ??= '1'
  if (isMainThread) ready()
  else askMainThread().then(ready, ready)
}

async function askMainThread(): Promise<void> {
  const { Session } = await import('node:inspector')
  const session = new Session()
  session.connectToMainThread()
  const expression = `process.env.${SWITCH} ??= '1'`
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE)
      session.post('Runtime.evaluate', { expression }, () => resolve())
    })
  } finally {
    clearTimeout(timer)
    session.disconnect()
  }
}
