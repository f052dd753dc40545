/**
 * The gradient of a rank's share of a batch, in programs that run one after another, so that gradients are summed over the ranks while the
 * engine computes others:
 *
 *     forward     the sums that the loss is a function of            then they are added up over all ranks
 *     decoder     loss, and the gradients of all but the encoder      then their sum over the ranks begins
 *     encoder     the gradients of the encoder                        meanwhile; then the rest is summed
 *
 * Each program leaves what later ones read in one buffer on the engine. The price is memory: that buffer, and an arena of the engine for each
 * program (memory.ts counts both from `cutStep`). With gradient checkpointing, what spans read is nearly all that is carried.
 *
 * With `backward` the first pass is a program of its own, as in gradient-step.ts, and nothing is carried from it. Gradients are then those of
 * the uncut step, bit for bit: the same operators, and the same buckets. With `step` the forward program is a stage, too, and there is no
 * second forward pass. The engine fuses other operators there than in a first pass of its own, so the loss's sums differ in their last bit.
 */
import type { Batch } from '../data/index.ts'
import { compile, cutStages, type Node, type Products, type Stage, sizeOf, type Tensor } from '../graph/index.ts'
import type { Engine, Program, ResidentBuffer } from '../runtime/engine.ts'
import type { BufferSlice, PortData } from '../runtime/protocol.ts'
import { assert } from '../support/errors.ts'
import { type Bucket, type Collective, poolSums, sumGradient } from './collective.ts'
import { Owner } from './owner.ts'
import type { Layout } from './parameters.ts'
import { feedsOf, GRADIENT, loadStep, SUMS, type trainingOutputs } from './step-program.ts'

/** How much of the step may be in stages. */
export const OVERLAPS = ['backward', 'step'] as const
/** One of `OVERLAPS`: the sums of the decoder's gradients run beside the encoder's backward pass; `step`: the first pass is kept, too. */
export type Overlap = (typeof OVERLAPS)[number]

/** Where parameters are read and gradients left. */
interface Buffers {
  readonly params: ResidentBuffer
  readonly grads: ResidentBuffer
}

/** What is fed beside the batch. */
interface Fed {
  readonly lossScale?: number
  /** Of a teacher. */
  readonly said: Readonly<Record<string, PortData>>
  /** Of all ranks, with `backward`. */
  readonly sums: Sums | null
}

type Sums = Float32Array | Float64Array

const CARRIED = 'carried/'
const ENCODER = 'encoder.'
/** Renaming costs nothing: carried is what is renamed, once. */
const renames = ({ op }: Node) => op === 'reshape' || op === 'stopGradient'

/** Holds one to three programs and a buffer: dispose it. */
export class StagedStep {
  private constructor(
    private readonly owner: Owner,
    /** Null with `backward`. */
    private readonly forward: Program | null,
    private readonly decoder: Program,
    /** Null where the encoder does not learn. */
    private readonly encoder: Program | null,
    private readonly grads: ResidentBuffer,
    /** Whether a stretch of the gradient has nothing of the encoder's. */
    private readonly isDecoders: (bucket: Bucket) => boolean,
  ) {}

  /** Of `trainingOutputs` with `sums`. The engine must hold no other staged step of this `name`. */
  static async open(
    engine: Engine,
    whole: ReturnType<typeof trainingOutputs>,
    buffers: Buffers,
    { name, overlap, products }: { readonly name: string; readonly overlap: Overlap; readonly products?: Products },
  ): Promise<StagedStep> {
    const owner = new Owner()
    try {
      const { layout } = whole
      const stages = cutStep(whole, overlap)
      const nameOf = (s: number) => `${name}, stage ${s + 1} of ${stages.length}`
      const compiled = stages.map(({ outputs, given }, s) => compile(outputs, { given, products, name: nameOf(s) }))
      const isApart = overlap === 'backward' || !compiled[0].inputs.some((port) => port.name === SUMS)
      assert(isApart, 'a sum of the loss is made from another')
      const slots = slotsOf(stages, `carried of ${name}`)
      owner.hold(await engine.allocate(`carried of ${name}`, new Float32Array(slots.length)))
      const programs: Program[] = []
      for (const stage of compiled) {
        const boundInputs = slots.among(stage.inputs)
        const boundOutputs = slots.among(stage.outputs)
        const bound = { boundInputs, boundOutputs }
        programs.push(owner.hold(await loadStep(engine, { compiled: stage, layout }, buffers, bound)))
      }
      const [forward, decoder, encoder = null] = overlap === 'step' ? programs : [null, ...programs]
      assert(decoder, 'there is no program of the decoder')
      return new StagedStep(owner, forward, decoder, encoder, buffers.grads, decodersIn(layout))
    } catch (error) {
      await owner.dispose()
      throw error
    }
  }

