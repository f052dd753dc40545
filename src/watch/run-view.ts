/** What is known of a run from the events of its log: what its page and its report show. */
import type { TrainEvent } from '../train/index.ts'
import { RunningMean } from '../train/running-mean.ts'
import { StepTrack } from './step-track.ts'

type Kind<K extends TrainEvent['event']> = Extract<TrainEvent, { event: K }>

/** Warnings that are kept. */
const WARNINGS = 20

/** A run, so far. */
export class RunView {
  /** Of the newest session. */
  start: Kind<'start'> | null = null
  readonly steps = new StepTrack()
  validations: readonly Kind<'validation'>[] = []
  norms: readonly Kind<'norms'>[] = []
  /** Warnings and updates that were left out, the newest. */
  warnings: readonly (Kind<'warning'> | Kind<'skipped'>)[] = []
  /** The best model so far; null where the recipe asks for none. */
  best: Kind<'best'> | null = null
  /** How the newest session ended; null while it runs, or when it was killed. */
  ending: Kind<'end'> | Kind<'failed'> | null = null
  /** Updates done. */
  done = 0
  /** Of training, over all sessions. */
  seconds = 0
  imagesPerSecond: number | null = null
  /** Of the newest checkpoint; null before the first. */
  savedStep: number | null = null
  /** Events seen. */
  count = 0
  private firstOfSession: Kind<'step'> | null = null
  private running = new RunningMean()

  /** Running mean of the loss, as in the line of the terminal; null before the first update. */
  get loss(): number | null {
    return this.running.value
  }

  /** Events in the order of the log. */
  see(event: TrainEvent): void {
    this.count++
    this.done = event.step
    if ('seconds' in event) this.seconds = event.seconds
    switch (event.event) {
      case 'start':
        this.begin(event)
        return
      case 'step':
        this.steps.add(event)
        this.done = event.step + 1
        this.firstOfSession ??= event
        this.running.add(event.loss)
        this.imagesPerSecond = event.imagesPerSecond
        return
      case 'validation':
        this.validations = [...this.validations, event]
        return
      case 'norms':
        this.norms = [...this.norms, event]
        return
      case 'warning':
        this.warnings = [...this.warnings, event].slice(-WARNINGS)
        return
      case 'skipped':
        this.done = event.step + 1
        this.warnings = [...this.warnings, event].slice(-WARNINGS)
        return
      case 'best':
        this.best = event
        return
      case 'checkpoint':
        this.savedStep = event.step
        return
      case 'end':
      case 'failed':
        this.ending = event
    }
  }

  /** A session goes on from a checkpoint, which may lie before the last update of the log. */
  private begin(event: Kind<'start'>): void {
    const before = <T extends { readonly step: number }>(list: readonly T[]) =>
      list.filter(({ step }) => step <= event.step)
    this.start = event
    this.ending = null
    this.firstOfSession = null
    this.steps.cut(event.step)
    this.validations = before(this.validations)
    this.norms = before(this.norms)
    if (event.step > 0) return
    this.warnings = []
    this.seconds = 0
    this.running = new RunningMean()
    this.savedStep = null
    this.best = null
  }

  /** Seconds that the rest takes at the mean rate of this session; null where that is not known or nothing is left. */
  get secondsLeft(): number | null {
    const { start, firstOfSession: first, done, seconds } = this
    if (!start || !first || this.ending || done - 1 <= first.step) return null
    return ((start.total - done) * (seconds - first.seconds)) / (done - 1 - first.step)
  }
}
