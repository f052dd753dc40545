/**
 * A loaded model: images in, depth maps in metres out. This is the pipeline that the command line, the server and the examples call.
 *
 *     decode → resize to the network's size → network (in its own thread) → metres → resize to the image's size
 *
 * The network's maps leave the engine at their own size (the last at the network's or an eighth of it, earlier ones and σ at
 * an eighth) and are resized bilinearly here, in one step each, as in the training loss. On the engine the same resize would be
 * part of a graph that must be compiled for every image size. Who needs the maps at other places than the image's pixels, as
 * the evaluator does, takes them as they are (`predictMaps`). Left out: tiles, video.
 */
import { compile } from '../graph/index.ts'
import { resizeBilinear } from '../image/resize.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import { type DarConfig, imageMultiple, isMetric, mapCount } from '../model/index.ts'
import { Batcher } from '../predict/batcher.ts'
import { depthOutput, predictionOutputs, sigmaOutput } from '../predict/prediction-graph.ts'
import { prepare } from '../predict/prepare.ts'
import { LeasedCache } from '../predict/program-cache.ts'
import { checkSize, nearestShape, networkSize } from '../predict/size.ts'
import type { DepthMap, ImageInput, NetworkMaps, PredictOptions, Size } from '../predict/types.ts'
import { Engine, type Program } from '../runtime/engine.ts'
import type { Idle, Provider } from '../runtime/protocol.ts'
import { concatenated } from '../support/arrays.ts'
import { assert, DarError } from '../support/errors.ts'
import { decodeImage } from './decode.ts'
import { loadMapped } from './mapped.ts'
import { MAP_ABOVE, type ModelFile, openModel } from './model-file.ts'

/** Network sizes whose programs, for one image and for a batch, are kept: landscape, portrait, and one to spare. */
const KEPT_SIZES = 3

/** Batches of `predictMany` that are decoded ahead of the one that the network works on. */
const AHEAD = 1

export interface LoadModelOptions {
  /** Threads inside the engine; default: all cores. */
  readonly threads?: number
  /** What an engine's thread does while it waits for the others; `sleep` where more than predicting goes on. Default `spin`. */
  readonly idle?: Idle
  /** What computes: `cpu`, or `webgpu` where the machine has it. */
  readonly provider?: Provider
  /** Pixel budget of the network's input instead of the one that the model was trained for: larger is finer and slower. */
  readonly size?: Size
  /**
   * Images of one shape that go through the network together when that many wait (calls of `predict` that overlap, or
   * `predictMany`): more images a second, each later. Default 1.
   */
  readonly batch?: number
  /**
   * Bytes of float32 weights from which on a file is memory-mapped instead of read. Mapped weights open at once and are
   * shared between processes, but the engine cannot repack them for speed.
   */
  readonly mapAbove?: number
}

export type ManyOptions = PredictOptions & {
  /** Called after every image with how many are done, failed ones among them. */
  readonly onProgress?: (done: number) => void
}

/** One image of `predictMany`: its map, or why there is none. */
export type ManyResult<Input extends ImageInput = ImageInput> =
  | { readonly index: number; readonly image: Input; readonly map: DepthMap; readonly error: null }
  | { readonly index: number; readonly image: Input; readonly map: null; readonly error: DarError }

/**
 * Loads a shipped model by name, or a `.safetensors` file that `dar train` wrote by its path.
 *
 * ```ts
 * import { loadModel } from 'dar-depth'
 *
 * const model = await loadModel('dar-nano')
 * const { depth, width, height } = await model.predict('photo.jpg')
 * const centre = depth[(height >> 1) * width + (width >> 1)]
 * console.log(`the middle of the picture is ${centre.toFixed(2)} m away`)
 * ```
 *
 * The model holds a thread and native memory until `dispose()`.
 * @throws DarError when there is no such model, or the file is damaged or not a model: the message names it and the remedy.
 */
export async function loadModel(
  nameOrPath: string,
  { threads, idle, provider, size, batch = 1, mapAbove = MAP_ABOVE }: LoadModelOptions = {},
): Promise<DepthModel> {
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0))
    throw new DarError(`threads is ${threads}; give a whole number of at least 1`)
  if (!(Number.isInteger(batch) && batch > 0))
    throw new DarError(`batch is ${batch}; give a whole number of at least 1`)
  if (size) checkSize(size)
  const file = await openModel(nameOrPath, { mapAbove })
  const engine = new Engine({ threads, idle, provider })
  return new DepthModel(size ? { ...file, size, trainedSizes: [] } : file, engine, { batch })
}

