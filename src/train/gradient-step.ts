/**
 * The gradient of one update at one shape: of one batch, or of micro-batches that stand for one, on one rank or several.
 *
 * The loss of a batch is a function of sums over all its pixels (model/pool.ts). So a batch in parts takes two passes: the first adds up
 * the sums of all parts, on all ranks; the second computes each part's share of the gradient with them, and the shares are added up.
 * Loss, terms and gradient are those of the whole batch, to rounding. The price is a second forward pass. A batch in one part takes one pass.
 * Where every rank has one part, the step may be taken in stages instead, without that price (staged-step.ts).
 *
 * Equal are the parts and the whole because nothing else in the model looks at more than one image: its norms are over the channels or
 * the pixels of an image.
 */

import type { Batch } from '../data/index.ts'
import type { GradientOptions, Products } from '../graph/index.ts'
import { type DarConfig, type LossOptions, lossTermCount } from '../model/index.ts'
import type { Engine, Program } from '../runtime/engine.ts'
import type { PortData } from '../runtime/protocol.ts'
import type { Accumulator } from './accumulator.ts'
import { type Collective, poolSums, sumGradient } from './collective.ts'
import { Teacher, type TeacherModel } from './distil.ts'
import type { TrainingState } from './optimiser.ts'
import { Owner } from './owner.ts'
import type { Layout } from './parameters.ts'
import { type Overlap, StagedStep } from './staged-step.ts'
import { feedsOf, loadStep, loadSums, sumOutputs, sumsType, trainingGraph, trainingOutputs } from './step-program.ts'

interface GradientStepOptions {
  readonly height: number
  readonly width: number
  /** Images of a micro-batch. */
  readonly batch: number
  readonly loss?: LossOptions
  readonly dropPath?: number
  readonly fromFeatures?: boolean
  /** Names of parameters that get no gradient. */
  readonly frozen: (name: string) => boolean
  /** See `GradientOptions`. */
  readonly checkpoints?: GradientOptions['checkpoints']
  /** What products compute in; default `single`. */
  readonly products?: Products
}

/** What is trained: the layout is that of the state, of all parameters. */
interface TrainedModel {
  readonly config: DarConfig
  readonly layout: Layout
  readonly state: TrainingState
}

/** What an update is made of: micro-batches per rank, and where their gradients are added up, if there are several. */
interface Parts {
  readonly collective: Collective
  /** Null: one micro-batch. */
  readonly accumulator: Accumulator | null
  /** A model that is asked about every micro-batch before the step; default: none. */
  readonly teacher?: TeacherModel | null
  /** Several ranks, one micro-batch each: how much of the step is in stages (staged-step.ts). Default: nothing. */
  readonly overlap?: Overlap | null
}

type Sums = Float32Array | Float64Array

/** The first pass, and the array that its sums are in. */
interface PooledSums {
  readonly program: Program
  readonly count: number
  readonly type: new (count: number) => Sums
}

/** A teacher's outputs for a micro-batch. */
type Said = Awaited<ReturnType<Teacher['run']>>

/** Holds one to three programs: dispose it. */
export class GradientStep {
  private constructor(
    private readonly owner: Owner,
    private readonly step: Program | StagedStep,
    /** Null where the micro-batch is the whole batch, and where a staged step has it. */
    private readonly sums: PooledSums | null,
    private readonly parts: Parts,
    private readonly state: TrainingState,
    private readonly terms: readonly string[],
    private readonly teacher: Teacher | null,
  ) {}

