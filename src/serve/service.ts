/**
 * What routes share: the model behind its queue, the codec, and bodies within the limits. It turns a photo of a request into a
 * map, once the photo was judged and the request's turn has come.
 */
import type { RgbImage } from '../image/types.ts'
import { decodeHeader } from '../node/decode.ts'
import type { DecodeHeader } from '../node/decoder-process.ts'
import type { DepthMap, PredictOptions } from '../predict/types.ts'
import { BodyMemory, readBody } from './body.ts'
import type { Codec, CodecRequest } from './codec.ts'
import type { EncodeJob, MapInfo } from './encode.ts'
import type { Limits } from './limits.ts'
import { Metrics } from './metrics.ts'
import { checkPhoto } from './photo.ts'
import { blaming, Problem } from './problem.ts'
import { RequestQueue } from './queue.ts'
import type { Call } from './route.ts'
import { factsOf, type ModelFacts, type ServedModel, type ServedStep } from './served-model.ts'
import type { StepEvent } from './step-event.ts'

/** Predictions under way for each image of a batch: one is decoded while the network works on another. */
const AHEAD = 2

type PhotoOptions = Pick<PredictOptions, 'focal' | 'size'>

export interface ServiceOptions {
  readonly model: ServedModel
  readonly limits: Limits
  readonly codec: Codec
  readonly version: string
  readonly decodeHeader?: DecodeHeader
}

export class Service {
  readonly facts: ModelFacts
  readonly limits: Limits
  readonly version: string
  readonly metrics: Metrics
  private readonly model: ServedModel
  private readonly codec: Codec
  private readonly queue: RequestQueue
  private readonly memory: BodyMemory
  private readonly decodeHeader: DecodeHeader
  private draining = false

  constructor({ model, limits, codec, version, decodeHeader: header = decodeHeader }: ServiceOptions) {
    this.facts = factsOf(model)
    this.limits = limits
    this.version = version
    this.model = model
    this.codec = codec
    this.decodeHeader = header
    this.queue = new RequestQueue(AHEAD * model.batch, limits.maxQueue)
    this.memory = new BodyMemory(limits.maxBuffered)
    this.metrics = new Metrics({
      queueDepth: () => this.queue.depth,
      running: () => this.queue.running,
      bodyBytes: () => this.memory.bytes,
      ready: () => this.isReady,
      replacements: () => model.replacements ?? 0,
    })
  }

  get isReady(): boolean {
    return !this.draining && (this.model.isReady ?? true)
  }

  /** From now on the server says that it is not ready; it still answers what comes. */
  stopBeingReady(): void {
    this.draining = true
  }

  get isDraining(): boolean {
    return this.draining
  }

  /** The body of a request that will want the model: refused before a byte is read if the queue is full. */
  async bodyOf({ request, signal, onEnd }: Call): Promise<Uint8Array<ArrayBuffer>> {
    this.queue.checkRoom()
    const body = await readBody(request, this.limits, { memory: this.memory, signal })
    onEnd(body.release)
    return body.bytes
  }

  /** What a body says. A body that is wrong is the client's mistake. */
  async parse<Kind extends 'depth-json' | 'form' | 'infer'>(request: Extract<CodecRequest, { kind: Kind }>) {
    try {
      return await this.codec.do<Kind>(request)
    } catch (error) {
      throw blaming('bad-request', error)
    }
  }

  async predict({ signal }: Call, image: Uint8Array | RgbImage, options: PhotoOptions): Promise<DepthMap> {
    await this.check(image).catch(throwUnusable)
    const arrived = performance.now()
    return this.queue.run(signal, async () => {
      this.metrics.stage('queue', performance.now() - arrived)
      const map = await this.model.predict(image, { ...options, signal }).catch(throwUnusable)
      for (const [stage, milliseconds] of Object.entries(map.milliseconds)) this.metrics.stage(stage, milliseconds)
      return map
    })
  }

  /**
   * Calls `onStep` with each step of a photo. It holds its place in the queue until the last step is computed, however slowly the
   * client reads.
   */
  async stream(
    { signal }: Call,
    image: Uint8Array | RgbImage,
    options: PhotoOptions,
    { onStart, onStep }: { readonly onStart: () => void; readonly onStep: (step: ServedStep) => Promise<void> },
  ): Promise<void> {
    await this.check(image).catch(throwUnusable)
    await this.queue.run(signal, async () => {
      const steps = this.model.stream?.(image, { ...options, signal })
      if (!steps) throw new Problem('not-implemented', 'this model gives no steps')
      onStart()
      for await (const step of blamingSteps(steps)) await onStep(step)
    })
  }

  private check(image: Uint8Array | RgbImage): Promise<void> {
    const { decodeHeader, limits } = this
    return checkPhoto(image, { maxPixels: limits.maxPixels, decodeHeader })
  }

  async encode(job: EncodeJob): Promise<Uint8Array> {
    const begin = performance.now()
    const bytes = await this.codec.do<'map'>({ kind: 'map', job })
    this.metrics.stage('encode', performance.now() - begin)
    return bytes
  }

  encodeStep(step: StepEvent): Promise<Uint8Array> {
    return this.codec.do<'step'>({ kind: 'step', step })
  }

  encodeInfer(answer: Extract<CodecRequest, { kind: 'infer-answer' }>['answer']) {
    return this.codec.do<'infer-answer'>({ kind: 'infer-answer', answer })
  }

  /** What is said of a map besides its values. */
  infoOf({ width, height, focal, networkSize, milliseconds, warnings }: DepthMap): MapInfo {
    const unit = this.facts.metric ? 'metre' : 'relative'
    return { model: this.facts.name, unit, width, height, focal, networkSize, milliseconds, warnings }
  }
}

/** What is wrong with the photo, or with what is said of its lens and size, is the client's mistake. */
function throwUnusable(error: unknown): never {
  throw blaming('unusable-image', error)
}

/** A failure of what is done with a step is none of the photo's. */
async function* blamingSteps(steps: AsyncIterable<ServedStep>): AsyncGenerator<ServedStep> {
  try {
    yield* steps
  } catch (error) {
    throwUnusable(error)
  }
}
