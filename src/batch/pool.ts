/**
 * A pool of workers over the cores: each is a model in a thread of its own with one thread of the engine, and all map the same
 * weights. A worker takes the next item as soon as it has room, so that one photo is decoded while another is computed.
 */
import { availableParallelism } from 'node:os'
import type { DarConfig } from '../model/index.ts'
import { type DecodeFile, DecoderProcess } from '../node/decoder-process.ts'
import { createDepthModel, type DepthModel } from '../predict/depth-model.ts'
import type { Size } from '../predict/types.ts'
import { assert, DarError } from '../support/errors.ts'
import { memoryKeeper } from '../support/free-memory.ts'
import { Feed } from './feed.ts'
import { PoolPlace } from './pool-place.ts'
import { ProgramFiles } from './program-files.ts'
import type { PoolThreadData } from './program-protocol.ts'

/** How a pool is made. */
export interface PoolOptions {
  /** Default: one for each core. */
  readonly workers?: number
  /** Pixel budget of the network's input; default: the model's own. */
  readonly size?: Size
  /** For tests. */
  readonly thread?: PoolThreadData
}

/** How a pool goes through a list. */
export interface RunOptions {
  /** `given`: results in the order of the items; `done`: each as soon as it is there. Default `done`. */
  readonly order?: 'given' | 'done'
  /** When it is aborted, items at hand are finished, and no other is begun. */
  readonly signal?: AbortSignal
}

/** Items of a worker at once: one in the network, one that is decoded or written. */
const AT_ONCE = 2

export class ModelPool {
  private constructor(
    private readonly programs: ProgramFiles,
    private readonly models: readonly DepthModel[],
    private readonly decoder: DecoderProcess,
  ) {}

  /**
   * Opens a shipped model, or a file.
   * @throws DarError when there is no such model, or the number of workers makes no sense.
   */
  static async open(
    nameOrPath: string,
    { workers = availableParallelism(), size, thread = {} }: PoolOptions = {},
  ): Promise<ModelPool> {
    if (!(Number.isInteger(workers) && workers > 0))
      throw new DarError(`workers is ${workers}; give a whole number of at least 1`)
    const programs = await ProgramFiles.open(nameOrPath)
    const models = Array.from({ length: workers }, () =>
      createDepthModel(programs.description, new PoolPlace(programs, thread), { size }),
    )
    return new ModelPool(programs, models, new DecoderProcess())
  }

  get name(): string {
    return this.programs.description.name
  }

  get config(): DarConfig {
    return this.programs.description.config
  }

  /** SHA-256 of the model's file, in hexadecimal. */
  get hash(): string {
    const { hash } = this.programs.description
    assert(hash !== null, 'a model file without a hash')
    return hash
  }

  /** Of its maps. */
  get unit(): 'metre' | 'relative' {
    return this.programs.description.metric ? 'metre' : 'relative'
  }

  /** Reads a photo, in a process of its own: a file that crashes the decoder costs that file. */
  get decode(): DecodeFile {
    return this.decoder.decode
  }

  get workers(): number {
    return this.models.length
  }

  /**
   * Calls `work` with every item and the model of a worker that has room; yields what it returns. Items are asked for one by one, few
   * ahead of the results that were taken. What `work` throws ends the run: items at hand are finished first.
   */
  async *run<Item, Result>(
    items: Iterable<Item> | AsyncIterable<Item>,
    work: (item: Item, model: DepthModel) => Promise<Result>,
    { order = 'done', signal }: RunOptions = {},
  ): AsyncGenerator<Result, void, undefined> {
    const keepMemory = await memoryKeeper()
    const feed = new Feed<Item, Result>(items, { order, signal, window: 4 * AT_ONCE * this.models.length })
    const workAndKeep = (item: Item, model: DepthModel) => work(item, model).finally(keepMemory)
    const slots = this.models.flatMap((model) =>
      Array.from({ length: AT_ONCE }, () => feed.serve((item) => workAndKeep(item, model))),
    )
    try {
      yield* feed.results(slots)
    } finally {
      feed.stop()
      await Promise.allSettled(slots)
      await feed.close()
    }
  }

  /** Waits for what is under way, ends the threads and removes the programs. */
  async dispose(): Promise<void> {
    await this.decoder.dispose()
    await Promise.all(this.models.map((model) => model.dispose()))
    await this.programs.dispose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}
