/**
 * A model that outlives its thread. The room `node` replaces a thread that dies, once; a server must go on after the second
 * death too, so a model that lost its thread is loaded anew, and the next requests go to the new one.
 *
 * A crash costs the request that the thread was working on. Others that went down with the same model are asked again, once.
 */
import type { DarConfig } from '../model/index.ts'
import type { DepthMap, ImageInput, PredictOptions } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import type { ServedModel, ServedStep } from './served-model.ts'

/** Milliseconds after a failed load before another is tried. */
const PAUSE = 1000

/** What a `DepthModel` is to the keeper. */
export interface LoadedModel extends ServedModel {
  dispose(): Promise<void>
}

interface Generation {
  readonly model: Promise<LoadedModel>
  /** Whether a request has been lost to its thread. */
  lost: boolean
  /** When its load failed. */
  failedAt: number | null
}

interface KeeperOptions {
  /** Called when a model is loaded in place of another. */
  readonly onReplace?: () => void
}

export class ModelKeeper implements ServedModel {
  readonly name: string
  readonly config: DarConfig
  readonly batch: number
  readonly stream: ServedModel['stream']
  replacements = 0
  private current: Generation
  private readonly disposals = new Set<Promise<void>>()

  private constructor(
    private readonly load: () => Promise<LoadedModel>,
    first: LoadedModel,
    private readonly onReplace: () => void,
  ) {
    this.name = first.name
    this.config = first.config
    this.batch = first.batch
    this.stream = first.stream && ((image, options) => this.steps(image, options))
    this.current = { model: Promise.resolve(first), lost: false, failedAt: null }
  }

  /** Rejects as `load` does: a server does not begin without a model. */
  static async open(
    load: () => Promise<LoadedModel>,
    { onReplace = () => {} }: KeeperOptions = {},
  ): Promise<ModelKeeper> {
    return new ModelKeeper(load, await load(), onReplace)
  }

  /** Whether the last load succeeded, as far as is known. */
  get isReady(): boolean {
    return this.current.failedAt === null
  }

  async predict(image: ImageInput, options: PredictOptions): Promise<DepthMap> {
    const generation = this.usable()
    try {
      return await (await generation.model).predict(image, options)
    } catch (error) {
      this.throwUnlessOther(generation, error)
      return (await this.usable().model).predict(image, options)
    }
  }

  private async *steps(image: ImageInput, options: PredictOptions): AsyncGenerator<ServedStep> {
    const generation = this.usable()
    let begun = false
    try {
      for await (const step of stepsOf(await generation.model, image, options)) {
        begun = true
        yield step
      }
    } catch (error) {
      this.throwUnlessOther(generation, error)
      if (begun) throw error // the client has some steps already
      yield* stepsOf(await this.usable().model, image, options)
    }
  }

  /**
   * Returns where the thread went down for another request's sake, so that this one may be asked again; throws `error`
   * otherwise. In both cases the next request finds a model.
   */
  private throwUnlessOther(generation: Generation, error: unknown): void {
    if (!(error instanceof DarError && error.kind === 'gone')) throw error
    const isOwn = !generation.lost
    generation.lost = true
    this.replace(generation)
    if (isOwn) throw error
  }

  private usable(): Generation {
    const { failedAt } = this.current
    if (failedAt !== null && performance.now() - failedAt > PAUSE) this.current = this.begin()
    return this.current
  }

  private replace(generation: Generation): void {
    if (this.current !== generation) return
    this.current = this.begin()
    this.retire(generation)
    this.replacements++
    this.onReplace()
  }

  private begin(): Generation {
    const generation: Generation = { model: this.load().catch(throwOwn), lost: false, failedAt: null }
    generation.model.catch(() => {
      generation.failedAt = performance.now()
    })
    return generation
  }

  /** Frees it when what is under way in it has ended. */
  private retire({ model }: Generation): void {
    const disposal: Promise<void> = model
      .then((loaded) => loaded.dispose())
      .catch(() => {}) // its thread is gone
      .finally(() => this.disposals.delete(disposal))
    this.disposals.add(disposal)
  }

  async dispose(): Promise<void> {
    this.retire(this.current)
    await Promise.all(this.disposals)
  }
}

function stepsOf(model: LoadedModel, image: ImageInput, options: PredictOptions): AsyncIterable<ServedStep> {
  if (!model.stream) throw new DarError(`the model ${model.name} gives no steps`, { kind: 'model' })
  return model.stream(image, options)
}

/** What is wrong with the file of a model is no mistake of the request that waits for it, which the kind `input` would say. */
function throwOwn(error: unknown): never {
  const isInput = error instanceof DarError && error.kind === 'input'
  throw isInput ? new DarError(error.message, { kind: 'model', cause: error }) : error
}