/** An image at the network's size. */
interface Job {
  readonly planes: Float32Array
  readonly steps: boolean
  readonly network: Size
}

/** What the network says of it, and the milliseconds: of compiling, and this image's share of the run. */
interface Answer {
  /** A map at its native size, in canonical metres; null where the program has none of the name. */
  readonly raw: (name: string) => DepthImage | null
  readonly compile: number
  readonly run: number
}

export class DepthModel {
  /** The shipped model's name, or that of the file. */
  readonly name: string
  readonly config: DarConfig
  /** Pixel budget of the network's input, for a model that does not name the sizes it was trained at. */
  readonly size: Size
  private readonly file: ModelFile
  private readonly engine: Engine
  private readonly programs: LeasedCache<Program>
  /** Images that go through the network together. */
  readonly batch: number
  private readonly batches: Batcher<Job, Answer>
  private readonly running = new Set<Promise<unknown>>()
  private disposed = false

  /** Use `loadModel`. The model takes over the engine. */
  constructor(file: ModelFile, engine: Engine, { batch = 1 }: { readonly batch?: number } = {}) {
    this.name = file.name
    this.config = file.config
    this.size = file.size
    this.file = file
    this.engine = engine
    this.batch = batch
    this.programs = new LeasedCache(KEPT_SIZES * (batch > 1 ? 2 : 1))
    this.batches = new Batcher(batch, (size, jobs) => this.runTogether(size, jobs))
  }

  /**
   * The depth map of one photo, in metres, at the photo's size. The first image of a new shape compiles a program, which takes
   * about a second; calls may overlap, the network works on one image at a time.
   *
   * Metres are right only as far as the focal length is known: give `focal`, or an image whose EXIF tells it. Else the
   * lens is taken for a phone's main camera (26 mm equivalent), and a photo that was cropped or taken with another
   * lens comes out uniformly too near or too far.
   * @throws DarError when the image cannot be read (see `decodeImage`) or an option makes no sense.
   */
  predict(image: ImageInput, options: PredictOptions = {}): Promise<DepthMap> {
    return this.underWay(async () => {
      const maps = await this.maps(image, options)
      const clock = stopwatch()
      const { width, height, focal, networkSize, milliseconds } = maps
      // A map that stands twice, the last step and the output, is resized once.
      const resized = new Map<DepthImage, Float32Array>()
      const atImage = (map: DepthImage): Float32Array => {
        const data = resized.get(map) ?? resizeBilinear(map.data, map.width, map.height, width, height)
        resized.set(map, data)
        return data
      }
      const both = ({ depth, sigma }: NetworkMaps['steps'][number]) => ({
        depth: atImage(depth),
        sigma: sigma && atImage(sigma),
        width,
        height,
      })
      const result = { ...both(maps), steps: maps.steps.map(both), focal, networkSize }
      return { ...result, milliseconds: { ...milliseconds, finish: milliseconds.finish + clock() } }
    })
  }

  /** As `predict`, but every map as the network gives it, at its own size. */
  predictMaps(image: ImageInput, options: PredictOptions = {}): Promise<NetworkMaps> {
    return this.underWay(() => this.maps(image, options))
  }

