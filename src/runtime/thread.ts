/**
 * A worker thread that calls ONNX Runtime. `NativeThread` is the owner's side: it starts the thread, sends requests and
 * ends it. `answerRequests` is the thread's side.
 *
 * If a thread is terminated while it is inside a call of ONNX Runtime, the whole process aborts with a core dump. Every
 * such call therefore goes through `native`, which raises a flag. `dispose` waits until no call runs. At the end of the
 * process nothing can be awaited, so every thread has a listener for `exit` that blocks until the flag is down. Threads
 * share no state, so two copies of this package in one process do not affect each other.
 */
import { parentPort, type ResourceLimits, type Worker, workerData } from 'node:worker_threads'
import { assert, DarError, type ErrorKind, messageOf } from '../support/errors.ts'
import { startWorker } from '../support/threads.ts'
import { EngineError } from './engine-error.ts'
import { FLAGS } from './flags.ts'
import { disableTelemetry } from './telemetry.ts'

type Flags = Int32Array<SharedArrayBuffer>

/** Longest time in ms that the end of the process waits for a native call. */
const LAST_CALL = 30_000

/** An error as a message between threads, which cannot pass classes. */
type Failure =
  | { readonly kind: 'mistake'; readonly message: string; readonly mistake: ErrorKind }
  | { readonly kind: 'engine'; readonly graph: string; readonly node: string | null; readonly reason: string }
  | { readonly kind: 'other'; readonly message: string; readonly stack?: string }

interface Envelope<Request> {
  readonly id: number
  /** null: answered once everything before it is, so that nothing native runs any more. */
  readonly request: Request | null
}

type Reply<Value> =
  | { readonly id: number; readonly ok: true; readonly value: Value }
  | { readonly id: number; readonly ok: false; readonly failure: Failure }

/** Counts of native resources that are alive, for tests. Nothing depends on them. */
export const live = { engines: 0, programs: 0, buffers: 0 }

interface Waiting<Value> {
  readonly resolve: (value: Value | null) => void
  readonly reject: (error: Error) => void
}

export class NativeThread<Request, Value> {
  private readonly worker: Worker
  private readonly flags: Flags
  private readonly waiting = new Map<number, Waiting<Value>>()
  private readonly onExit = () => this.waitForNative(LAST_CALL)
  private nextId = 1
  private disposed = false
  /** Why the thread is gone. */
  private failure: Error | null = null

  /** Starts the module `name` beside the module of `besideUrl`; `data` is its `threadData`, `resourceLimits` those of its heap. */
  constructor(
    name: string,
    besideUrl: string,
    data: unknown = null,
    { resourceLimits }: { readonly resourceLimits?: ResourceLimits } = {},
  ) {
    this.flags = new Int32Array(new SharedArrayBuffer(FLAGS.count * Int32Array.BYTES_PER_ELEMENT))
    disableTelemetry(() => {
      Atomics.store(this.flags, FLAGS.ready, 1)
      Atomics.notify(this.flags, FLAGS.ready)
    })
    this.worker = startWorker(name, besideUrl, { workerData: { flags: this.flags, data }, resourceLimits })
    this.worker.on('message', (reply: Reply<Value>) => this.settle(reply))
    this.worker.on('error', (error) => this.fail(new Error(`the thread of the engine ended: ${messageOf(error)}`)))
    this.worker.on('exit', () => this.fail(new Error('the thread of the engine ended')))
    // An idle thread does not keep the process alive; a pending call does (see `send`).
    this.worker.unref()
    live.engines++
    listenToExit(this.onExit)
  }

