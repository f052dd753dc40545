/**
 * A model in a page's worker: a `DepthModel` over a `Pipeline` like that of Node's thread, and the trees of the pixels of the photo that it predicted last.
 *
 * The tensors of a tree come from a second program, which also computes every bin's probabilities. It is compiled and run when the
 * first pixel of a photo is asked for; the other pixels of that photo cost nothing. The weights of its session are a second copy in
 * the engine's memory.
 */
import { compile } from '../graph/index.ts'
import { toPlanes } from '../image/resize.ts'
import { imageMultiple, isMetric, type WeightShapes } from '../model/index.ts'
import {
  createDepthModel,
  type DepthModel,
  describeStored,
  type Job,
  type NamedTensor,
  Pipeline,
  type PipelineModel,
  pixelTree,
  type RunnableGraph,
  type Runner,
  type Size,
  type StoredDescription,
  sizeText,
  type TreeStep,
  treeOutputs,
} from '../predict/index.ts'
import { parseSafetensors } from '../safetensors/index.ts'
import { DarError } from '../support/errors.ts'
import type { HostParts } from './host-parts.ts'
import { pixelsOf } from './pixels-of.ts'
import type { WebImage } from './protocol.ts'

interface Shown {
  readonly job: Job
  readonly network: Size
  /** Of the tree's program, once a pixel was asked for. */
  traced: Promise<ReadonlyMap<string, NamedTensor>> | null
}

/** What a model is made of. */
export interface HostedModelParts {
  readonly name: string
  /** Where it came from, for messages. */
  readonly url: string
  /** The bytes of a model file. */
  readonly bytes: Uint8Array
  readonly runner: Runner
  readonly decode: HostParts['decode']
}

export class HostedModel {
  /** As Node's `loadModel` gives it. */
  readonly model: DepthModel
  /** Whether depths are metres. */
  readonly metric: boolean
  /** Of every weight. */
  readonly shapes: WeightShapes
  private readonly stored: PipelineModel & StoredDescription
  private readonly runner: Runner
  private shown: Shown | null = null
  private tracer: { readonly network: string; readonly program: Promise<RunnableGraph> } | null = null

  /** Throws a DarError when the bytes are no model. */
  constructor({ name, url, bytes, runner, decode }: HostedModelParts) {
    const { metadata, tensors } = parseSafetensors(bytes, name)
    const described = describeStored({ metadata, tensors }, name)
    const values = new Map([...tensors].map(([tensor, data]) => [tensor, data.toFloat32()]))
    const { config, size, trainedSizes } = described
    this.runner = runner
    this.metric = isMetric(config)
    this.shapes = [...tensors].map(([name, { shape }]) => ({ name, shape }))
    this.stored = { ...described, name, weights: { kind: 'embedded', values } }
    const pipeline = new Pipeline(this.stored, runner)
    const multiple = imageMultiple(config)
    this.model = createDepthModel(
      { name, path: url, config, size, trainedSizes, multiple, metric: this.metric, hash: null },
      {
        decode: (input) => pixelsOf(input as WebImage, decode),
        predict: async (network, jobs) => {
          const answers = await pipeline.predict(network, jobs)
          this.shown = { job: jobs[jobs.length - 1], network, traced: null }
          return answers
        },
        stream: (network, job) => {
          this.shown = { job, network, traced: null }
          return pipeline.stream(network, job)
        },
        dispose: async () => {
          await pipeline.dispose()
          await this.tracer?.program.then((program) => program.dispose()).catch(() => {})
        },
      },
    )
  }

  /** x, y: a pixel of the last photo. Metres as in its depth map. Throws a DarError when there is none, or the model has no bins. */
  async tree(x: number, y: number): Promise<readonly TreeStep[]> {
    const { shown } = this
    if (!shown) throw new DarError('no photo has been predicted yet; give one first')
    shown.traced ??= this.trace(shown)
    const { width, height } = shown.job.image
    const traced = await shown.traced.catch((error) => {
      shown.traced = null // another try may work
      throw error
    })
    const tree = pixelTree(traced, this.stored.config, { x, y, width, height })
    return tree.map((step) => inMetres(step, shown.job.metres))
  }

  private async trace({ job, network }: Shown): Promise<ReadonlyMap<string, NamedTensor>> {
    const program = await this.tracerAt(network)
    const names = program.outputs.map(({ name }) => name)
    const { outputs } = await program.run({ image: toPlanes(job.image, network.width, network.height) }, names)
    return new Map(program.outputs.map(({ name, shape }) => [name, { shape, values: outputs[name] }]))
  }

  private async tracerAt(network: Size): Promise<RunnableGraph> {
    const at = sizeText(network)
    if (this.tracer?.network !== at) {
      const last = this.tracer
      const { name, config, weights } = this.stored
      const load = () =>
        this.runner.load(compile(treeOutputs(config, network), { name: `the tree of ${name} at ${at}`, weights }))
      this.tracer = { network: at, program: Promise.resolve().then(load) }
      await last?.program.then((program) => program.dispose()).catch(() => {})
    }
    const { tracer } = this
    return tracer.program.catch((error) => {
      if (this.tracer === tracer) this.tracer = null
      throw error
    })
  }
}

/** Lengths times the factor of the lens; probabilities as they are. */
function inMetres({ step, edges, probabilities, depth, sigma }: TreeStep, metres: number): TreeStep {
  return {
    step,
    edges: edges.map((edge) => edge * metres),
    probabilities,
    depth: depth * metres,
    sigma: sigma * metres,
  }
}
