/**
 * Chooses the frame for each position of the training stream. It is a pure function from a position to a source and an
 * item of it, so any worker can make any batch in any order, and a run can resume in the middle.
 *
 * Sources are mixed by weight, without randomness. With p = w₀ / Σw, position t belongs to source 0 if ⌊(t+1)p⌋ > ⌊tp⌋,
 * as its item number ⌊tp⌋. Otherwise it is position t − ⌊tp⌋ of the stream of the remaining sources, and so on. Every
 * part of the stream therefore contains each source in proportion, and the item numbers of a source have no gaps. Read
 * as (epoch, place), they visit every frame exactly once per epoch, in a new shuffled order for each epoch.
 */
import { Random } from '../support/random.ts'

export interface Slot {
  /** Index into the weights. */
  readonly source: number
  /** How many earlier positions belong to the same source. */
  readonly ordinal: number
}

/** The source of position `t` ≥ 0, and the position's number within that source. `weights`: positive, any sum. */
export function slotAt(t: number, weights: readonly number[]): Slot {
  let rest = weights.reduce((sum, w) => sum + w, 0)
  let position = t
  for (let source = 0; source < weights.length - 1; source++) {
    const p = weights[source] / rest
    const ordinal = Math.floor(position * p)
    if (Math.floor((position + 1) * p) > ordinal) return { source, ordinal }
    position -= ordinal
    rest -= weights[source]
  }
  return { source: weights.length - 1, ordinal: position }
}

/** Turns a source's running count into frame numbers: each epoch visits all of them once, in its own shuffled order. */
export class EpochOrder {
  private epoch = -1
  private order: number[] = []
  private readonly length: number
  private readonly seed: number

  constructor(length: number, seed: number) {
    this.length = length
    this.seed = seed
  }

  /** The frame, in [0, length), that the `ordinal`-th draw reads. */
  at(ordinal: number): number {
    const epoch = Math.floor(ordinal / this.length)
    if (epoch !== this.epoch) {
      this.order = new Random(this.seed, epoch).shuffle(Array.from({ length: this.length }, (_, i) => i))
      this.epoch = epoch
    }
    return this.order[ordinal % this.length]
  }
}
