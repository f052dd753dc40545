/** One training step as a graph: images and labels in, the loss out, and every gradient into the gradient buffer. */
import type { Batch } from '../data/index.ts'
import { TAPS } from '../data/stored-features.ts'
import {
  add,
  type Compiled,
  cast,
  compile,
  concat,
  div,
  type GradientOptions,
  Graph,
  gradient,
  mul,
  type Products,
  reshape,
  slice,
  type Tensor,
  where,
  withValue,
} from '../graph/index.ts'
import {
  buildDar,
  buildOnTaps,
  type DarConfig,
  dropBranches,
  extraTerms,
  type LossOptions,
  normaliseImage,
  type Pool,
  stepLosses,
  tapShapes,
  teacherLoss,
  total,
  wholeBatch,
} from '../model/index.ts'
import type { Engine, LoadOptions, Program, ResidentBuffer } from '../runtime/engine.ts'
import type { BufferSlice, PortData } from '../runtime/protocol.ts'
import { assert, DarError } from '../support/errors.ts'
import { type DistilWeights, distilTerms } from './distil.ts'
import { type Layout, layoutOf, slicesOf } from './parameters.ts'

interface Size {
  readonly height: number
  readonly width: number
  readonly batch: number
}

interface LossStep extends Size {
  readonly loss?: LossOptions
  /** p of `DropPath`; 0, the default: every image takes every branch. */
  readonly dropPath?: number
  /** Images are given as the encoder's maps of them, tap0 … tap3, which replace the encoder. Default false. */
  readonly fromFeatures?: boolean
  /** What is learnt of a teacher that is asked about every batch; null, the default: there is none. */
  readonly distil?: DistilWeights | null
}

interface StepOptions extends LossStep {
  /** Names of parameters that get no gradient. */
  readonly frozen?: (name: string) => boolean
  /** The images are a part of the batch, whose sums are fed: as many as `sumOutputs` gives. Default: they are all of it. */
  readonly sums?: number
  /** What is done with the values inside the model's spans; see `GradientOptions`. Default `keep`. */
  readonly checkpoints?: GradientOptions['checkpoints']
  /** What products compute in. But for `single` there is an input more, lossScale: [], a power of two (loss-scale.ts). Default `single`. */
  readonly products?: Products
}

export const GRADIENT = 'gradient of '
const TEACHER = 'teacher'
export const SUMS = 'sums'
const DRAWS = 'draws'
const LOSS_SCALE = 'lossScale'

/** The parameters of a model. `size` is any that the model can run at: parameters do not depend on it. */
export function modelLayout(config: DarConfig, { height, width }: Omit<Size, 'batch'>): Layout {
  const graph = new Graph()
  buildDar(graph.input('image', [1, 3, height, width]), config)
  return layoutOf(graph.parameters.values())
}

/**
 * The step before it is compiled. image: B,3,H,W in [0, 1]; depth: B,1,H,W in canonical metres, 0 = none. Outputs `loss`,
 * its terms `loss1` … `lossK` (as many as `lossTermCount`), and the gradient of every parameter. `loss` is the sum of the terms and
 * of what else the options weigh (`extraTerms`). With `loss.teacher` there is an input more, teacher: B,1,1,1, bool, the images whose
 * depth is a teacher's: for all other terms they have none. With `dropPath` there is an input more, draws: B,n, uniform in [0, 1) (n is
 * `dropBranches`). With `fromFeatures` there are tap0 … tap3 in place of image, of `tapShapes`. With `distil` there are those of `distilTerms`. Throws when a parameter that is not frozen does not
 * influence the loss, or when all are frozen.
 *
 * With `sums: n` the images are one part of a batch (model/pool.ts). There is an input more, sums: n, those of the whole batch. The loss
 * and its terms are then the whole batch's, and the gradients this part's share, which is to be added to those of the others. `ownSums` adds to the graph the sums of this part, as
 * `sumOutputs` makes them.
 *
 * With `products` other than `single` the gradient is that of lossScale·loss, divided by lossScale in float32: so the gradients between, which
 * products read as float16, don't vanish. `trainingGraph` compiles the products so.
 */
