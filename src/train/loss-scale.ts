/**
 * The scale of the loss in half precision. Gradients of a small loss are below 6e-8, the smallest float16, and would be 0. So the step
 * computes the gradient of s·loss and divides it by s in float32 (step-program.ts). Where s is too large a gradient passes 65504 and is
 * not finite. Such an update is left out, and s halved; after many good ones s is doubled (Micikevicius et al. 2018):
 *
 *     s ← s/2   after a gradient that is not finite          s ← 2s   after `GROWTH` updates in a row without one
 *
 * s is a power of two, so that multiplying and dividing are exact. What it becomes depends on the gradients alone, so a run repeats it,
 * and one that is resumed goes on with the checkpoint's.
 */

/** As the checkpoint stores it. */
export interface LossScaleState {
  readonly scale: number
  /** Updates in a row whose gradient was finite. */
  readonly good: number
}

const FIRST: LossScaleState = { scale: 2 ** 12, good: 0 }
/** Good updates before the scale is doubled. */
const GROWTH = 1000
const LARGEST = 2 ** 24

export class LossScale {
  private current: LossScaleState

  /** `state`: that of a checkpoint; default: that of a new run. */
  constructor(state: LossScaleState = FIRST) {
    this.current = state
  }

  get state(): LossScaleState {
    return this.current
  }

  /** s of the next update. */
  get value(): number {
    return this.current.scale
  }

  /** After an update with a finite gradient. */
  succeed(): void {
    const { scale, good } = this.current
    this.current = good + 1 < GROWTH ? { scale, good: good + 1 } : { scale: Math.min(LARGEST, 2 * scale), good: 0 }
  }

  /** After a gradient that is not finite. Returns false where the scale is 1 already: then it is not the scale's fault. */
  halve(): boolean {
    const { scale } = this.current
    if (scale <= 1) return false
    this.current = { scale: scale / 2, good: 0 }
    return true
  }
}
