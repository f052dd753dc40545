/**
 * Running compiled graphs without blocking the event loop.
 *
 * An `Engine` owns one worker thread with ONNX Runtime; a `Program` is a graph loaded there; a `ResidentBuffer` is memory
 * in the thread that programs read and write in place. All three hold native resources: dispose them (or `using`).
 */
import { availableParallelism } from 'node:os'
import type { Compiled, PortInfo } from '../graph/index.ts'
import { DarError, messageOf } from '../support/errors.ts'
import { engineErrorOf } from './engine-error.ts'
import type { Answer, BufferSlice, Idle, Placement, PortData, Provider, Request, RunResult } from './protocol.ts'
import { live, NativeThread } from './thread.ts'

export { EngineError } from './engine-error.ts'
export { live } from './thread.ts'

/** Of an engine. */
export interface EngineOptions {
  /** Threads inside one op; default: all cores. */
  readonly threads?: number
  /** Default `spin`. */
  readonly idle?: Idle
  /** Default `cpu`. */
  readonly provider?: Provider
  /**
   * How a program's memory is taken after its first run: as one `block`, beside the pieces of the first run (default), or in
   * `pieces`, which needs half as much and is as fast where ops are large.
   */
  readonly memory?: 'block' | 'pieces'
}

/** How a graph is loaded. */
export interface LoadOptions {
  /** Load the model from this file instead of from the compiled bytes (its external data lie beside it). */
  readonly path?: string
  /** Inputs and parameters that are read from resident buffers at every run, by name. */
  readonly boundInputs?: Readonly<Record<string, BufferSlice>>
  /** Outputs that are written into resident buffers at every run, by name. */
  readonly boundOutputs?: Readonly<Record<string, BufferSlice>>
  /** Weights of a file stay where they are, memory-mapped; default: they are copied into the engine's own layout. */
  readonly mapWeights?: boolean
  /**
   * A program of the same compiled graph, over other buffers. The two share what the engine holds for the graph: its nodes and its memory,
   * which never shrinks. Either may be disposed first.
   */
  readonly like?: Program
}

/** A worker thread with ONNX Runtime. */
export class Engine {
  readonly threads: number
  readonly idle: Idle
  readonly provider: Provider
  private readonly memoryPattern: boolean
  private readonly thread: NativeThread<Request, Answer>
  private readonly bufferNames = new Set<string>()
  private nextProgram = 1
  private disposed = false

  constructor({
    threads = availableParallelism(),
    idle = 'spin',
    provider = 'cpu',
    memory = 'block',
  }: EngineOptions = {}) {
    this.threads = threads
    this.idle = idle
    this.provider = provider
    this.memoryPattern = memory === 'block'
    this.thread = new NativeThread('worker', import.meta.url)
  }

  /** Loads a compiled graph. Bound inputs and outputs are stretches of resident buffers, used at every run. */
  async load(
    compiled: Compiled,
    { path, boundInputs = {}, boundOutputs = {}, mapWeights = false, like }: LoadOptions = {},
  ): Promise<Program> {
    if (like && like.compiled !== compiled) throw new Error(`${compiled.name}: ${like.compiled.name} is another graph`)
    const program = this.nextProgram++
    await this.call(compiled.name, {
      kind: 'load',
      program,
      name: compiled.name,
      model: path ? { path } : { bytes: compiled.model },
      inputs: [...compiled.inputs, ...compiled.parameters],
      outputs: compiled.outputs,
      boundInputs,
      boundOutputs,
      options: { ...this.sessionOptions, mapWeights },
      like: like?.id ?? null,
    })
    live.programs++
    return new Program(this, program, compiled, new Set(Object.keys(boundOutputs)))
  }

  private get sessionOptions() {
    const { threads, idle, provider, memoryPattern } = this
    return { threads, idle, provider, memoryPattern }
  }

  /**
   * Runs programs one after another on the same feeds, without a word between them: they leave everything in the buffers that their outputs
   * are bound to. An error names the first.
   * @internal
   */
  async runAll(programs: readonly Program[], feeds: Readonly<Record<string, PortData>>): Promise<void> {
    if (programs.length === 0) return
    await this.call(programs[0].compiled.name, { kind: 'runAll', programs: programs.map(({ id }) => id), feeds })
  }

  /** Which operators of a graph run where, found by running it once on zeros. */
  async placement({ name, model, inputs, parameters }: Compiled): Promise<Placement> {
    const options = { ...this.sessionOptions, mapWeights: false }
    const ports = [...inputs, ...parameters]
    return (await this.call(name, { kind: 'placement', model: { bytes: model }, inputs: ports, options })) as Placement
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

  /**
   * For buffers: gives the memory and the name free.
   * @internal
   */
  async free(name: string): Promise<void> {
    this.bufferNames.delete(name)
    await this.call(`buffer ${name}`, { kind: 'free', buffer: name })
  }

  /**
   * For programs and buffers: sends a request to the thread. What goes wrong there names `graph`.
   * @internal
   */
  async call(graph: string, request: Request, transfer: ArrayBuffer[] = []): Promise<Answer> {
    if (this.disposed) throw new Error(`${graph}: the engine was disposed`)
    try {
      return await this.thread.call(request, transfer)
    } catch (error) {
      throw error instanceof DarError ? error : engineErrorOf(graph, messageOf(error))
    }
  }

  /**
   * Ends the thread and frees everything in it. A call under way finishes first; calls behind it are rejected. Safe to
   * call twice.
   */
  async dispose(): Promise<void> {
    this.disposed = true
    await this.thread.dispose()
  }

  /** As `dispose`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  /** Whether its thread still holds what was put there: neither disposed nor ended by a crash. */
  get isRunning(): boolean {
    return this.thread.isRunning
  }
}

/** A graph that is loaded in an engine, made by `Engine.load`. */
export class Program {
  readonly inputs: readonly PortInfo[]
  readonly outputs: readonly PortInfo[]
  /** Milliseconds that the engine took for the last run. */
  lastMilliseconds = 0
  private disposed = false

  /** @internal */
  constructor(
    private readonly engine: Engine,
    /** @internal */
    readonly id: number,
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

  /** Frees it in the engine. Safe to call twice, and after the engine was disposed. */
  async dispose(): Promise<void> {
    if (this.disposed) return
    this.disposed = true
    live.programs--
    if (this.engine.isRunning) await this.engine.call(this.compiled.name, { kind: 'release', program: this.id })
  }

  /** As `dispose`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

/** Float32 values in the engine's thread, made by `Engine.allocate`. */
export class ResidentBuffer {
  private disposed = false

  /** @internal */
  constructor(
    private readonly engine: Engine,
    readonly name: string,
    readonly length: number,
  ) {}

  /** A stretch of it, to bind inputs and outputs to. */
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

  /** Replaces the values from `offset` on by these, whose memory is given away. */
  async writePart(offset: number, data: Float32Array): Promise<void> {
    this.checkAlive()
    const slice = this.slice(offset, data.length)
    await this.engine.call(`buffer ${this.name}`, { kind: 'writePart', slice, data }, [data.buffer as ArrayBuffer])
  }

  private checkAlive(): void {
    if (this.disposed) throw new Error(`buffer ${this.name}: it was disposed`)
  }

  /** Frees it in the engine. Safe to call twice, and after the engine was disposed. */
  async dispose(): Promise<void> {
    if (this.disposed) return
    this.disposed = true
    live.buffers--
    if (this.engine.isRunning) await this.engine.free(this.name)
  }

  /** As `dispose`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}
