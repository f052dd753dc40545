/**
 * The training loop: batches from the loader, a gradient from the step graph, an update in place; validation, checkpoints
 * and a JSON-lines log on the way.
 *
 * The engine's thread holds the whole state (parameters, gradients, moments, moving average). This thread passes
 * batches in and losses out, and makes the decisions. A step whose loss or gradient is not finite is never applied.
 * With the same recipe, data and number of threads a run is the same bit for bit, also when it is stopped and resumed.
 */
import type { Batch } from '../data/index.ts'
import { refuseWrongOnWebGpu } from '../model/index.ts'
import { assert, DarError, messageOf } from '../support/errors.ts'
import { findBeginning, shareBeginning } from './beginning.ts'
import type { Progressed } from './checkpoint.ts'
import { ALONE, agree, type Collective, refuseUnlike, takeFromFirst } from './collective.ts'
import { deviceNotes } from './device-notes.ts'
import { LossScale } from './loss-scale.ts'
import { Norms } from './norms.ts'
import { AdamW, type STATE_NAMES, type TrainingState } from './optimiser.ts'
import type { Owner } from './owner.ts'
import { Pictures } from './pictures.ts'
import type { Recipe, Stage } from './recipe.ts'
import { RunFiles } from './run-files.ts'
import { identityNumber, runIdentity } from './run-identity.ts'
import { appendEvent, type CommunicationSpent, LogError, type TrainEvent, type TrainResult } from './run-log.ts'
import { rateAt } from './schedule.ts'
import { type Lane, openSection, type RunParts, type Section } from './section.ts'
import type { ResolvedData } from './sources.ts'
import { stageAt, totalUpdates, turnAt } from './stages.ts'
import { modelLayout } from './step-program.ts'
import type { TrainOptions } from './train-options.ts'
import { Watch } from './watch.ts'

/** So many bad batches in a row are no accident: the weights have diverged, or the data are gone. */
const MOST_SKIPPED = 5

/** A run under way: its updates one after another, and what is done between them. */
export class Run {
  private step = 0
  private secondsBefore = 0
  private readonly began = performance.now()
  private readonly total: number
  private skipped = 0
  private skippedInARow = 0
  /** Seconds of communication behind compute. */
  private hidden = 0
  private section: Section | null = null
  /** Null with single precision. */
  private scale: LossScale | null
  private readonly watch: Watch

  private constructor(
    private readonly owner: Owner,
    private readonly options: TrainOptions,
    private readonly parts: RunParts,
    private readonly optimiser: AdamW,
    private readonly norms: Norms,
    private readonly files: RunFiles,
    frames: number | null,
  ) {
    this.total = totalUpdates(parts.recipe)
    this.watch = new Watch(frames)
    this.scale = parts.precision === 'half' ? new LossScale() : null
  }

  /** Everything native belongs to `owner`, also when this fails half-way. */
  static async open(
    owner: Owner,
    options: TrainOptions,
    { data, ...needs }: Omit<RunParts, 'layout' | 'state' | 'data'> & { readonly data: ResolvedData },
  ): Promise<Run> {
    const { engine, recipe, collective } = needs
    const layout = modelLayout(recipe.model, recipe.stages[0])
    if (engine.provider === 'webgpu') refuseWrongOnWebGpu(layout.entries, recipe.name, 'train on the CPU')
    const { precision } = needs
    const identity = runIdentity(recipe, data.contents, { ranks: collective.ranks, precision })
    await refuseUnlike(collective, identityNumber(identity), 'another recipe or other data')
    const found = collective.rank === 0 ? await findBeginning(options, layout, recipe, identity) : null
    const beginning = await shareBeginning(collective, layout, found)
    const start = { ...beginning, grads: new Float32Array(layout.length) }
    const hold = async (buffer: (typeof STATE_NAMES)[number]) =>
      owner.hold(await engine.allocate(buffer, start[buffer]))
    const state: TrainingState = {
      params: await hold('params'),
      grads: await hold('grads'),
      m: await hold('m'),
      v: await hold('v'),
      ema: await hold('ema'),
    }
    // Such a run starts from features: nothing reads the encoder, which is frozen.
    const kept = recipe.stages.every(({ cacheFeatures }) => cacheFeatures)
    const still = (name: string) => kept && name.startsWith('encoder.')
    const adam = owner.hold(await AdamW.create(engine, layout, state, recipe.optimiser, { still }))
    const norms = owner.hold(await Norms.create(engine, layout, state))
    const { choosing } = data
    const files = new RunFiles({ folder: options.out, recipe, layout, state, identity, choosing })
    const run = new Run(owner, options, { ...needs, data, layout, state }, adam, norms, files, framesIn(data))
    if (beginning.isResumed) await run.goOnFrom(beginning)
    const where = await deviceNotes(engine, recipe, { precision })
    run.emit({
      event: 'start',
      step: run.step,
      total: run.total,
      parameters: layout.length,
      device: engine.provider,
      ...(precision === 'half' && { precision }),
      settings: options.settings,
      notes: [...beginning.notes, ...sharingNotes(recipe, collective), ...where],
      recipe,
    })
    return run
  }