  private underWay<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.disposed) return Promise.reject(new DarError(`the model ${this.name} was disposed; load it again`))
    const result = work()
    const settled: Promise<unknown> = result.catch(() => {}).finally(() => this.running.delete(settled))
    this.running.add(settled)
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
        started.push(this.attempt(image, index++, options))
        if (started.length > AHEAD * this.batch) yield await next()
      }
      while (started.length > 0) yield await next()
    } finally {
      await Promise.all(started) // the caller may have left early
    }
  }

  /** Never rejects: what is no user's mistake waits in the list until its turn. */
  private async attempt<Input extends ImageInput>(image: Input, index: number, options: PredictOptions) {
    try {
      return { index, image, map: await this.predict(image, options), error: null }
    } catch (error) {
      return error instanceof DarError ? { index, image, map: null, error } : { bug: error }
    }
  }

  /** A budget that was asked for is fitted to the image's shape; else a size that the model was trained at is used. */
  private networkSizeFor(image: Size, asked: Size | undefined): Size {
    const { trainedSizes, size } = this.file
    if (!asked && trainedSizes.length > 0) return nearestShape(image, trainedSizes)
    return networkSize(image, checkSize(asked ?? size), imageMultiple(this.config))
  }

  private async maps(input: ImageInput, { focal, steps = false, size }: PredictOptions): Promise<NetworkMaps> {
    const clock = stopwatch()
    const image = await pixelsOf(input)
    const decode = clock()
    const network = this.networkSizeFor(image, size)
    const { planes, metres, focal: used } = prepare(image, network, { focal })
    const factor = isMetric(this.config) ? metres : 1 // no lens gives a relative depth a unit
    const preparing = clock()
    const { raw, compile, run } = await this.batches.do(`${network.width}x${network.height}`, {
      planes,
      steps,
      network,
    })
    clock()
    const mapsOf = (depthName: string, sigmaName: string) => {
      const depth = raw(depthName)
      assert(depth, `a program without ${depthName}`)
      const sigma = raw(sigmaName)
      return { depth: inMetres(depth, factor), sigma: sigma && inMetres(sigma, factor) }
    }
    const count = mapCount(this.config)
    const last = mapsOf('depth', sigmaOutput(count))
    this.checkFinite(last.depth)
    const earlier = steps
      ? Array.from({ length: count - 1 }, (_, i) => mapsOf(depthOutput(i + 1), sigmaOutput(i + 1)))
      : []
    const { width, height } = image
    const milliseconds = { decode, compile, prepare: preparing, run, finish: clock() }
    const all = steps ? [...earlier, last] : []
    return { ...last, steps: all, width, height, focal: used, networkSize: network, milliseconds }
  }

  /** Runs images of one network size, 1 or `batch` of them, in one call of the engine. */
  private runTogether(size: string, jobs: readonly Job[]): Promise<Answer[]> {
    const clock = stopwatch()
    const [{ network }] = jobs
    const key = jobs.length === 1 ? size : `${jobs.length} of ${size}`
    const compileIt = () => this.compile(network, jobs.length)
    return this.programs.use(key, compileIt, async (program) => {
      const compiling = clock()
      const wanted = wantedOutputs(
        program,
        jobs.some(({ steps }) => steps),
      )
      const image = jobs.length === 1 ? jobs[0].planes : concatenated(jobs.map(({ planes }) => planes))
      const outputs = await program.run({ image }, { fetch: wanted, transfer: true })
      const run = program.lastMilliseconds / jobs.length
      return jobs.map((_, i): Answer => {
        const raw = (name: string): DepthImage | null => {
          const port = program.outputs.find((output) => output.name === name)
          if (!port) return null
          const [width, height] = [port.shape[3], port.shape[2]]
          const data = (outputs[name] as Float32Array).subarray(i * width * height, (i + 1) * width * height)
          return { data, width, height }
        }
        return { raw, compile: compiling, run }
      })
    })
  }

  private async compile({ width, height }: Size, batch: number): Promise<Program> {
    const { outputs } = predictionOutputs(this.config, { width, height }, { batch })
    const { weights } = this.file
    const name = `${this.name} at ${width}x${height}${batch > 1 ? `, ${batch} images` : ''}`
    const compiled = compile(outputs, { name, weights })
    if (weights.kind === 'external') return loadMapped(this.engine, compiled, this.file.path)
    return this.engine.load(compiled)
  }

  private checkFinite({ data }: DepthImage): void {
    let sum = 0
    for (let i = 0; i < data.length; i++) sum += data[i] // one NaN or infinity is enough to spoil it
    if (!Number.isFinite(sum))
      throw new DarError(
        `the model ${this.name} predicts depths that are not numbers; ${this.file.path} is damaged, download or train it again`,
      )
  }

  /** Waits for predictions under way, then frees the engine. Safe to call twice. */
  async dispose(): Promise<void> {
    this.disposed = true
    await Promise.all(this.running)
    await this.programs.clear()
    await this.engine.dispose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

/** The final maps, and with `steps` all of them. */
function wantedOutputs(program: Program, steps: boolean): string[] {
  const names = program.outputs.map(({ name }) => name)
  const lastSigma = names.findLast((name) => name.startsWith('sigma'))
  return steps ? names : names.filter((name) => name === 'depth' || name === lastSigma)
}

async function pixelsOf(input: ImageInput): Promise<RgbImage> {
  if (typeof input === 'string' || input instanceof Uint8Array) return decodeImage(input)
  const { width, height, data } = input
  if (!(width > 0 && height > 0) || data?.length !== 3 * width * height)
    throw new DarError(
      `the image has ${data?.length ?? 'no'} bytes where ${width}×${height} pixels of 8-bit RGB take ${3 * width * height}`,
    )
  return input
}

/** In its own memory. */
function inMetres(map: DepthImage, factor: number): DepthImage {
  const { data } = map
  for (let i = 0; i < data.length; i++) data[i] *= factor
  return map
}

/** Milliseconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const passed = now - last
    last = now
    return passed
  }
}
