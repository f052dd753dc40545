/**
 * Running compiled graphs without blocking the event loop.
 *
 * An `Engine` owns one worker thread with ONNX Runtime; a `Program` is a graph loaded there; a `ResidentBuffer` is memory
 * in the thread that programs read and write in place. All three hold native resources: dispose them (or `using`).
 */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import type { Compiled, PortInfo } from '../graph/index.ts'
import { messageOf } from '../support/errors.ts'
import { startWorker } from '../support/threads.ts'
import {
  type BufferSlice,
  type Envelope,
  FLAGS,
  type Idle,
  type PortData,
  type Provider,
  type Reply,
  type Request,
  type RunResult,
  type WorkerData,
} from './protocol.ts'

/** A failure inside ONNX Runtime, with the graph and, where the engine tells, the node. */
export class EngineError extends Error {
  override name = 'EngineError'

  constructor(
    readonly graph: string,
    readonly engineNode: string | null,
    reason: string,
  ) {
    const where = engineNode ? `node ${engineNode} of graph "${graph}"` : `graph "${graph}"`
    super(`the engine failed at ${where}: ${reason}\n${advice(reason)}`)
  }
}

function advice(reason: string): string {
  if (/thread of the engine ended|engine was disposed/.test(reason))
    return 'Nothing more can run on this engine: dispose it and make another.'
  if (/alloc|memory/i.test(reason)) return 'Use a smaller batch or image size, or free memory on this machine.'
  if (/got \d+ values|Got invalid dimensions|no input|is missing in 'feeds'|data must be type of/i.test(reason))
    return 'Feed an array of the right type and length for every input that the graph was compiled with.'
  if (/out of (data )?bounds/i.test(reason)) return 'An index that was fed lies outside the axis that it indexes.'
  if (/NOT_IMPLEMENTED|Could not find an implementation/i.test(reason))
    return 'The provider has no kernel for this op and type; try the cpu provider, or float32.'
  return 'This is likely a bug in the graph: please report it with the config of the model.'
}

/** Native resources alive, for tests: everything that was made and not disposed. */
export const live = { engines: 0, programs: 0, buffers: 0 }

export interface EngineOptions {
  /** Threads inside one op; default: all cores. */
  readonly threads?: number
  /** Default `spin`. */
  readonly idle?: Idle
  readonly provider?: Provider
}

export interface LoadOptions {
  /** Load the model from this file instead of from the compiled bytes (its external data lie beside it). */
  readonly path?: string
  readonly boundInputs?: Readonly<Record<string, BufferSlice>>
  readonly boundOutputs?: Readonly<Record<string, BufferSlice>>
  readonly mapWeights?: boolean
}

/** Engines whose thread may be inside ONNX Runtime. */
const running = new Set<Engine>()

/** The longest that the process waits, at its end, for a native call to return, ms. */
const LAST_CALL = 30_000

// `process.exit` and uncaught errors end threads where they stand, and inside a call of ONNX Runtime that aborts the
// process with a core dump instead of the exit code that was meant.
process.on('exit', () => {
  for (const engine of running) engine.waitForNative(LAST_CALL)
})

type Answer = RunResult | Float32Array | null

export class Engine {
  readonly threads: number
  readonly idle: Idle
  readonly provider: Provider
  private readonly worker: Worker
  private readonly flags: Int32Array<SharedArrayBuffer>
  private readonly waiting = new Map<
    number,
    { resolve: (value: Answer) => void; reject: (error: Error) => void; graph: string }
  >()
  private readonly bufferNames = new Set<string>()
  private nextId = 1
  private disposed = false
  /** Why the thread is gone. */
  private failure: Error | null = null

