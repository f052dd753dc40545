/**
 * Traces: every named intermediate of a model and, on request, the loss and every gradient. `checkTrace` compares them with
 * those of another implementation.
 *
 * Weights and inputs come from safetensors files. A fixture of the reference implementation has everything in one file:
 *
 *     param/<name>                                  the model; its config is in the metadata
 *     input/image, input/depth                      the inputs: a normalised image; metres, 0 = none
 *     trace/<name>, loss, loss_terms, grad/<name>   the expected results
 *
 * A model file has the parameters without the prefix `param/`. A file of inputs may call them `image` and `depth`.
 */
import { compile, gradient, type Tensor } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import {
  type DarConfig,
  dimensionsOf,
  imageMultiple,
  inferenceGraph,
  inferenceOutputs,
  parseConfig,
  shapeProblem,
  stepLosses,
  total,
} from '../model/index.ts'
import type { NamedTensor } from '../predict/pixel-tree.ts'
import type { Engine } from '../runtime/engine.ts'
import { readWeights, storedConfig } from '../runtime/weights.ts'
import { DarError } from '../support/errors.ts'

/** A result of `traceModel`. It owns its memory. */
export interface TracedTensor extends NamedTensor {
  readonly values: Float32Array<ArrayBuffer>
}

type Tensors = ReadonlyMap<string, NamedTensor>

export interface TraceSource {
  readonly config: DarConfig
  /** By the names of algorithm section 13. */
  readonly parameters: Tensors
  /** B,3,H,W, normalised for the config's encoder. */
  readonly image: NamedTensor
  /** B,1,H',W', metres, 0 = none; null where the file has none. */
  readonly depth: NamedTensor | null
  /** The expected results in the file of inputs, under the names of `traceModel`; empty if it has none. */
  readonly golden: Tensors
  /** The files, for messages. */
  readonly files: { readonly weights: string; readonly input: string }
}

/**
 * Reads a model and its inputs. A fixture holds both, so its path may be given twice.
 * @throws DarError that names the file when it holds no model or no image.
 */
export async function readTraceSource(weights: string, input: string): Promise<TraceSource> {
  const model = await readWeights(weights)
  const config = parseConfig(storedConfig(model, weights), weights)
  const shapes = [...model.shapes.values()].map((shape) => ({ shape }))
  const impossible = shapeProblem(dimensionsOf(config), { size: shapes.length, values: () => shapes })
  if (impossible !== null) throw new DarError(`${weights}: ${impossible}; give a whole model`, { kind: 'model' })
  const given = input === weights ? model : await readWeights(input)
  const tensors = [...given.values].map(([name, values]): [string, NamedTensor] => [
    name,
    { shape: given.shapes.get(name)!, values },
  ])
  const inputs = new Map(tensors)
  const image = inputs.get('input/image') ?? inputs.get('image')
  if (!image) throw new DarError(`${input} holds no tensor input/image (or image), B,3,H,W; give a file that has one`)
  const names = [...model.values.keys()]
  const prefix = names.some((name) => name.startsWith('param/')) ? 'param/' : ''
  const parameters = names.flatMap((name): [string, NamedTensor][] =>
    name.startsWith(prefix)
      ? [[name.slice(prefix.length), { shape: model.shapes.get(name)!, values: model.values.get(name)! }]]
      : [],
  )
  return {
    config,
    parameters: new Map(parameters),
    image,
    depth: inputs.get('input/depth') ?? inputs.get('depth') ?? null,
    golden: new Map(tensors.filter(([name]) => kindOf(name) !== null)),
    files: { weights, input },
  }
}

export interface TraceOptions {
  /** Also compute the loss against the file's depth, the terms of the loss, and the gradient of every parameter. */
  readonly loss?: boolean
}

/**
 * Runs the model. Gives `trace/<name>` for every intermediate; with `loss` also `loss` [1], `loss_terms` [terms] and
 * `grad/<name>` for every parameter.
 * @throws DarError when a parameter or input is missing or has another shape than the config needs.
 */
export async function traceModel(
  engine: Engine,
  source: TraceSource,
  { loss = false }: TraceOptions = {},
): Promise<Map<string, TracedTensor>> {
  const { config, parameters, image, depth, files } = source
  checkInputs(source, loss)
  const [batch, , height, width] = image.shape
  const { graph, model } = inferenceGraph(config, { width, height }, { batch, pixels: 'normalised' })
  const outputs: Record<string, Tensor> = {}
  if (loss && depth) {
    const terms = stepLosses(model, graph.input('depth', depth.shape), config)
    const sum = total(terms)
    outputs.loss = ops.reshape(sum, [1])
    outputs.loss_terms = ops.concat(
      terms.map((term) => ops.reshape(term, [1])),
      0,
    )
    const wrt = [...graph.parameters.values()]
    gradient(sum, wrt).forEach((value, i) => {
      outputs[`grad/${wrt[i].name}`] = value
    })
  }
  Object.assign(outputs, inferenceOutputs(model, ['trace'])) // after the loss, which adds to the trace

  const feeds: Record<string, Float32Array> = { image: image.values }
  if (loss && depth) feeds.depth = depth.values
  for (const { name, shape } of graph.parameters.values()) {
    const stored = parameters.get(name)
    if (!stored)
      throw new DarError(`${files.weights}: the tensor ${name} is missing; export the model again`, { kind: 'model' })
    if (stored.shape.join() !== shape.join())
      throw new DarError(
        `${files.weights}: the tensor ${name} is [${stored.shape}] where its config needs [${shape}]; export the model again`,
        { kind: 'model' },
      )
    feeds[name] = stored.values
  }
  await using program = await engine.load(compile(outputs, { name: 'trace' }))
  const results = await program.run(feeds)
  return new Map(
    Object.entries(outputs).map(([name, { shape }]) => [
      name,
      { shape, values: results[name] as Float32Array<ArrayBuffer> },
    ]),
  )
}

