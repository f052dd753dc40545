/**
 * The updates of a run for its curves, in bounded memory: means over stretches of updates, which are merged in pairs whenever there are
 * too many. A run of a million updates then has as many points as one of a thousand.
 */
import type { TrainEvent } from '../train/index.ts'

type Step = Extract<TrainEvent, { event: 'step' }>

/** Means over consecutive updates. */
export interface Stretch extends Omit<Step, 'event' | 'step'> {
  /** Numbers of its first and last update, from 0. */
  readonly from: number
  readonly to: number
  readonly count: number
}

/** Stretches that are kept at most. */
const MOST = 4096

/** Stretches of equal numbers of updates, in order. */
export class StepTrack {
  private stretches: Stretch[] = []
  /** Updates in a stretch that is full. */
  private size = 1

  add({ event: _, step, ...figures }: Step): void {
    const one = { ...figures, from: step, to: step, count: 1 }
    const last = this.stretches.at(-1)
    if (last && last.count < this.size) this.stretches[this.stretches.length - 1] = merged([last, one])
    else this.stretches.push(one)
    if (this.stretches.length > MOST) {
      this.size *= 2
      this.stretches = grouped(this.stretches, 2)
    }
  }

  /** Forgets update `step` and all after it, since a resumed run does them again. A stretch that reaches beyond goes whole. */
  cut(step: number): void {
    this.stretches = this.stretches.filter(({ to }) => to < step)
  }

  /** About `most` points, at most. */
  points(most: number): readonly Stretch[] {
    return grouped(this.stretches, Math.ceil(this.stretches.length / most))
  }
}

function grouped(stretches: readonly Stretch[], size: number): Stretch[] {
  if (size <= 1) return [...stretches]
  const groups: Stretch[] = []
  for (let i = 0; i < stretches.length; i += size) groups.push(merged(stretches.slice(i, i + size)))
  return groups
}

/** Means over all updates; of the seconds, which count up, the last. */
function merged(group: readonly Stretch[]): Stretch {
  const count = group.reduce((sum, one) => sum + one.count, 0)
  const mean = (figure: (one: Stretch) => number) =>
    group.reduce((sum, one) => sum + one.count * figure(one), 0) / count
  const last = group[group.length - 1]
  return {
    from: group[0].from,
    to: last.to,
    count,
    loss: mean(({ loss }) => loss),
    terms: group[0].terms.map((_, k) => mean(({ terms }) => terms[k])),
    rate: mean(({ rate }) => rate),
    norm: mean(({ norm }) => norm),
    imagesPerSecond: mean(({ imagesPerSecond }) => imagesPerSecond),
    seconds: last.seconds,
  }
}
