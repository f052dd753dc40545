/**
 * ONNX Runtime's telemetry, off. Where it is on, every session writes below `~/.cache/Microsoft`, leaves a `mat-debug` file in the
 * temporary folder and looks up an upload host; and it reads the command line into a buffer of its own, so that a process with more than
 * some 16 KB of arguments dies with a segmentation fault.
 *
 * The library asks the environment of the process when it is loaded. A worker thread has a copy of that, and what it changes the library
 * does not see. So the thread that starts an engine sets it first, unless the user has said otherwise; and where that thread is a worker
 * of somebody's program, it asks the main thread to, through Node's inspector, which opens no port. A main thread that is blocked (in
 * Atomics.wait, say) and a Node without an inspector do not answer: then the program has to set the variable itself.
 */
import { isMainThread } from 'node:worker_threads'

const SWITCH = 'ORT_DISABLE_TELEMETRY'
/** How long the main thread is waited for, ms. */
const PATIENCE = 3000

/** Calls `ready` when a thread may load ONNX Runtime: at once in the main thread, else when that has answered or does not. */
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