  /**
   * Leaves the gradient over all ranks in `grads`. Returns the outputs that are not bound, and the seconds of communication that were over
   * when the engine's last program was.
   */
  async run(
    batch: Batch,
    collective: Collective,
    { lossScale, said, sums }: Fed,
  ): Promise<{ readonly result: Record<string, PortData>; readonly hidden: number }> {
    const { forward, decoder, encoder, grads, isDecoders } = this
    const inputs = [forward, decoder, encoder].flatMap((program) => program?.inputs ?? [])
    const given = { ...feedsOf({ inputs }, batch, { lossScale }), ...said }
    const pooled = sums ?? (await pooledBy(forward, given, collective))
    const all = { ...given, [SUMS]: pooled }
    const result = await decoder.run(askedOf(decoder, all))
    if (!encoder) {
      await sumGradient(collective, grads)
      return { result, hidden: 0 }
    }
    const before = spentIn(collective)
    let hidden = 0
    // The buckets are asked for first: the engine's thread answers in the order of the questions.
    const summed = sumGradient(collective, grads, { which: isDecoders, ahead: Number.POSITIVE_INFINITY })
    const computed = encoder.run(askedOf(encoder, all)).then(() => {
      hidden = spentIn(collective) - before
    })
    // Both must be over before anything else is done, also where one fails.
    await Promise.allSettled([summed, computed])
    await summed
    await computed
    await sumGradient(collective, grads, { which: (bucket) => !isDecoders(bucket) })
    return { result, hidden }
  }

  async dispose(): Promise<void> {
    await this.owner.dispose()
  }
}

async function pooledBy(
  forward: Program | null,
  feeds: Readonly<Record<string, PortData>>,
  collective: Collective,
): Promise<Sums> {
  assert(forward, 'there is no forward program, and there are no sums')
  const { [SUMS]: own } = await forward.run(askedOf(forward, feeds))
  assert(own instanceof Float32Array || own instanceof Float64Array, 'sums are floats')
  return poolSums(collective, own)
}

const spentIn = ({ time: { waiting, moving } }: Collective) => waiting + moving

const askedOf = ({ inputs }: Program, feeds: Readonly<Record<string, PortData>>) =>
  Object.fromEntries(inputs.flatMap(({ name }) => (name in feeds ? [[name, feeds[name]]] : [])))

/** The programs of the step that `trainingOutputs` makes with `sums`, before they are compiled. */
export function cutStep(
  { outputs, ownSums }: Pick<ReturnType<typeof trainingOutputs>, 'outputs' | 'ownSums'>,
  overlap: Overlap,
): Stage[] {
  const backward = backwardStages(outputs)
  return cutStages(overlap === 'step' ? [{ [SUMS]: ownSums() }, ...backward] : backward, { again: renames })
}

/** Values that programs hand on to later ones, each once: the length of the buffer that they lie in. */
export const carriedValues = (stages: readonly Stage[]): number => slotsOf(stages, '').length

/** What the decoder's program and the encoder's are to compute. */
function backwardStages(outputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>[] {
  const isEncoders = (name: string) => name.startsWith(GRADIENT + ENCODER)
  const all = Object.entries(outputs)
  const encoder = all.filter(([name]) => isEncoders(name))
  const decoder = Object.fromEntries(all.filter(([name]) => !isEncoders(name)))
  return encoder.length > 0 ? [decoder, Object.fromEntries(encoder)] : [decoder]
}

/** Places in one buffer for all that the programs hand on. */
function slotsOf(stages: readonly Stage[], buffer: string) {
  const slots = new Map<string, BufferSlice>()
  let end = 0
  for (const [name, { shape }] of stages.flatMap(({ outputs }) => Object.entries(outputs))) {
    if (!name.startsWith(CARRIED)) continue
    const length = sizeOf(shape)
    slots.set(name, { buffer, offset: end, length })
    end += length
  }
  const among = (ports: readonly { readonly name: string }[]): Record<string, BufferSlice> =>
    Object.fromEntries(
      ports.flatMap(({ name }) => {
        const slot = slots.get(name)
        return slot ? [[name, slot]] : []
      }),
    )
  return { length: end, among }
}

/** Which stretches of the gradient have nothing of the encoder's. */
export function decodersIn({ entries }: Layout): (bucket: Bucket) => boolean {
  const encoders = entries.filter(({ name }) => name.startsWith(ENCODER))
  return ({ offset, length }) =>
    !encoders.some((entry) => entry.offset < offset + length && offset < entry.offset + entry.length)
}