  /** Parameters are read from the state, whose `grads` are written. The accumulator belongs to the caller. */
  static async open(
    engine: Engine,
    { config, layout, state }: TrainedModel,
    { frozen, checkpoints, products, ...asked }: GradientStepOptions,
    parts: Parts,
  ): Promise<GradientStep> {
    const owner = new Owner()
    const options = { ...asked, distil: parts.teacher?.weights ?? null }
    const own = { frozen, checkpoints, products }
    const terms = Array.from({ length: lossTermCount(config) }, (_, k) => `loss${k + 1}`)
    try {
      const teacher = parts.teacher ? owner.hold(await Teacher.open(engine, parts.teacher, config, options)) : null
      if (parts.accumulator === null && parts.collective.ranks === 1) {
        const { compiled } = trainingGraph(config, { ...options, ...own })
        const step = owner.hold(await loadStep(engine, { compiled, layout }, state))
        return new GradientStep(owner, step, null, parts, state, terms, teacher)
      }
      const { outputs, count } = sumOutputs(config, options)
      const asPart = { ...options, ...own, sums: count }
      const type = sumsType(options.loss) === 'float64' ? Float64Array : Float32Array
      const loadFirst = async () => {
        const program = owner.hold(await loadSums(engine, outputs, layout, state.params, { products }))
        return { program, count, type }
      }
      const { accumulator, overlap = null } = parts
      if (overlap && accumulator === null) {
        const sums = overlap === 'backward' ? await loadFirst() : null
        const name = `training step ${options.batch}×${options.width}×${options.height}`
        const whole = trainingOutputs(config, asPart)
        const step = owner.hold(await StagedStep.open(engine, whole, state, { name, overlap, products }))
        return new GradientStep(owner, step, sums, parts, state, terms, teacher)
      }
      const { compiled } = trainingGraph(config, asPart)
      const sums = await loadFirst()
      const step = owner.hold(await loadStep(engine, { compiled, layout }, state))
      return new GradientStep(owner, step, sums, parts, state, terms, teacher)
    } catch (error) {
      await owner.dispose()
      throw error
    }
  }

  /**
   * Leaves the gradient of the batch that all ranks' micro-batches make up in `grads`; returns its loss, and the loss's terms. The memory of
   * the micro-batches is given away. `lossScale` is for half precision (loss-scale.ts). `hidden`: seconds of communication behind compute.
   */
  async run(
    micros: readonly Batch[],
    { lossScale }: { readonly lossScale?: number } = {},
  ): Promise<{ readonly loss: number; readonly terms: readonly number[]; readonly hidden: number }> {
    const { accumulator, collective } = this.parts
    const { step } = this
    const said: Said[] = []
    for (const { image } of micros) said.push(this.teacher ? await this.teacher.run(image) : {})
    const sums = this.sums && (await this.pooled(this.sums, micros, said))
    if (step instanceof StagedStep) {
      const { result, hidden } = await step.run(micros[0], collective, { lossScale, said: said[0], sums })
      return { ...this.figuresOf(result), hidden }
    }
    let result: Readonly<Record<string, PortData>> = {}
    for (const [i, micro] of micros.entries()) {
      const feeds = { ...feedsOf(step, micro, { lossScale }), ...said[i], ...(sums && { sums: sums.slice() }) }
      result = await step.run(feeds, { transfer: true })
      if (micros.length > 1) await accumulator?.take(i, micros.length)
    }
    await sumGradient(collective, this.state.grads)
    return { ...this.figuresOf(result), hidden: 0 }
  }

  private figuresOf(result: Readonly<Record<string, PortData>>) {
    const [loss, ...terms] = ['loss', ...this.terms].map((name) => Number(result[name][0]))
    return { loss, terms }
  }

  /** The first pass: the sums of all parts. */
  private async pooled(
    { program, count, type }: PooledSums,
    micros: readonly Batch[],
    said: readonly Said[],
  ): Promise<Sums> {
    let sums: Sums = new type(count)
    for (const [i, micro] of micros.entries()) {
      const result = await program.run({ ...feedsOf(program, micro), ...said[i], before: sums })
      sums = result.sums as Sums
    }
    return poolSums(this.parts.collective, sums)
  }

  async dispose(): Promise<void> {
    await this.owner.dispose()
  }
}