  private async goOnFrom({ step, seconds, skipped, lossScale }: Progressed): Promise<void> {
    if (this.scale) this.scale = new LossScale(lossScale)
    this.step = step
    this.secondsBefore = seconds
    this.skipped = skipped
    if (this.writes) await this.files.goOnFrom(step)
  }

  /** Rank 0 alone. */
  private get writes(): boolean {
    return this.parts.collective.rank === 0
  }

  async loop(): Promise<TrainResult> {
    const { validateEvery, patience } = this.parts.recipe
    try {
      if (this.step === 0 && patience !== undefined) {
        this.section = await this.sectionFor(null)
        await this.validate(this.section)
      }
      let stop = await this.reasonToStop()
      for (; stop === null; stop = await this.reasonToStop()) {
        this.section = await this.sectionFor(this.section)
        await this.update(this.section)
        this.step++
        if (this.step % validateEvery === 0 || this.step === this.total) await this.validate(this.section)
        if (this.files.isDue) await this.save()
      }
      if (stop === 'done' || stop === 'patience') this.watch.end()
      await this.save()
      const { step, total, skipped } = this
      const result = {
        step,
        total,
        seconds: this.elapsed(),
        reason: stop,
        ...(skipped > 0 && { skipped }),
        ...this.communication(),
      }
      this.emit({ event: 'end', ...result })
      return result
    } catch (thrown) {
      const error = await this.saveWhatIsSound(thrown)
      this.emitLast({ event: 'failed', step: this.step, seconds: this.elapsed(), message: messageOf(error) })
      throw error
    }
  }

  private async saveWhatIsSound(thrown: unknown): Promise<unknown> {
    if (!this.writes || !(thrown instanceof DarError)) return thrown
    if (thrown instanceof LogError) return this.saveWithoutLog(thrown)
    const isOfOthers = thrown.kind === 'gone' && this.parts.collective.ranks > 1
    return isOfOthers ? this.saveWithoutOthers(thrown) : thrown
  }

  /** Another rank is gone. This one's state is that after its last update, on which all agreed. */
  private async saveWithoutOthers(error: DarError): Promise<DarError> {
    const stopped = `${messageOf(error)}. The run stops after update ${this.step}`
    try {
      await this.save()
      return new DarError(`${stopped}. ${this.kept()}; go on with --resume`, { kind: 'gone' })
    } catch (failed) {
      return new DarError(`${stopped}. The checkpoint failed too (${messageOf(failed)}). ${this.kept()}`, {
        kind: 'gone',
      })
    }
  }

  /** The log is lost, the updates need not be. */
  private async saveWithoutLog(error: LogError): Promise<DarError> {
    try {
      await this.write()
      return new DarError(`${messageOf(error)}. ${this.kept()}`)
    } catch (failed) {
      return new DarError(`${messageOf(error)}. The checkpoint failed too (${messageOf(failed)}). ${this.kept()}`)
    }
  }

  /** The same on all ranks. */
  private async reasonToStop(): Promise<TrainResult['reason'] | null> {
    const { signal, minutes = Number.POSITIVE_INFINITY } = this.options
    const { patience = Number.POSITIVE_INFINITY, validateEvery } = this.parts.recipe
    if (this.step >= this.total) return 'done'
    // From what is on the disk alone, so that a run that is gone on from ends where it would have ended.
    const waited = this.writes && this.step - this.files.bestStep >= patience * validateEvery
    const isOver = this.writes && this.elapsed() - this.secondsBefore > 60 * minutes
    const flags = [waited, signal?.aborted ?? false, isOver]
    const [hasWaited, isInterrupted, isTime] = await agree(this.parts.collective, flags)
    if (hasWaited) return 'patience'
    if (isInterrupted) return 'interrupted'
    return isTime ? 'time' : null
  }

