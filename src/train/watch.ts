/** Detects failures of a run that raise no error: frames without depth, and a network that no longer learns. */
import { DarError } from '../support/errors.ts'

/** Updates in a row with a gradient of exactly 0 after which a run is called dead. */
const DEAD_AFTER = 20

/** The values of one update that are checked. */
export interface Seen {
  /** From 0. */
  readonly step: number
  readonly names: readonly string[]
  /** Over all ranks. */
  readonly images: number
  /** Whether any pixel of the batch has depth. */
  readonly hasDepth: boolean
  /** Of the gradient. */
  readonly norm: number
}

export class Watch {
  private updates = 0
  private withDepth = 0
  /** Images since the last update that had depth. */
  private imagesWithout = 0
  private warned = false
  private zeroNorms = 0

  /** `frames`: in an epoch; null where it never ends. */
  constructor(private readonly frames: number | null) {}

  /**
   * Returns a warning, once for each kind, or null. Throws a DarError when a whole epoch had no depth: such updates have a loss of 0 and
   * change nothing but by weight decay.
   */
  see({ step, names, images, hasDepth, norm }: Seen): string | null {
    this.updates++
    if (!hasDepth) {
      this.imagesWithout += images
      if (this.frames !== null && this.imagesWithout >= this.frames)
        throw new DarError(`none of the last ${this.imagesWithout} frames, a whole epoch, has any depth; ${REMEDY}`)
      if (this.warned) return null
      this.warned = true
      return `update ${step}: no frame of it has any depth (${names.join(', ')}), so nothing is learnt from it; ${REMEDY}`
    }
    this.withDepth++
    this.imagesWithout = 0
    this.zeroNorms = norm === 0 ? this.zeroNorms + 1 : 0
    if (this.zeroNorms !== DEAD_AFTER) return null
    return (
      `the gradient's norm has been 0 for ${DEAD_AFTER} updates: nothing is learnt any more. Stop the run, and begin anew at a ` +
      'lower rate, or from other weights'
    )
  }

  /** Of a finished run. Throws a DarError when none of its updates, one at least, had depth. */
  end(): void {
    if (this.updates > 0 && this.withDepth === 0)
      throw new DarError(`none of the ${this.updates} updates saw any depth, so nothing was learnt; ${REMEDY}`)
  }
}

const REMEDY = 'look at the depth files, their unit and their range (dar data inspect)'
