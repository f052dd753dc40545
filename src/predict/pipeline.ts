/**
 * From the pixels of a photo to its maps in metres, in the thread that the engine runs in:
 *
 *     resize to the network's size → network → metres → resize to the image's size
 *
 * The network's maps leave the engine at their own sizes: from the network's size down to a few cells for the first
 * step of a soft tree on halved grids. They are resized bilinearly here, once, as in the training loss. In the graph,
 * the same resize would need a compiled program for every image size.
 *
 * For a photo of 12 megapixels with every step this takes a second or more, and building a graph takes half a second.
 * It must therefore run in a worker thread. Callers use depth-model.ts. Left out: tiles, video.
 *
 * `predict` runs the network as one program, `stream` as one program a step, each when it is asked for. Both give the
 * same maps (step-programs.ts).
 */
import { compile, compileStages, type PortInfo, type WeightSource } from '../graph/index.ts'
import { resizeBilinear, toPlanes } from '../image/resize.ts'
import type { DepthImage, RgbImage } from '../image/types.ts'
import { type DarConfig, mapCount } from '../model/index.ts'
import { concatenated } from '../support/arrays.ts'
import { assert } from '../support/errors.ts'
import { factsOf, type MapFacts } from './facts.ts'
import { averageWithMirror, mirrored } from './mirror.ts'
import { outputsOfStep, predictionOutputs, predictionStages } from './prediction-graph.ts'
import { LeasedCache } from './program-cache.ts'
import type { RunnableGraph, Runner } from './runner.ts'
import { sizeText } from './size.ts'
import { StepPrograms } from './step-programs.ts'
import { stopwatch } from './stopwatch.ts'
import type { NetworkStep, Size, Timing } from './types.ts'

/**
 * Number of network sizes whose programs (for one image and for a batch) are kept: landscape, portrait and one more.
 */
const KEPT_SIZES = 3

/** The parts of a model that the pipeline uses. */
export interface PipelineModel {
  /** For the names of graphs in messages. */
  readonly name: string
  readonly config: DarConfig
  readonly weights: Exclude<WeightSource, { kind: 'inputs' }>
}

/** A photo to predict. */
export interface Job {
  readonly image: RgbImage
  /** What the maps are multiplied by: metres per canonical metre, 1 for a relative model. */
  readonly metres: number
  /** Metres that no depth leaves; null for a relative model. */
  readonly range: { readonly least: number; readonly most: number } | null
  /** Also the map of every step. */
  readonly steps: boolean
  /** Size of the maps: the one that the network gives to each, or the image's. */
  readonly maps: 'network' | 'image'
  /** Averaged with the maps of the mirrored image. The same for all jobs of one call. */
  readonly flip?: boolean
}

/** The network's maps of a photo. The result and the last step share one array. */
export interface Answer extends NetworkStep {
  /** Coarse to fine; empty unless they were asked for. */
  readonly steps: readonly NetworkStep[]
  /** Whether every depth is a finite number. */
  readonly finite: boolean
  /** Of the last map; null at the network's size. */
  readonly facts: MapFacts | null
  readonly milliseconds: Omit<Timing, 'decode'>
}

/** One step of a stream. */
export interface StepAnswer {
  /** From 1. */
  readonly step: number
  /** Number of steps. */
  readonly of: number
  /** null for a step before the last unless the job wants every step. */
  readonly maps: NetworkStep | null
  /** Whether every depth is a finite number. */
  readonly finite: boolean
  /** Null where `maps` is, and at the network's size. */
  readonly facts: MapFacts | null
  /** From the beginning to this map, in parts; the time between two steps in which nobody asked for the next is not in it. */
  readonly milliseconds: Omit<Timing, 'decode'>
}

export class Pipeline {
  private readonly programs: LeasedCache<RunnableGraph>
  private readonly stepPrograms = new LeasedCache<StepPrograms>(KEPT_SIZES)

  /** `batch`: the most images that go through the network together. The runner stays the caller's. */
  constructor(
    private readonly model: PipelineModel,
    private readonly runner: Runner,
    { batch = 1 }: { readonly batch?: number } = {},
  ) {
    this.programs = new LeasedCache(KEPT_SIZES * (batch > 1 ? 2 : 1))
  }

  /** Runs the images of one network size in one call. The program for their number is compiled at its first use. */
  predict(network: Size, jobs: readonly Job[]): Promise<Answer[]> {
    const clock = stopwatch()
    const key = `${jobs.length} of ${network.width}x${network.height}`
    return this.programs.use(
      key,
      () => this.load(network, jobs.length),
      async (program) => {
        const compile = clock()
        const preparing: number[] = []
        const planes = jobs.map(({ image }) => {
          const resized = toPlanes(image, network.width, network.height)
          preparing.push(clock())
          return resized
        })
        const wanted = this.wantedOutputs(program, { steps: jobs.some(({ steps }) => steps) })
        const image = planes.length === 1 ? planes[0] : concatenated(planes)
        const straight = await program.run({ image }, wanted)
        const turned = jobs[0].flip ? await program.run({ image: mirrored(image, network.width) }, wanted) : null
        const run = (straight.milliseconds + (turned?.milliseconds ?? 0)) / jobs.length
        clock()
        return jobs.map((job, i) => {
          const maps = this.mapsOf(job, (name) =>
            nativeMap(program.outputs, name, i, straight.outputs, turned?.outputs),
          )
          return { ...maps, milliseconds: { compile, prepare: preparing[i], run, finish: clock() } }
        })
      },
    )
  }