  /** What the next update needs: `current` as long as its stage lasts. */
  private async sectionFor(current: Section | null): Promise<Section> {
    if (current?.index === stageAt(this.parts.recipe, this.step).index) return current
    await current?.owner.dispose()
    return openSection(this.parts, this.step, this.owner)
  }

  private async update(section: Section): Promise<void> {
    const begin = performance.now()
    const { collective } = this.parts
    const before = { time: collective.time, hidden: this.hidden }
    const { stage, done } = stageAt(this.parts.recipe, this.step)
    const lane = section.lanes[turnAt(stage, done).shape]
    const micros = await this.nextBatch(lane)
    if (micros === null) return
    const names = micros.flatMap((micro) => micro.names)
    // Seen before their memory is given away. A teacher has something to say of any image.
    const ownDepth = this.parts.teacher !== null || micros.some(({ depth }) => depth.some((metres) => metres > 0))
    const [hasDepth] = await agree(collective, [ownDepth])
    const { loss, norm, terms } = await this.gradient(lane, micros)
    if (Number.isFinite(loss) && !Number.isFinite(norm) && this.scale?.halve())
      return this.leaveOut(
        `the gradient is not finite in half precision; the loss is now scaled by ${this.scale.value}`,
      )
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      if (!this.maySkip) return this.refuse(lane, { loss, norm, names })
      const why = `the loss is ${loss} and the gradient's norm ${norm}, not finite. The batch was ${names.join(', ')}`
      return this.skip(why)
    }
    this.skippedInARow = 0
    this.scale?.succeed()
    const rate = rateAt(this.step, this.total, this.parts.recipe.schedule)
    await this.optimiser.apply(this.step, rate, norm)
    const imagesPerSecond = (1000 * stage.batch) / (performance.now() - begin)
    const figures = { loss, terms, rate, norm, imagesPerSecond, seconds: this.elapsed() }
    this.emit({ event: 'step', step: this.step, ...figures, ...this.communication(before) })
    const images = stage.batch
    const message = this.watch.see({ step: this.step, names, images, hasDepth, norm })
    if (message !== null) this.warn(message)
  }

  /** Whether a bad batch may still be left out: when the user says so, and unless the last few were bad, too. */
  private get maySkip(): boolean {
    return (this.options.skipBad ?? false) && this.skippedInARow < MOST_SKIPPED
  }

  /** Leaves this update out: the weights stay as they are, and the next batch is another one. */
  private skip(why: string): void {
    this.skippedInARow++
    this.leaveOut(why)
  }

  private leaveOut(why: string): void {
    this.skipped++
    const { step, skipped } = this
    this.emit({ event: 'skipped', step, seconds: this.elapsed(), skipped, message: `update ${step}: ${why}` })
  }

  /** Null when a frame cannot be read and the batch may be skipped. */
  private async nextBatch(lane: Lane): Promise<readonly Batch[] | null> {
    try {
      return await take(lane)
    } catch (error) {
      if (this.maySkip && error instanceof DarError) {
        this.skip(messageOf(error))
        return null
      }
      // A frame could not be read. The weights are still those of the update before.
      await this.save()
      throw error
    }
  }

  /** Leaves the gradient, over all ranks, in its buffer. The batch's memory is transferred. */
  private async gradient({ step }: Lane, micros: readonly Batch[]) {
    const own = await step.run(micros, { lossScale: this.scale?.value })
    this.hidden += own.hidden
    const figures = [await this.optimiser.gradientNorm(), own.loss, ...own.terms]
    const [norm, loss, ...terms] = await takeFromFirst(this.parts.collective, figures)
    return { norm, loss, terms }
  }

  /**
   * Ends the run at a loss or gradient that is not finite. Another batch shows whether the batch or the weights are at
   * fault. If its loss is finite, the weights are sound and are kept. Diverged weights must not replace a good
   * checkpoint.
   */
  private async refuse(
    lane: Lane,
    { loss, norm, names }: { readonly loss: number; readonly norm: number; readonly names: readonly string[] },
  ): Promise<never> {
    const what =
      `update ${this.step}: the loss is ${loss} and the gradient's norm ${norm}, not finite. ` +
      `The batch was ${names.join(', ')}`
    const other = await this.gradient(lane, await take(lane))
    if (Number.isFinite(other.loss) && Number.isFinite(other.norm)) {
      await this.save()
      throw new DarError(`${what}; the next one is fine, so look at these frames. ${this.kept()}`)
    }
    throw new DarError(
      `${what}; the next one fails too, so the weights have diverged: lower the rate${this.scale ? ', or train without --precision half, whose values end at 65504' : ''}. ${this.kept()}`,
      { kind: 'model' },
    )
  }

  private kept(): string {
    const { savedStep } = this.files
    if (savedStep === null) return 'There is no checkpoint yet'
    return `The checkpoint in ${this.options.out} is of update ${savedStep}`
  }

  private async validate({ validator, stage }: Section): Promise<void> {
    if (!this.writes) return
    this.emit({ event: 'norms', step: this.step, seconds: this.elapsed(), parts: await this.norms.run() })
    if (!validator) return
    const pictures = this.picturesOf(stage)
    const sets = await validator.run({ look: pictures?.look })
    this.emit({ event: 'validation', step: this.step, seconds: this.elapsed(), sets })
    const { best: metric } = this.parts.recipe
    const figure = await this.files.choose(this.progressed(), sets)
    if (metric && figure !== null)
      this.emit({ event: 'best', step: this.step, seconds: this.elapsed(), metric, figure })
    // A run is worth more than its pictures.
    await pictures?.write(this.step).catch((error) => this.warn(messageOf(error)))
  }

  private picturesOf({ width, height }: Stage): Pictures | null {
    const { pictures: count = 0, out } = this.options
    const { recipe, data } = this.parts
    const sets = data.validation.map(({ name }) => name)
    return count > 0 ? new Pictures(out, { count, sets, width, height, dMax: recipe.model.dMax }) : null
  }

  private warn(message: string): void {
    this.emit({ event: 'warning', step: this.step, seconds: this.elapsed(), message })
  }

  private async save(): Promise<void> {
    if (!this.writes) return
    if (this.files.savedStep === this.step) return this.files.postpone()
    const { step, seconds } = await this.write()
    this.emit({ event: 'checkpoint', step, seconds })
  }

  private async write(): Promise<Progressed> {
    const progressed = this.progressed()
    await this.files.write(progressed)
    return progressed
  }

  private progressed(): Progressed {
    const lossScale = this.scale?.state
    return { step: this.step, seconds: this.elapsed(), skipped: this.skipped, ...(lossScale && { lossScale }) }
  }

  /** Seconds of training, sessions before this one included. */
  private elapsed(): number {
    return this.secondsBefore + (performance.now() - this.began) / 1000
  }

  /** Seconds since `before`; nothing for one process. */
  private communication(before = { time: ALONE.time, hidden: 0 }): { readonly communication?: CommunicationSpent } {
    const { ranks, time } = this.parts.collective
    if (ranks === 1) return {}
    const waiting = time.waiting - before.time.waiting
    const moving = time.moving - before.time.moving
    return { communication: { waiting, moving, exposed: waiting + moving - (this.hidden - before.hidden) } }
  }

  private emit(event: TrainEvent): void {
    if (!this.writes) return
    appendEvent(this.options.out, event)
    this.options.onEvent?.(event)
  }

  /** Of a run that has failed: that its log fails as well must not hide why. */
  private emitLast(event: TrainEvent): void {
    if (!this.writes) return
    try {
      appendEvent(this.options.out, event)
    } catch (error) {
      if (!(error instanceof LogError)) throw error
    }
    this.options.onEvent?.(event)
  }
}

/** Frames of an epoch; null where there are rooms, which never end and always have depth. */
function framesIn({ contents }: ResolvedData): number | null {
  const counts = contents.map(({ frames }) => frames)
  return counts.reduce<number | null>((sum, count) => (sum === null || count === null ? null : sum + count), 0)
}

/** The micro-batches of one update. Throws the first error after all were taken, so that the next update begins with its own. */
async function take({ loader, micros }: Lane): Promise<readonly Batch[]> {
  const batches: Batch[] = []
  let failure: unknown = null
  for (let i = 0; i < micros; i++) {
    try {
      const next = await loader.next()
      if (!next.done) batches.push(next.value)
    } catch (error) {
      failure ??= error
    }
  }
  if (failure !== null) throw failure
  assert(batches.length === micros, 'the loader ended')
  return batches
}

function sharingNotes({ stages }: Recipe, { ranks }: Collective): string[] {
  if (ranks === 1) return []
  const shares = [...new Set(stages.map(({ batch }) => `${batch / ranks} of the ${batch}`))]
  return [`${ranks} processes: each computes ${shares.join(', then ')} images of a batch`]
}