export function trainingOutputs(
  config: DarConfig,
  { frozen = () => false, sums, checkpoints, products = 'single', ...options }: StepOptions,
) {
  const graph = new Graph()
  const whole = sums === undefined ? null : graph.input(SUMS, [sums], sumsType(options.loss))
  const owns: Tensor[] = []
  const fed = (own: Tensor, from: Tensor): Tensor => {
    const value = slice(from, 0, owns.length, owns.length + 1)
    owns.push(own)
    return withValue(own, cast(reshape(value, own.shape), own.dtype))
  }
  const pool: Pool = whole ? (own) => fed(own, whole) : wholeBatch
  const { terms, sum } = lossOf(graph, config, options, pool)
  assert(owns.length === (sums ?? 0), `the loss has ${owns.length} sums, not ${sums}`)
  const parameters = [...graph.parameters.values()]
  const learning = parameters.filter(({ name }) => !frozen(name))
  if (learning.length === 0) throw new DarError('every parameter is frozen: leave one a multiplier above 0')
  const scale = products === 'single' ? null : graph.input(LOSS_SCALE, [])
  const scaled = gradient(scale ? mul(sum, scale) : sum, learning, { checkpoints })
  const gradients = scale ? scaled.map((one) => mul(one, div(1, scale))) : scaled
  const outputs: Record<string, Tensor> = { loss: sum }
  terms.forEach((term, k) => {
    outputs[`loss${k + 1}`] = term
  })
  learning.forEach(({ name }, i) => {
    outputs[GRADIENT + name] = gradients[i]
  })
  const ownSums = () =>
    concat(
      owns.map((own) => vectorOf(own, options.loss)),
      0,
    )
  return {
    outputs,
    gradients,
    layout: layoutOf(parameters),
    /** Adds this part's own sums to the graph, as `sumOutputs` makes them. */
    ownSums,
  }
}

/**
 * The first half of the step on a part of a batch: the sums that its loss is a function of. Inputs are those of `trainingOutputs` and
 * before: n, the sums of the parts before. Outputs `sums`: n, with this part's added.
 */
export function sumOutputs(config: DarConfig, options: LossStep) {
  const graph = new Graph()
  const own: Tensor[] = []
  lossOf(graph, config, options, (sum) => {
    own.push(vectorOf(sum, options.loss))
    return sum
  })
  const before = graph.input('before', [own.length], sumsType(options.loss))
  return { outputs: { [SUMS]: add(before, concat(own, 0)) }, count: own.length }
}

/** [1], as it is on its way between parts. */
const vectorOf = (sum: Tensor, loss?: LossOptions): Tensor => cast(reshape(sum, [1]), sumsType(loss))

/** What the sums are on their way between parts. */
export const sumsType = ({ exact = false }: LossOptions = {}) => (exact ? 'float64' : 'float32')

/** The forward half, from the inputs to the loss and its terms. */
function lossOf(
  graph: Graph,
  config: DarConfig,
  { batch, height, width, loss = {}, dropPath = 0, fromFeatures = false, distil = null }: LossStep,
  pool: Pool,
): { readonly terms: readonly Tensor[]; readonly sum: Tensor } {
  const fromImage = () => {
    const image = graph.input('image', [batch, 3, height, width])
    const drop = dropPath > 0 ? { rate: dropPath, draws: graph.input(DRAWS, [batch, dropBranches(config)]) } : null
    return buildDar(normaliseImage(image, config), config, { drop })
  }
  const fromTaps = () => {
    const shapes = tapShapes(config, { height, width }, batch)
    return buildOnTaps(
      shapes.map((shape, i) => graph.input(TAPS[i], shape)),
      [height, width],
      config,
    )
  }
  const model = fromFeatures ? fromTaps() : fromImage()
  const depth = graph.input('depth', [batch, 1, height, width])
  const teacher = loss.teacher === undefined ? null : { images: graph.input(TEACHER, [batch, 1, 1, 1], 'bool') }
  const measured = teacher ? where(teacher.images, 0, depth) : depth
  const terms = stepLosses(model, measured, config, loss, pool)
  const taught = teacher ? [teacherLoss(model, where(teacher.images, depth, 0), loss, pool)] : []
  const distilled = distil ? distilTerms(graph, model, distil, { batch, height, width }, pool) : []
  const extra = [...extraTerms(model, measured, config, loss, pool), ...taught, ...distilled]
  return { terms, sum: total([...terms, ...extra]) }
}