  /**
   * The steps of one image as they are ready. A step is computed when it is asked for: a caller that leaves early has the rest not
   * computed. The image's pixels are read before the first step only.
   */
  async *stream(network: Size, job: Job): AsyncGenerator<StepAnswer, void, undefined> {
    const { width, height } = network
    const clock = stopwatch()
    const { value: programs, release } = await this.stepPrograms.lease(sizeText(network), async () =>
      this.stepProgramsAt(network),
    )
    try {
      const milliseconds = { compile: clock(), prepare: 0, run: 0, finish: 0 }
      const planes = toPlanes(job.image, width, height)
      milliseconds.prepare = clock()
      const of = mapCount(this.model.config)
      let step = 0
      const mirror = job.flip ? programs.run(mirrored(planes, width)) : null
      for await (const { outputs, ports, compile, run } of programs.run(planes)) {
        const turned = (await mirror?.next())?.value
        milliseconds.compile += compile
        milliseconds.run += run + (turned?.run ?? 0)
        step++
        clock()
        const wanted = job.steps || step === of
        const raw = (name: string) => nativeMap(ports, name, 0, outputs, turned?.outputs)
        const made = wanted ? this.finished(job, step, raw) : null
        const facts = made && factsOfJob(job, made)
        milliseconds.finish += clock()
        const maps = made && { depth: made.depth, sigma: made.sigma }
        yield { step, of, maps, facts, finite: made?.finite ?? true, milliseconds: { ...milliseconds } }
      }
    } finally {
      await release()
    }
  }

  private stepProgramsAt(network: Size): StepPrograms {
    const { name, config, weights } = this.model
    const title = `${name} at ${sizeText(network)}`
    return new StepPrograms(compileStages(predictionStages(config, network), { name: title, weights }), this.runner)
  }

  /** The final maps, and with `steps` all of them. */
  private wantedOutputs(program: RunnableGraph, { steps }: { readonly steps: boolean }): string[] {
    const last = Object.values(outputsOfStep(mapCount(this.model.config), this.model.config))
    const names = program.outputs.map(({ name }) => name)
    return steps ? names : names.filter((name) => last.includes(name))
  }

  private load({ width, height }: Size, batch: number): Promise<RunnableGraph> {
    const { name, config, weights } = this.model
    const { outputs } = predictionOutputs(config, { width, height }, { batch })
    const title = `${name} at ${width}x${height}${batch > 1 ? `, ${batch} images` : ''}`
    return this.runner.load(compile(outputs, { name: title, weights }))
  }

  /** `raw`: a map in canonical metres at its own size, or null where the model has none of that name. */
  private mapsOf(job: Job, raw: (name: string) => DepthImage | null): Omit<Answer, 'milliseconds'> {
    const count = mapCount(this.model.config)
    const { finite, ...last } = this.finished(job, count, raw)
    const facts = factsOfJob(job, last)
    if (!job.steps) return { ...last, steps: [], finite, facts }
    const earlier = Array.from({ length: count - 1 }, (_, i) => {
      const { depth, sigma } = this.finished(job, i + 1, raw)
      return { depth, sigma }
    })
    return { ...last, steps: [...earlier, last], finite, facts }
  }

  /** The maps of a step in metres, at the size that the job asks for. */
  private finished(
    { image: { width, height }, metres, range, maps }: Job,
    k: number,
    raw: (name: string) => DepthImage | null,
  ): NetworkStep & { readonly finite: boolean } {
    const names = outputsOfStep(k, this.model.config)
    const sized = (map: DepthImage): DepthImage =>
      maps === 'network' ? map : { width, height, data: resizeBilinear(map.data, map.width, map.height, width, height) }
    const depth = raw(names.depth)
    assert(depth, `a program without ${names.depth}`)
    scale(depth, metres)
    const finite = allFinite(depth)
    if (range) clamp(depth, range)
    const sigma = raw(names.sigma)
    if (sigma) scale(sigma, metres)
    return { finite, depth: sized(depth), sigma: sigma && sized(sigma) }
  }

  /** Frees the programs. */
  async dispose(): Promise<void> {
    await Promise.all([this.programs.clear(), this.stepPrograms.clear()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

type Outputs = Readonly<Record<string, Float32Array>>

/** The map of image `i` of a batch: a stretch of the output's memory, averaged with `turned`, the outputs of the mirrored images. */
function nativeMap(
  ports: readonly PortInfo[],
  name: string,
  i: number,
  outputs: Outputs,
  turned?: Outputs,
): DepthImage | null {
  const port = ports.find((output) => output.name === name)
  if (!port) return null
  const [width, height] = [port.shape[3], port.shape[2]]
  const mapIn = (of: Outputs): DepthImage => ({
    data: of[name].subarray(i * width * height, (i + 1) * width * height),
    width,
    height,
  })
  const map = mapIn(outputs)
  if (turned) averageWithMirror(map, mapIn(turned))
  return map
}

/** At the network's size nobody asks for them. */
const factsOfJob = ({ maps, range }: Job, { depth }: NetworkStep) =>
  maps === 'image' ? factsOf(depth.data, range) : null

/** In its own memory. */
function scale({ data }: DepthImage, factor: number): void {
  for (let i = 0; i < data.length; i++) data[i] *= factor
}

/** In its own memory. A stretched view and a last convolution can lead a little out of the range of the bins. */
function clamp({ data }: DepthImage, { least, most }: { readonly least: number; readonly most: number }): void {
  for (let i = 0; i < data.length; i++) data[i] = Math.min(most, Math.max(least, data[i]))
}

function allFinite({ data }: DepthImage): boolean {
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += data[i] // one NaN or infinity makes the sum NaN or infinite
  return Number.isFinite(sum)
}
