/**
 * A loaded model as users see it: images in, depth maps in metres out. The command line, a server and the examples call
 * it; `loadModel` of node/ makes one.
 *
 * This class decides what is cheap and must be known first: the network's size for an image, its lens, and which images
 * share a batch. Decoding and prediction happen in a `Workplace`, so nothing here blocks the event loop. The evaluator
 * needs maps at other points than the image's pixels, so `predictMaps` returns them as the network gives them.
 */
import type { RgbImage } from '../image/types.ts'
import { type DarConfig, mapCount } from '../model/index.ts'
import { assert, DarError } from '../support/errors.ts'
import { refuseUnknown, refuseUnlessBoolean } from '../support/options.ts'
import { Batcher } from './batcher.ts'
import { Gate } from './gate.ts'
import { lensOf } from './lens.ts'
import type { Answer, Job, StepAnswer } from './pipeline.ts'
import { predictTiled } from './predict-tiled.ts'
import { Result, type ResultData, type ResultTools } from './result.ts'
import { chooseSize, judgeShape, listed, type SizedModel, sizeText } from './size.ts'
import type {
  DepthResult,
  ImageInput,
  NetworkMaps,
  NetworkStep,
  PredictOptions,
  Size,
  StreamedMap,
  StreamedMaps,
  StreamOptions,
} from './types.ts'
import { untilAborted } from './until-aborted.ts'

/** Batches of `predictMany` that are decoded ahead of the one that the network works on. */
const AHEAD = 1

/**
 * Photos that are read, or wait for the network as pixels, at once: enough to keep it busy, and no more. Two hundred calls at once
 * would hold 36 MB each, and copy all of them between two turns of the event loop.
 */
const MOST_AT_ONCE = 3

const STREAM_OPTIONS: Readonly<Record<keyof StreamOptions, true>> = {
  focal: true,
  fov: true,
  intrinsics: true,
  flip: true,
  size: true,
  signal: true,
}
const OPTIONS: Readonly<Record<keyof PredictOptions, true>> = { ...STREAM_OPTIONS, steps: true, tiles: true }

/** The description of a model, without its weights. */
export interface ModelDescription extends SizedModel {
  /** The shipped model's name, or that of the file. */
  readonly name: string
  /** Where it came from, for messages. */
  readonly path: string
  /** SHA-256 of its file, in hexadecimal; null where it has none. */
  readonly hash: string | null
  readonly config: DarConfig
  /** False for a model of relative depth, to which no lens gives a unit. */
  readonly metric: boolean
}

/** Where a model runs: in Node a worker thread (node/load-model.ts), in a page a web worker. */
export interface Workplace {
  /**
   * Reads pixels into memory of their own, which `predict` may transfer. Throws a DarError when the input is no image.
   */
  decode(input: ImageInput): Promise<RgbImage>
  /** Runs `Pipeline.predict` there. Requests are answered one after another. */
  predict(network: Size, jobs: readonly Job[]): Promise<readonly Answer[]>
  /**
   * Runs `Pipeline.stream` there, each step when it is asked for (open-streams.ts). Other requests have their turn between two
   * steps.
   */
  stream(network: Size, job: Job): AsyncGenerator<StepAnswer, void, undefined>
  /** Writes a result to a file; absent where there are none. */
  readonly save?: ResultTools['save']
  /** Frees everything. Called when no prediction is under way. */
  dispose(): Promise<void>
}

/** Of `predictMany`. */
export type ManyOptions = PredictOptions & {
  /** Called after every image with how many are done, failed ones among them. */
  readonly onProgress?: (done: number) => void
}

/** One image of `predictMany`: its map, or why there is none. */
export type ManyResult<Input extends ImageInput = ImageInput> =
  | { readonly index: number; readonly image: Input; readonly map: DepthResult; readonly error: null }
  | { readonly index: number; readonly image: Input; readonly map: null; readonly error: DarError }

/** Which maps are wanted, and whether the network runs step by step. */
interface How {
  readonly maps: Job['maps']
  readonly stepwise: boolean
}