  constructor({ threads = availableParallelism(), idle = 'spin', provider = 'cpu' }: EngineOptions = {}) {
    this.threads = threads
    this.idle = idle
    this.provider = provider
    this.flags = new Int32Array(new SharedArrayBuffer(FLAGS.count * Int32Array.BYTES_PER_ELEMENT))
    this.worker = startWorker('worker', import.meta.url, { workerData: { flags: this.flags } satisfies WorkerData })
    this.worker.on('message', (reply: Reply) => this.settle(reply))
    this.worker.on('error', (error) => this.fail(new Error(`the thread of the engine ended: ${messageOf(error)}`)))
    this.worker.on('exit', () => this.fail(new Error('the thread of the engine ended')))
    // A forgotten engine must not keep the process alive; a pending call does (see `call`).
    this.worker.unref()
    live.engines++
    running.add(this)
  }

  /** Loads a compiled graph. Bound inputs and outputs are stretches of resident buffers, used at every run. */
  async load(
    compiled: Compiled,
    { path, boundInputs = {}, boundOutputs = {}, mapWeights = false }: LoadOptions = {},
  ): Promise<Program> {
    const program = this.nextId++
    await this.call(compiled.name, {
      kind: 'load',
      program,
      name: compiled.name,
      model: path ? { path } : { bytes: compiled.model },
      inputs: [...compiled.inputs, ...compiled.parameters],
      outputs: compiled.outputs,
      boundInputs,
      boundOutputs,
      threads: this.threads,
      idle: this.idle,
      provider: this.provider,
      mapWeights,
    })
    live.programs++
    return new Program(this, program, compiled, new Set(Object.keys(boundOutputs)))
  }

  /** Puts an array into the thread (it is copied) under a name that is free. */
  async allocate(name: string, data: Float32Array): Promise<ResidentBuffer> {
    if (this.bufferNames.has(name))
      throw new Error(`buffer ${name}: the engine has one of this name; dispose it first, or choose another name`)
    this.bufferNames.add(name)
    const copy = data.slice()
    try {
      await this.call(`buffer ${name}`, { kind: 'write', buffer: name, data: copy }, [copy.buffer])
    } catch (error) {
      this.bufferNames.delete(name)
      throw error
    }
    live.buffers++
    return new ResidentBuffer(this, name, data.length)
  }

  /** For buffers: gives the memory and the name free. */
  async free(name: string): Promise<void> {
    this.bufferNames.delete(name)
    await this.call(`buffer ${name}`, { kind: 'free', buffer: name })
  }

  /** For programs and buffers: sends a request to the thread. */
  call(graph: string, request: Request, transfer: ArrayBuffer[] = []): Promise<Answer> {
    if (this.disposed) return Promise.reject(new Error(`${graph}: the engine was disposed`))
    return this.send(graph, request, transfer)
  }

  private send(graph: string, request: Request, transfer: ArrayBuffer[] = []): Promise<Answer> {
    if (this.failure) return Promise.reject(new EngineError(graph, null, this.failure.message))
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      if (this.waiting.size === 0) this.worker.ref()
      this.waiting.set(id, { resolve, reject, graph })
      this.worker.postMessage({ id, request } satisfies Envelope, transfer)
    })
  }

  private settle(reply: Reply): void {
    const pending = this.waiting.get(reply.id)
    if (!pending) return
    this.waiting.delete(reply.id)
    if (this.waiting.size === 0) this.worker.unref()
    if (reply.ok) pending.resolve(reply.value)
    else pending.reject(wrap(pending.graph, reply.message))
  }

  private fail(error: Error): void {
    this.failure ??= error
    for (const { reject, graph } of this.waiting.values()) reject(new EngineError(graph, null, error.message))
    this.waiting.clear()
  }

  /**
   * Ends the thread and frees everything in it. A call that runs is let finish, those behind it are rejected. Safe to
   * call twice.
   */
  async dispose(): Promise<void> {
    if (this.disposed) return
    this.disposed = true
    live.engines--
    Atomics.store(this.flags, FLAGS.closing, 1)
    // Rejected when the thread has crashed: then there is nothing to wait for.
    await this.send('dispose', { kind: 'close' }).catch(() => null)
    running.delete(this)
    await this.worker.terminate()
  }

  /** For the end of the process, where nothing can be awaited: blocks until no native call runs, and lets none begin. */
  waitForNative(milliseconds: number): void {
    Atomics.store(this.flags, FLAGS.closing, 1)
    Atomics.wait(this.flags, FLAGS.busy, 1, milliseconds)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  /** Whether its thread still holds what was put there: neither disposed nor ended by a crash. */
  get isRunning(): boolean {
    return !this.disposed && this.failure === null
  }
}