function checkInputs({ config, image, depth, files }: TraceSource, loss: boolean): void {
  const [batch, channels, height, width] = image.shape
  if (image.shape.length !== 4 || channels !== 3)
    throw new DarError(`${files.input}: the image is [${image.shape}]; it must be B,3,H,W`)
  const multiple = imageMultiple(config)
  if (config.encoder.kind === 'vit' && (height % multiple !== 0 || width % multiple !== 0))
    throw new DarError(
      `${files.input}: the image is ${width}×${height}; both sides must be multiples of ${multiple} for this model`,
    )
  if (!loss) return
  if (!depth)
    throw new DarError(`${files.input} holds no tensor input/depth (or depth) to score against; leave out the loss`)
  if (depth.shape.length !== 4 || depth.shape[0] !== batch || depth.shape[1] !== 1)
    throw new DarError(`${files.input}: the depth is [${depth.shape}]; it must be ${batch},1,H,W, as many as images`)
}

/**
 * The error that rounding in float32 explains, relative to the largest entry of a tensor. The values are those of the reference
 * implementation. A larger error means that the two implementations disagree.
 */
export const TRACE_TOLERANCE = { trace: 5e-4, grad: 1e-3, loss: 1e-5 } as const
type Kind = keyof typeof TRACE_TOLERANCE

function kindOf(name: string): Kind | null {
  if (name.startsWith('trace/')) return 'trace'
  if (name.startsWith('grad/')) return 'grad'
  return name === 'loss' || name === 'loss_terms' ? 'loss' : null
}

/** How much one tensor differs from its reference. */
export interface TraceError {
  readonly name: string
  /** max|a − b| / max|b|; NaN where ours has one, ∞ where the shapes differ. */
  readonly error: number
  readonly tolerance: number
  readonly ok: boolean
}

export interface CheckOptions extends TraceOptions {
  /** One tolerance for all, instead of `TRACE_TOLERANCE`. */
  readonly tolerance?: number
}

/**
 * Compares a trace with the expected results in the file of inputs; with `loss` also the loss and the gradients. The largest error
 * comes first, as a multiple of its tolerance.
 * @throws DarError when the file has no expected results, or one that the model does not compute.
 */
export function checkTrace(
  traced: Tensors,
  { golden, files }: Pick<TraceSource, 'golden' | 'files'>,
  { loss = false, tolerance }: CheckOptions = {},
): TraceError[] {
  const wanted = [...golden.keys()].filter((name) => loss || (kindOf(name) === 'trace' && !ofTheLoss(name)))
  for (const kind of loss ? (['trace', 'loss', 'grad'] as const) : (['trace'] as const))
    if (!wanted.some((name) => kindOf(name) === kind))
      throw new DarError(
        `${files.input} holds no ${kind === 'loss' ? 'loss' : `${kind}/… tensors`} to check against; ` +
          'give a fixture of the reference, or ask for no check',
      )
  const largestGradient = wanted
    .filter((name) => kindOf(name) === 'grad')
    .reduce((most, name) => Math.max(most, largest(golden.get(name)!.values)), 0)
  const errors = wanted.map((name): TraceError => {
    const ours = traced.get(name)
    if (!ours)
      throw new DarError(`${files.input} holds ${name}, which this model does not make; is it another config's?`)
    const reference = golden.get(name)!
    const limit = tolerance ?? TRACE_TOLERANCE[kindOf(name)!]
    const sameShape = ours.shape.join() === reference.shape.join()
    // Some gradients are 0 by construction: that of a bias before a norm with one channel per group, for example. Both
    // implementations then hold rounding noise, so ours is only required to be as small as noise.
    const isZero = kindOf(name) === 'grad' && largest(reference.values) < ZERO_GRADIENT * largestGradient
    const error = !sameShape
      ? Number.POSITIVE_INFINITY
      : isZero
        ? largest(ours.values) / (NOISE * largestGradient)
        : relativeError(ours.values, reference.values)
    return { name, error, tolerance: limit, ok: error <= limit }
  })
  const badness = ({ error, tolerance }: TraceError) =>
    Number.isNaN(error) ? Number.POSITIVE_INFINITY : error / tolerance
  return errors.sort((a, b) => (badness(b) > badness(a) ? 1 : badness(b) < badness(a) ? -1 : 0))
}

/** A gradient of the float64 reference that is smaller than this, relative to the model's largest gradient, is rounding noise. */
const ZERO_GRADIENT = 1e-13
/** Such a gradient may reach NOISE times the tolerance of gradients (1e-3) times the largest gradient: 1e-6 of it, as float32 rounds. */
const NOISE = 1e-3

const largest = (values: ArrayLike<number>): number => {
  let most = 0
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) return Number.NaN
    most = Math.max(most, Math.abs(values[i]))
  }
  return most
}

/** Intermediates that only the loss computes. */
const ofTheLoss = (name: string): boolean => name.endsWith('.forced_logit')

/** max|a − b| / max|b|; for an all-zero reference the largest |a|. NaN if a holds one. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY
  let difference = 0
  let scale = 0
  for (let i = 0; i < expected.length; i++) {
    if (Number.isNaN(actual[i])) return Number.NaN
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]))
    scale = Math.max(scale, Math.abs(expected[i]))
  }
  return scale === 0 ? difference : difference / scale
}
