/**
 * AdamW (Loshchilov & Hutter, 2019) with gradient clipping and an exponential moving average of the weights, as one
 * element-wise graph over flat buffers that it updates in place:
 *
 *     ĝ = clip·g      m ← β₁m + (1−β₁)ĝ      v ← β₂v + (1−β₂)ĝ²
 *     p ← p − η·s·( m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε) + λ·w·p )      e ← δe + (1−δ)p
 *
 * s is a learning-rate multiplier and w is 1 where weight decay applies; both are per value (groups.ts). Updating in place is safe here, because the node chain that writes a buffer is the only one that reads it,
 * once, before the write. Graphs that read a parameter elsewhere must not do this.
 */
import { z } from 'zod'
import { compile, Graph } from '../graph/index.ts'
import * as ops from '../graph/ops/index.ts'
import type { Engine, Program, ResidentBuffer } from '../runtime/engine.ts'
import { decays, rateFactors } from './groups.ts'
import { Owner } from './owner.ts'
import type { Layout } from './parameters.ts'
import { type Passes, passesOver, type Stretch, stretches } from './passes.ts'

const decay = z.number().min(0).lt(1)

export const adamSchema = z.strictObject({
  /** β₁, default 0.9. */
  beta1: decay.optional(),
  /** β₂, default 0.999. */
  beta2: decay.optional(),
  /** ε, default 1e-8. */
  epsilon: z.number().positive().optional(),
  /** λ, default 0.1. */
  weightDecay: z.number().min(0).optional(),
  /** Largest norm of the whole gradient, default 1. `AdamW` itself also takes Infinity, which disables clipping. */
  clip: z.number().positive().optional(),
  /** δ of the moving average, default 0.999, once the run is long enough for it (see `emaDecay`). */
  ema: decay.optional(),
  /**
   * Learning-rate multipliers by the start of a parameter's name, the first that fits: `{ 'encoder.': 0.1 }`. Parameters with 0 are
   * frozen: their gradient is not computed, and what lies before them costs no backward pass.
   */
  multipliers: z.record(z.string(), z.number().min(0)).optional(),
  /**
   * d of the layer-wise decay of the rate: block i of the encoder's L blocks learns d^(L − i) times as fast as the rest, its embedding
   * d^(L + 1) times (groups.ts). Default 1. Values in use are 0.65 to 0.9.
   */
  layerDecay: z.number().positive().max(1).optional(),
  /** Whether weight decay applies to parameters of one axis, too: biases, norms, scales. Default false. */
  decayVectors: z.boolean().optional(),
  /** Starts of the names of parameters without weight decay, whatever their shape: `['encoder.cls_token']`. Default: none. */
  noDecay: z.array(z.string().min(1)).readonly().optional(),
})
/** Of the optimiser; the formula is in this file's header. */
export type AdamOptions = Readonly<z.infer<typeof adamSchema>>

/** The state of a run, resident in the engine. All of the layout's length. */
export interface TrainingState {
  readonly params: ResidentBuffer
  readonly grads: ResidentBuffer
  readonly m: ResidentBuffer
  readonly v: ResidentBuffer
  readonly ema: ResidentBuffer
}

export const STATE_NAMES = ['params', 'grads', 'm', 'v', 'ema'] as const

const DEFAULTS: Required<AdamOptions> = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.1,
  clip: 1,
  ema: 0.999,
  multipliers: {},
  layerDecay: 1,
  decayVectors: false,
  noDecay: [],
}

/** At the start of a run the average uses a smaller decay: min(δ, (1+t)/(10+t)). */
export function emaDecay(limit: number, step: number): number {
  return Math.min(limit, (1 + step) / (10 + step))
}

/** Values that are updated in one pass: few enough for the processor's cache, enough that a run's own cost is small. */
const PASS = 2 ** 18
/** A device joins what a pass has written with the rest of a buffer, so it gets few passes. */
const DEVICE_PASS = 2 ** 24

interface CreateOptions {
  readonly still?: (name: string) => boolean
  /** Most values of a pass. */
  readonly pass?: number
}

/** Holds programs for each pass over the layout and three buffers in the engine: dispose it. The state belongs to the caller. */
export class AdamW {
  private constructor(
    private readonly engine: Engine,
    /** Σg² of every pass. */
    private readonly squares: ResidentBuffer,
    private readonly norms: readonly Program[],
    private readonly updates: readonly Program[],
    private readonly owner: Owner,
    private readonly options: Required<AdamOptions>,
  ) {}