/** ONNX Runtime names the node in its messages: «… while running MatMul node. Name:'…' Status Message: …». */
function wrap(graph: string, message: string): EngineError {
  const node = /Name:\s*'([^']+)'/.exec(message)?.[1] ?? /node[:\s]+\(?([\w./-]+_\d+)/i.exec(message)?.[1] ?? null
  const reason = /Status Message:\s*([\s\S]*)$/.exec(message)?.[1] ?? message
  return new EngineError(graph, node, reason.trim())
}

export class Program {
  readonly inputs: readonly PortInfo[]
  readonly outputs: readonly PortInfo[]
  /** Milliseconds that the engine took for the last run. */
  lastMilliseconds = 0
  private disposed = false

  constructor(
    private readonly engine: Engine,
    private readonly id: number,
    readonly compiled: Compiled,
    private readonly bound: ReadonlySet<string>,
  ) {
    this.inputs = compiled.inputs
    this.outputs = compiled.outputs
  }

  /**
   * Runs the graph. Feeds are copied into the message unless `transfer` is set, which gives them away. Outputs that are
   * bound to buffers are written there and not returned.
   */
  async run(
    feeds: Readonly<Record<string, PortData>>,
    { fetch, transfer = false }: { readonly fetch?: readonly string[]; readonly transfer?: boolean } = {},
  ): Promise<Record<string, PortData>> {
    if (this.disposed) throw new Error(`${this.compiled.name}: the program was disposed`)
    const wanted = fetch ?? this.outputs.map(({ name }) => name).filter((name) => !this.bound.has(name))
    const buffers = transfer ? [...new Set(Object.values(feeds).map((data) => data.buffer as ArrayBuffer))] : []
    const result = await this.engine.call(
      this.compiled.name,
      { kind: 'run', program: this.id, feeds, fetch: wanted },
      buffers,
    )
    const { outputs, milliseconds } = result as RunResult
    this.lastMilliseconds = milliseconds
    return outputs
  }

  async dispose(): Promise<void> {
    if (this.disposed) return
    this.disposed = true
    live.programs--
    if (this.engine.isRunning) await this.engine.call(this.compiled.name, { kind: 'release', program: this.id })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

export class ResidentBuffer {
  private disposed = false

  constructor(
    private readonly engine: Engine,
    readonly name: string,
    readonly length: number,
  ) {}

  slice(offset: number, length: number): BufferSlice {
    return { buffer: this.name, offset, length }
  }

  /** A copy of the values. */
  async read(offset = 0, length = this.length - offset): Promise<Float32Array> {
    this.checkAlive()
    const slice = this.slice(offset, length)
    return (await this.engine.call(`buffer ${this.name}`, { kind: 'read', slice })) as Float32Array
  }

  /** Replaces all values. */
  async write(data: Float32Array): Promise<void> {
    this.checkAlive()
    if (data.length !== this.length)
      throw new Error(`buffer ${this.name} holds ${this.length} values, not ${data.length}`)
    const copy = data.slice()
    await this.engine.call(`buffer ${this.name}`, { kind: 'write', buffer: this.name, data: copy }, [copy.buffer])
  }

  private checkAlive(): void {
    if (this.disposed) throw new Error(`buffer ${this.name}: it was disposed`)
  }

  async dispose(): Promise<void> {
    if (this.disposed) return
    this.disposed = true
    live.buffers--
    if (this.engine.isRunning) await this.engine.free(this.name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}