/** A photo that is ready for the network, and what is known of its maps. */
interface Prepared {
  readonly network: Size
  readonly job: Job
  /** Milliseconds. */
  readonly decode: number
  readonly about: Pick<DepthResult, 'width' | 'height' | 'focal' | 'intrinsics' | 'networkSize' | 'warnings'>
}

/** A step of a stream, and what is known of its photo. */
type Step = Pick<StepAnswer, 'step' | 'of' | 'facts'> &
  Pick<Prepared, 'about'> &
  Pick<DepthResult, 'milliseconds'> & { readonly maps: NetworkStep }

/** An answer, and what is known of its photo. */
type Maps = Omit<Answer, 'finite' | 'milliseconds'> & Prepared['about'] & Pick<DepthResult, 'milliseconds'>

interface DepthModelOptions {
  readonly batch?: number
  /** What `predict` takes for `size` unless it is told otherwise. */
  readonly size?: Size
}

/**
 * Makes a `DepthModel`, which takes over the workplace. Set by the class: who uses the package gets models from `loadModel` and
 * need not see what they are made of.
 */
export let createDepthModel: (model: ModelDescription, workplace: Workplace, options?: DepthModelOptions) => DepthModel

/** A model that is loaded and predicts; `loadModel` makes one. It holds a thread: dispose it. */
export class DepthModel {
  static {
    createDepthModel = (model, workplace, options = {}) => new DepthModel(model, workplace, options)
  }

  /** The shipped model's name, or that of the file. */
  readonly name: string
  readonly config: DarConfig
  /** Pixel budget of the network's input, for a model that does not name the sizes it was trained at. */
  readonly size: Size
  /** The sizes that the model was trained at, of which `predict` takes the nearest; empty where that is not known. */
  readonly trainedSizes: readonly Size[]
  /** Images that go through the network together. */
  readonly batch: number
  readonly #model: ModelDescription
  readonly #workplace: Workplace
  readonly #size: Size | undefined
  readonly #batches: Batcher<{ readonly network: Size; readonly job: Job }, Answer>
  readonly #running = new Set<Promise<unknown>>()
  readonly #gate: Gate
  #disposal: Promise<void> | null = null