  /**
   * Multipliers and weight decay are by the layout's names and shapes; the state's buffers have the layout's length. Parameters that
   * `still` names never change and have no gradient: the passes over memory leave them out. Default: none, also where a multiplier is 0.
   */
  static async create(
    engine: Engine,
    layout: Layout,
    state: TrainingState,
    options: AdamOptions = {},
    { still = () => false, pass = engine.provider === 'cpu' ? PASS : DEVICE_PASS }: CreateOptions = {},
  ): Promise<AdamW> {
    const all = { ...DEFAULTS, ...options }
    const { passes, runs, length } = updatePasses(layout, options, { still, pass })
    const factors = new Float32Array(length)
    const decay = new Float32Array(length)
    for (const run of runs) {
      factors.fill(run.rate, run.at, run.at + run.length)
      decay.fill(run.decay, run.at, run.at + run.length)
    }
    const owner = new Owner()
    try {
      const rateOf = owner.hold(await engine.allocate('adamw.factors', factors))
      const decayOf = owner.hold(await engine.allocate('adamw.decay', decay))
      const part = (buffer: ResidentBuffer, { offset, length }: Stretch) => buffer.slice(offset, length)
      const squares = owner.hold(await engine.allocate('adamw.squares', new Float32Array(passes.length)))
      const norms: Program[] = []
      const updates: Program[] = []
      /** By length: passes that are equally long share their graphs, and the engine's memory for them. */
      const known = new Map<number, { readonly norm: Program; readonly update: Program }>()
      for (const [i, pass] of passes.entries()) {
        const like = known.get(pass.length)
        const [p, g, m, v, e] = STATE_NAMES.map((name) => part(state[name], pass))
        const [s, w] = [rateOf, decayOf].map((buffer) => buffer.slice(pass.factors, pass.length))
        const norm = await engine.load(like?.norm.compiled ?? squaresGraph(pass.length), {
          like: like?.norm,
          boundInputs: { g },
          boundOutputs: { squares: squares.slice(i, 1) },
        })
        norms.push(owner.hold(norm))
        const update = await engine.load(like?.update.compiled ?? updateGraph(pass.length, all), {
          like: like?.update,
          boundInputs: { p, g, m, v, e, s, w },
          boundOutputs: { p2: p, m2: m, v2: v, e2: e },
        })
        updates.push(owner.hold(update))
        known.set(pass.length, { norm, update })
      }
      return new AdamW(engine, squares, norms, updates, owner, all)
    } catch (error) {
      await owner.dispose()
      throw error
    }
  }

  /** L2 norm of the gradient in the buffer, over all parameters, before clipping. */
  async gradientNorm(): Promise<number> {
    await this.engine.runAll(this.norms, {})
    const squares = (await this.squares.read()).reduce((sum, square) => sum + square, 0)
    return Math.sqrt(squares)
  }

  /** One update of parameters, moments and average; `step` counts from 0, `rate` is η, `norm` the gradient's. */
  async apply(step: number, rate: number, norm: number): Promise<void> {
    const { beta1, beta2, clip, ema } = this.options
    const t = step + 1
    const scalar = (value: number) => Float32Array.of(value)
    await this.engine.runAll(this.updates, {
      rate: scalar(rate),
      scale: scalar(norm > clip ? clip / norm : 1),
      correction1: scalar(1 / (1 - beta1 ** t)),
      correction2: scalar(1 / (1 - beta2 ** t)),
      average: scalar(emaDecay(ema, step)),
    })
  }

  async dispose(): Promise<void> {
    await this.owner.dispose()
  }
}

/** The passes of an update on the CPU, and the arrays that they read beside the state. */
export function updatePasses(
  layout: Layout,
  options: AdamOptions = {},
  { still = () => false, pass = PASS }: CreateOptions = {},
): Passes {
  const all = { ...DEFAULTS, ...options }
  const decay = layout.entries.map((entry) => (decays(entry, all) ? all.weightDecay : 0))
  return passesOver(stretches(layout, still), layout, { rates: rateFactors(layout, all), decay }, pass)
}

function squaresGraph(length: number) {
  const squares = ops.sum(ops.square(new Graph().input('g', [length])), [0], { keepAxes: true })
  return compile({ squares }, { name: 'squares of the gradient' })
}

function updateGraph(length: number, options: Required<AdamOptions>) {
  return compile(updateOutputs(length, options), { name: 'adamw' })
}

/** The update before it is compiled: p2, m2, v2 and e2 overwrite p, m, v and e. */
export function updateOutputs(length: number, { beta1, beta2, epsilon }: Required<AdamOptions> = DEFAULTS) {
  const graph = new Graph()
  const vector = (name: string) => graph.input(name, [length])
  const scalar = (name: string) => graph.input(name, [1])
  const [p, g, m, v, e, s, w] = ['p', 'g', 'm', 'v', 'e', 's', 'w'].map(vector)
  const [rate, scale, correction1, correction2, average] = [
    'rate',
    'scale',
    'correction1',
    'correction2',
    'average',
  ].map(scalar)
  const clipped = ops.mul(g, scale)
  const m2 = ops.add(ops.mul(m, beta1), ops.mul(clipped, 1 - beta1))
  const v2 = ops.add(ops.mul(v, beta2), ops.mul(ops.square(clipped), 1 - beta2))
  const direction = ops.div(ops.mul(m2, correction1), ops.add(ops.sqrt(ops.mul(v2, correction2)), epsilon))
  const eta = ops.mul(s, rate)
  // p is read once: p·(1 − η·λw) − η·direction
  const p2 = ops.sub(ops.mul(p, ops.sub(1, ops.mul(eta, w))), ops.mul(eta, direction))
  const e2 = ops.add(ops.mul(e, average), ops.mul(p2, ops.sub(1, average)))
  return { p2, m2, v2, e2 }
}