  /** Sends a request; requests are answered one after another. Rejects with what the thread threw. */
  async call(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Value> {
    if (this.disposed) throw new Error('the engine was disposed')
    return (await this.send(request, transfer)) as Value
  }

  private send(request: Request | null, transfer: readonly ArrayBuffer[] = []): Promise<Value | null> {
    if (this.failure) return Promise.reject(this.failure)
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      if (this.waiting.size === 0) this.worker.ref()
      this.waiting.set(id, { resolve, reject })
      this.worker.postMessage({ id, request } satisfies Envelope<Request>, transfer)
    })
  }

  private settle(reply: Reply<Value>): void {
    const pending = this.waiting.get(reply.id)
    if (!pending) return
    this.waiting.delete(reply.id)
    if (this.waiting.size === 0) this.worker.unref()
    if (reply.ok) pending.resolve(reply.value)
    else pending.reject(errorOf(reply.failure))
  }

  private fail(error: Error): void {
    this.failure ??= error
    forgetExit(this.onExit)
    for (const { reject } of this.waiting.values()) reject(error)
    this.waiting.clear()
  }

  /**
   * Ends the thread and frees everything in it. A native call under way finishes first; requests behind it are
   * rejected. Safe to call twice.
   */
  async dispose(): Promise<void> {
    if (this.disposed) return
    this.disposed = true
    live.engines--
    Atomics.store(this.flags, FLAGS.closing, 1)
    // Rejected when the thread has crashed: then there is nothing to wait for.
    await this.send(null).catch(() => null)
    forgetExit(this.onExit)
    await this.worker.terminate()
  }

  /** For the end of the process, where nothing can be awaited: blocks until no native call runs, and lets none begin. */
  private waitForNative(milliseconds: number): void {
    Atomics.store(this.flags, FLAGS.closing, 1)
    Atomics.wait(this.flags, FLAGS.busy, 1, milliseconds)
  }

  /** Whether the thread still holds what was put there: neither disposed nor ended by a crash. */
  get isRunning(): boolean {
    return !this.disposed && this.failure === null
  }
}

/**
 * Node warns of a leak above ten listeners, so each thread raises the limit by one for its own. A limit of 0 means
 * none.
 */
function listenToExit(listener: () => void): void {
  const room = process.getMaxListeners()
  if (room > 0) process.setMaxListeners(room + 1)
  process.on('exit', listener)
}

function forgetExit(listener: () => void): void {
  if (!process.listeners('exit').includes(listener)) return
  process.off('exit', listener)
  const room = process.getMaxListeners()
  if (room > 1) process.setMaxListeners(room - 1)
}

function failureOf(error: unknown): Failure {
  if (error instanceof EngineError)
    return { kind: 'engine', graph: error.graph, node: error.engineNode, reason: error.reason }
  if (error instanceof DarError) return { kind: 'mistake', message: error.message, mistake: error.kind }
  return { kind: 'other', message: messageOf(error), ...(error instanceof Error && { stack: error.stack }) }
}

function errorOf(failure: Failure): Error {
  if (failure.kind === 'mistake') return new DarError(failure.message, { kind: failure.mistake })
  if (failure.kind === 'engine') return new EngineError(failure.graph, failure.node, failure.reason)
  const error = new Error(failure.message)
  error.stack = `${error.stack}\n  in the thread: ${failure.stack ?? failure.message}`
  return error
}

/** In the thread: makes a call of ONNX Runtime. Throws when the thread is about to end. */
export async function native<T>(call: () => Promise<T>): Promise<T> {
  const { flags } = workerData as { readonly flags: Flags }
  Atomics.store(flags, FLAGS.busy, 1)
  try {
    if (Atomics.load(flags, FLAGS.closing) === 1) throw new Error('the engine was disposed')
    return await call()
  } finally {
    Atomics.store(flags, FLAGS.busy, 0)
    Atomics.notify(flags, FLAGS.busy)
  }
}

/** In the thread: the `data` that its `NativeThread` was given. */
export function threadData<Data>(): Data {
  return (workerData as { readonly data: Data }).data
}

/**
 * In the thread: answers every request, one after another in the order in which they came. `transfers`: the array buffers of
 * an answer, which move instead of being copied.
 */
export function answerRequests<Request, Value>(
  answer: (request: Request) => Promise<Value>,
  transfers: (value: Value) => readonly ArrayBuffer[],
): void {
  assert(parentPort, 'this module runs only as a worker thread')
  const port = parentPort
  let queue: Promise<void> = Promise.resolve()
  port.on('message', ({ id, request }: Envelope<Request>) => {
    queue = queue.then(async () => {
      try {
        const value = request === null ? null : await answer(request)
        port.postMessage({ id, ok: true, value } satisfies Reply<Value | null>, value === null ? [] : transfers(value))
      } catch (error) {
        port.postMessage({ id, ok: false, failure: failureOf(error) } satisfies Reply<Value>)
      }
    })
  })
}