  private constructor(model: ModelDescription, workplace: Workplace, { batch = 1, size }: DepthModelOptions) {
    this.name = model.name
    this.config = model.config
    this.size = model.size
    this.trainedSizes = model.trainedSizes
    this.batch = batch
    this.#model = model
    this.#workplace = workplace
    this.#size = size
    this.#gate = new Gate(Math.max(MOST_AT_ONCE, 2 * batch))
    this.#batches = new Batcher(batch, (_, together) =>
      workplace.predict(
        together[0].network,
        together.map(({ job }) => job),
      ),
    )
  }

  /**
   * The depth map of one photo, in metres, at the photo's size. The first image of a new shape compiles a program,
   * which takes about a second. Calls may overlap; the network works on one image at a time. Pixels that are passed in
   * must not change until the map is there.
   *
   * Metres are right only as far as the focal length is known: give `focal`, or an image whose EXIF tells it. Else the
   * lens is taken for a phone's main camera (26 mm equivalent), and a photo that was cropped or taken with another
   * lens comes out uniformly too near or too far.
   * Every depth lies in the model's range, `config.dMin` to `config.dMax`, which a lens s times as long moves s times as far away.
   * @throws DarError when the image cannot be read (see `decodeImage`) or an option makes no sense.
   */
  predict(image: ImageInput, options: PredictOptions = {}): Promise<DepthResult> {
    return this.#predict(image, options, { stepwise: options?.signal !== undefined && this.batch === 1 })
  }

  /** `stepwise`: run the network step by step, so that a signal stops it between two steps. */
  #predict(
    image: ImageInput,
    options: PredictOptions,
    { stepwise }: { readonly stepwise: boolean },
  ): Promise<DepthResult> {
    if (options?.tiles) return this.#tiled(image, options)
    return this.#underWay(async () => {
      const maps = await this.#maps(image, options, { maps: 'image', stepwise })
      const { depth, sigma, facts, milliseconds, steps, ...about } = maps
      const { width, height } = about
      assert(facts, 'a map without its facts')
      const flatSteps = steps.map((step) => ({ ...flat(step), width, height }))
      return this.#result(image, { ...flat({ depth, sigma }), ...facts, ...about, steps: flatSteps, milliseconds })
    })
  }

  /** The tiles take their turns at the network one by one, so other calls go on meanwhile. */
  #tiled(image: ImageInput, options: PredictOptions): Promise<DepthResult> {
    checkOptions(options, OPTIONS, 'predict')
    const { signal, tiles, ...others } = options
    if (!tiles) throw new Error('internal error: tiles without tiles')
    const work = async (check: () => void) => {
      check()
      const begin = performance.now()
      const pixels = await this.#workplace.decode(image)
      checkCost(pixels, 2)
      const decode = performance.now() - begin
      // Not by the public method, which a model that waits for its last predictions refuses.
      const predictMaps = (image: RgbImage, how: PredictOptions = {}) =>
        this.#maps(image, how, { maps: 'network', stepwise: false })
      const model = { name: this.name, config: this.config, predictMaps }
      const { tiles: _, milliseconds, ...data } = await predictTiled(model, pixels, { ...others, signal, tiles })
      return this.#result(image, { ...data, milliseconds: { ...milliseconds, decode } })
    }
    return this.#underWay(() => (signal ? untilAborted(signal, work) : work(() => {})))
  }

  #result(image: ImageInput, data: Omit<ResultData, 'unit' | 'model'>): Result {
    const { name, hash, metric } = this.#model
    const photo = () => this.#workplace.decode(image)
    const unit = metric ? 'metre' : 'relative'
    return new Result({ ...data, unit, model: { name, hash } }, { photo, save: this.#workplace.save })
  }

  /**
   * The map of every coarse-to-fine step of one photo as soon as it is ready, at the photo's size. The last one is the map of
   * `predict`, bit for bit with the models that ship (a model with `contextGrid: 'memory'` may differ in the last digit of a float32).
   * A model without steps gives one map.
   *
   * A step is computed when the loop asks for it. The rest is not computed when the loop is left or `signal` is aborted. Other
   * calls have their turn between two steps.
   *
   * ```ts
   * for await (const { step, of, depth } of model.stream('photo.jpg')) console.log(`${step} of ${of}: ${depth[0]} m`)
   * ```
   * @throws DarError as `predict`, and of the kind `gone` when the model is disposed before the last step.
   */
  async *stream(image: ImageInput, options: StreamOptions = {}): AsyncGenerator<StreamedMap, void, undefined> {
    for await (const { step, of, maps, facts, milliseconds, about } of this.#stream(image, options, 'image')) {
      assert(facts, 'a step without its facts')
      const data = { ...flat(maps), ...facts, ...about, steps: [], milliseconds }
      yield Object.assign(this.#result(image, data), { step, of, final: step === of })
    }
  }

  /** As `stream`, but with every map at the size that the network gives it. */
  async *streamMaps(image: ImageInput, options: StreamOptions = {}): AsyncGenerator<StreamedMaps, void, undefined> {
    for await (const { step, of, maps, milliseconds, about } of this.#stream(image, options, 'network'))
      yield { ...maps, ...about, steps: [], milliseconds, step, of, final: step === of }
  }

  async *#stream(image: ImageInput, options: StreamOptions, maps: Job['maps']): AsyncGenerator<Step, void, undefined> {
    checkOptions(options, STREAM_OPTIONS, 'stream')
    const { signal } = options
    const abortable = <Result>(work: (check: () => void) => Promise<Result>) =>
      this.#underWay(() => (signal ? untilAborted(signal, work) : work(() => {})))
    let steps: AsyncGenerator<StepAnswer, void, undefined> | null = null
    try {
      // The gate limits the photos that are held as pixels: from the first step on this one is none of them.
      const { first, decode, about } = await abortable((check) =>
        this.#gate.pass(async () => {
          check()
          const wanted = { maps, steps: true, held: 1 } as const
          const { network, job, ...known } = await this.#prepare(image, options, wanted, check)
          steps = this.#workplace.stream(network, job)
          return { first: await steps.next(), ...known }
        }),
      )
      let next = first
      while (!next.done) {
        const { maps: made, milliseconds, ...rest } = next.value
        this.#checkFinite(next.value)
        assert(made, 'a step without its map')
        yield { ...rest, maps: made, about, milliseconds: { decode, ...milliseconds } }
        next = await abortable(() => steps!.next())
      }
    } finally {
      // A step under way ends first, which the caller need not wait for.
      if (steps && !this.#disposal) void this.#underWay(() => steps!.return()).catch(() => {})
    }
  }

  /** As `predict`, but with every map at the size that the network gives it. */
  predictMaps(image: ImageInput, options: Omit<PredictOptions, 'tiles'> = {}): Promise<NetworkMaps> {
    return this.#underWay(async () => {
      const { facts: _, ...maps } = await this.#maps(image, options, { maps: 'network', stepwise: false })
      return maps
    })
  }

  #underWay<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#disposal)
      return Promise.reject(new DarError(`the model ${this.name} was disposed; load it again`, { kind: 'gone' }))
    const result = work()
    const settled: Promise<unknown> = result.catch(() => {}).finally(() => this.#running.delete(settled))
    this.#running.add(settled)
    return result
  }

  /**
   * Depth maps of many photos, in their order; the next photo is read while the network works. A photo that cannot be
   * read gives a result with its `error`, and the rest go on.
   */
  async *predictMany<Input extends ImageInput>(
    images: Iterable<Input> | AsyncIterable<Input>,
    { onProgress, ...options }: ManyOptions = {},
  ): AsyncGenerator<ManyResult<Input>, void, undefined> {
    if (typeof images === 'string') throw new DarError('predictMany takes a list of images; give one path to predict')
    checkOptions(options, OPTIONS, 'predictMany')
    const started: Promise<ManyResult<Input> | { readonly bug: unknown }>[] = []
    let done = 0
    const next = async () => {
      const outcome = await started.shift()!
      if ('bug' in outcome) throw outcome.bug
      onProgress?.(++done)
      return outcome
    }
    try {
      let index = 0
      for await (const image of images) {
        started.push(this.#attempt(image, index++, options))
        if (started.length > AHEAD * this.batch) yield await next()
      }
      while (started.length > 0) yield await next()
    } finally {
      await Promise.all(started) // the caller may have left early
    }
  }

  /** Never rejects: what is no user's mistake waits in the list until its turn. */
  async #attempt<Input extends ImageInput>(image: Input, index: number, options: PredictOptions) {
    try {
      return { index, image, map: await this.#predict(image, options, { stepwise: false }), error: null }
    } catch (error) {
      if (options.signal?.aborted) return { bug: error }
      const isOfImage = error instanceof DarError && error.kind !== 'engine'
      return isOfImage ? { index, image, map: null, error } : { bug: error }
    }
  }

  async #maps(input: ImageInput, options: PredictOptions, how: How): Promise<Maps> {
    checkOptions(options, OPTIONS, 'predict')
    const { signal } = options
    if (!signal) return this.#gate.pass(() => this.#mapsNow(input, options, how))
    return untilAborted(signal, (check) =>
      this.#gate.pass(() => {
        check()
        return this.#mapsNow(input, options, how, check)
      }),
    )
  }

  /** `check` throws when nobody wants the result any more. */
  async #mapsNow(
    input: ImageInput,
    options: PredictOptions,
    { maps, stepwise }: How,
    check: () => void = () => {},
  ): Promise<Maps> {
    const { steps: wanted = false } = options
    const held = wanted ? mapCount(this.config) : 1
    const { network, job, decode, about } = await this.#prepare(input, options, { maps, steps: wanted, held }, check)
    const answer = stepwise
      ? await this.#stepByStep(network, job, check)
      : await this.#batches.do(`${sizeText(network)}${job.flip ? ', mirrored too' : ''}`, { network, job })
    this.#checkFinite(answer)
    const { finite: _, milliseconds, ...found } = answer
    return { ...found, ...about, milliseconds: { decode, ...milliseconds } }
  }

  /** The same answer, but from one program a step, with a `check` between them. */
  async #stepByStep(network: Size, job: Job, check: () => void): Promise<Answer> {
    const steps: NetworkStep[] = []
    for await (const { maps, facts, finite, milliseconds, step, of } of this.#workplace.stream(network, job)) {
      if (maps) steps.push(maps)
      if (step === of && maps) return { ...maps, steps: job.steps ? steps : [], finite, facts, milliseconds }
      check()
    }
    throw new Error('internal error: a stream without a last step')
  }

  /** Reads the photo and decides at which size and through which lens it is predicted. `held`: steps that are kept at once. */
  async #prepare(
    input: ImageInput,
    { size, flip, ...options }: PredictOptions,
    { maps, steps, held }: Pick<Job, 'maps' | 'steps'> & { readonly held: number },
    check: () => void,
  ): Promise<Prepared> {
    const begin = performance.now()
    const image = await this.#workplace.decode(input)
    check()
    const decode = performance.now() - begin
    const { width, height } = image
    checkCost(image, maps === 'network' ? 0 : 2 * held)
    const { network, warning } = chooseSize(image, size ?? this.#size, this.#model)
    const shape = judgeShape(image, network)
    const { focal: given, fov, intrinsics: camera } = options
    const { metres, range, focal, intrinsics } = lensOf(image, network, { focal: given, fov, intrinsics: camera })
    const { dMin, dMax } = this.config
    const scaled = { metres, range: { least: dMin * range, most: dMax * range } }
    const job: Job = { image, ...(this.#model.metric ? scaled : { metres: 1, range: null }), steps, maps, flip }
    const warnings = [warning, shape].filter((text) => text !== null)
    return { network, job, decode, about: { width, height, focal, intrinsics, networkSize: network, warnings } }
  }

  #checkFinite({ finite }: { readonly finite: boolean }): void {
    if (!finite)
      throw new DarError(
        `the model ${this.name} predicts depths that are not numbers; ${this.#model.path} is damaged, download or train it again`,
      )
  }

  /** Waits for predictions under way, then frees thread and memory. Safe to call twice. */
  dispose(): Promise<void> {
    this.#disposal ??= Promise.all(this.#running).then(() => this.#workplace.dispose())
    return this.#disposal
  }

  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    const { head, encoder, dMin, dMax } = this.config
    const sizes = this.trainedSizes.length > 0 ? `, trained at ${listed(this.trainedSizes)}` : ''
    const range = this.#model.metric ? `${dMin} to ${dMax} m` : 'relative depth'
    return `DepthModel ${this.name} (${head.kind} on ${encoder.kind}, ${range}${sizes}${this.#disposal ? ', disposed' : ''})`
  }

  /** As `dispose`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

function checkOptions(options: PredictOptions, known: Readonly<Record<string, true>>, what: string): void {
  refuseUnknown(options, known, what)
  refuseUnlessBoolean({ flip: options.flip, steps: options.steps }, what)
}

/** A step's maps as users see them. */
const flat = ({ depth, sigma }: NetworkStep) => ({ depth: depth.data, data: depth.data, sigma: sigma?.data ?? null })

/** Memory that the maps of one photo may take. 100 megapixels with depth and sigma take 0.8 GB; with five steps, 4 GB. */
const MAX_MAP_BYTES = 2 ** 31

/** Throws a DarError when `maps` float32 maps at the image's size would take more than that. */
function checkCost({ width, height }: Size, maps: number): void {
  const bytes = 4 * width * height * maps
  if (bytes > MAX_MAP_BYTES)
    throw new DarError(
      `the ${maps} maps of an image of ${width}×${height} pixels would take ${(bytes / 1e9).toFixed(1)} GB; scale it down, leave steps out, or use predictMaps`,
    )
}
