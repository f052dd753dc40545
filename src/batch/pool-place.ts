/**
 * Where one worker of a pool works: a thread with the shared programs. A thread that dies, for want of memory or by a fault of the native
 * library, is replaced: the photo that was in it is lost, and no other. One that dies at every photo is given up.
 */
import type { RgbImage } from '../image/types.ts'
import { decodeInput } from '../node/decode-input.ts'
import type { Workplace } from '../predict/depth-model.ts'
import type { Answer, Job, StepAnswer } from '../predict/pipeline.ts'
import type { ImageInput, Size } from '../predict/types.ts'
import { EngineError } from '../runtime/engine-error.ts'
import { NativeThread } from '../runtime/thread.ts'
import { assert, DarError, messageOf } from '../support/errors.ts'
import type { ProgramFiles } from './program-files.ts'
import type { PoolRequest, PoolThreadData } from './program-protocol.ts'

type PoolThread = NativeThread<PoolRequest, Answer | null>

/** A worker makes few objects: arrays lie outside of the heap. A small nursery is one that does not grow with every photo. */
const LIMITS = { maxYoungGenerationSizeMb: 2 } as const

/** Deaths without a photo done in between, after which a worker is not replaced any more. */
const MOST_DEATHS = 3

const given = new WeakSet<RgbImage>()

/** Gives pixels to the pool, which else copies what it is given. They are gone when they are predicted. */
export function giveAway(image: RgbImage): RgbImage {
  given.add(image)
  return image
}

/** A worker whose thread died at photo after photo: nothing on this machine will be better. */
export class WorkerLost extends DarError {
  override name = 'WorkerLost'
}

export class PoolPlace implements Workplace {
  /** Started with the first photo. */
  private thread: PoolThread | null = null
  private last: Promise<unknown> = Promise.resolve()
  private deaths = 0

  constructor(
    private readonly programs: ProgramFiles,
    private readonly data: PoolThreadData,
  ) {}

  /** The thread, which is replaced if it died. */
  private async running(): Promise<PoolThread> {
    if (this.thread?.isRunning) return this.thread
    if (this.deaths >= MOST_DEATHS) throw new WorkerLost('the worker has died too often', { kind: 'gone' })
    await this.thread?.dispose()
    this.thread = new NativeThread('pool-thread', import.meta.url, this.data, { resourceLimits: LIMITS })
    return this.thread
  }

  async decode(input: ImageInput): Promise<RgbImage> {
    return given.has(input as RgbImage) ? (input as RgbImage) : decodeInput(input)
  }

  predict(network: Size, jobs: readonly Job[]): Promise<readonly Answer[]> {
    const result = this.last.then(() => this.predictNow(network, jobs))
    this.last = result.catch(() => {})
    return result
  }

  private async predictNow(network: Size, jobs: readonly Job[]): Promise<readonly Answer[]> {
    const [job] = jobs
    assert(jobs.length === 1 && !job.steps && !job.flip, 'workers of a pool take photos one by one, without steps')
    const program = await this.programs.at(network)
    const thread = await this.running()
    try {
      const answer = await thread.call({ kind: 'predict', program, job }, [job.image.data.buffer as ArrayBuffer])
      this.deaths = 0
      return [answer as Answer]
    } catch (error) {
      if (thread.isRunning) throw error
      this.deaths++
      const reason = `${messageOf(error).split('\n')[0]}: this photo is lost, or memory is short`
      if (this.deaths < MOST_DEATHS) throw new DarError(reason, { kind: 'gone' })
      throw new WorkerLost(`a worker died at ${MOST_DEATHS} photos in a row (${reason}); use fewer --workers`, {
        kind: 'gone',
      })
    }
  }

  // biome-ignore lint/correctness/useYield: it has no steps
  async *stream(): AsyncGenerator<StepAnswer, void, undefined> {
    assert(false, 'workers of a pool give no steps')
  }

  async dispose(): Promise<void> {
    await this.last
    if (this.thread?.isRunning) await this.thread.call({ kind: 'close' }).catch(() => {})
    await this.thread?.dispose()
  }
}

/** Whether an error says something of the machine, not of the photo: the same photo may do well elsewhere or later. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof DarError)) return false
  return error instanceof EngineError ? error.kind !== 'engine' : error.kind === 'gone' || error.kind === 'memory'
}