/** The step of `trainingOutputs`, compiled. */
export function trainingGraph(
  config: DarConfig,
  options: StepOptions,
): { readonly compiled: Compiled; readonly layout: Layout } {
  const { outputs, layout } = trainingOutputs(config, options)
  const { batch, width, height, products } = options
  return { compiled: compile(outputs, { name: `training step ${batch}×${width}×${height}`, products }), layout }
}

/**
 * The step on the engine, or a stage of it: parameters are read from `params`, gradients overwrite `grads`; both of the layout's length.
 * Where a frozen parameter lies, `grads` stays as it is. What else is bound lies in other buffers.
 */
export async function loadStep(
  engine: Engine,
  { compiled, layout }: { readonly compiled: Compiled; readonly layout: Layout },
  { params, grads }: { readonly params: ResidentBuffer; readonly grads: ResidentBuffer },
  { boundInputs = {}, boundOutputs = {} }: Pick<LoadOptions, 'boundInputs' | 'boundOutputs'> = {},
): Promise<Program> {
  const made = new Set(compiled.outputs.map(({ name }) => name))
  const slices = Object.entries(slicesOf(layout, grads.name, GRADIENT))
  return engine.load(compiled, {
    boundInputs: { ...boundParameters(compiled, layout, params), ...boundInputs },
    boundOutputs: { ...Object.fromEntries(slices.filter(([name]) => made.has(name))), ...boundOutputs },
  })
}

/** `sumOutputs` on the engine, with parameters from `params`. */
export async function loadSums(
  engine: Engine,
  outputs: Readonly<Record<string, Tensor>>,
  layout: Layout,
  params: ResidentBuffer,
  { products }: Pick<StepOptions, 'products'> = {},
): Promise<Program> {
  const compiled = compile(outputs, { name: 'sums of a part of a batch', products })
  return engine.load(compiled, { boundInputs: boundParameters(compiled, layout, params) })
}

/** Where a graph's own parameters lie in a buffer of the whole layout. */
export function boundParameters(
  { parameters }: Pick<Compiled, 'parameters'>,
  layout: Layout,
  params: ResidentBuffer,
): Record<string, BufferSlice> {
  const read = new Set(parameters.map(({ name }) => name))
  return Object.fromEntries(Object.entries(slicesOf(layout, params.name)).filter(([name]) => read.has(name)))
}

/** What a step is fed of a batch, each where it asks for it. */
export function feedsOf(
  { inputs }: Pick<Program, 'inputs'>,
  { image, depth, teacher, draws, taps }: Pick<Batch, 'image' | 'depth' | 'teacher' | 'draws' | 'taps'>,
  { lossScale = 1 }: { readonly lossScale?: number } = {},
): Readonly<Record<string, PortData>> {
  const asks = (port: string) => inputs.some(({ name }) => name === port)
  return {
    ...(asks('image') && { image }),
    ...Object.fromEntries(TAPS.flatMap((name, i) => (asks(name) ? [[name, taps[i]]] : []))),
    depth,
    ...(asks(TEACHER) && { [TEACHER]: teacher }),
    ...(asks(DRAWS) && { [DRAWS]: draws }),
    ...(asks(LOSS_SCALE) && { [LOSS_SCALE]: Float32Array.of(lossScale) }),
  }
}
