/**
 * Bringing a prediction onto the ground truth's scale before it is judged, and the clamp that follows (spec section 10).
 * A metric model is judged with `none`. The other two tell how good the structure is when the scale is forgiven, and a
 * figure without its alignment beside it cannot be compared with anything.
 *
 *     none         d
 *     median       d · median(g) / median(d)
 *     scale+shift  s·d + t,   s = cov(d, g) / var(d),   t = mean(g) − s·mean(d)      (least squares against g)
 *
 * Both fits use the valid pixels whose prediction is finite. Alignment comes first, the clamp second. Everything is
 * float64. Robust fits, alignment in inverse depth and alignment of a whole video are left out.
 */
import { DarError } from '../support/errors.ts'

export const ALIGNMENTS = ['none', 'median', 'scale+shift'] as const
export type Alignment = (typeof ALIGNMENTS)[number]

/** Smallest depth, in metres, that counts as a measurement and that a clamped prediction can have. */
export const MIN_EVAL_DEPTH = 1e-3

/** Median of `values`, the mean of the two middle ones for an even count; NaN of nothing. Leaves `values` untouched. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort()
  if (sorted.length === 0) return Number.NaN
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}

/** Checks a name that came from a user. Throws a DarError that lists the choices. */
export function parseAlignment(name: string): Alignment {
  const found = ALIGNMENTS.find((kind) => kind === name)
  if (!found) throw new DarError(`unknown alignment "${name}"; choose one of ${ALIGNMENTS.join(', ')}`)
  return found
}

/**
 * The aligned prediction, a new array.
 *
 * `prediction`, `truth`: metres, same length. `valid`: nonzero where `truth` is a measurement that counts. Where no
 * pixel is usable, or a constant prediction leaves the scale undetermined, the result is NaN, which `clampPrediction`
 * turns into the smallest depth, as in the reference: a failed fit scores badly instead of being skipped.
 */
export function align(
  prediction: ArrayLike<number>,
  truth: ArrayLike<number>,
  valid: ArrayLike<number>,
  kind: Alignment,
): Float64Array {
  const aligned = Float64Array.from(prediction)
  if (kind === 'none') return aligned
  const usable: number[] = []
  for (let i = 0; i < valid.length; i++) if (valid[i] && Number.isFinite(prediction[i])) usable.push(i)
  const { scale, shift } = kind === 'median' ? fitMedian(prediction, truth, usable) : fitLine(prediction, truth, usable)
  for (let i = 0; i < aligned.length; i++) aligned[i] = aligned[i] * scale + shift
  return aligned
}

interface Fit {
  readonly scale: number
  readonly shift: number
}

function fitMedian(prediction: ArrayLike<number>, truth: ArrayLike<number>, usable: number[]): Fit {
  const at = (values: ArrayLike<number>) => median(usable.map((i) => values[i]))
  return { scale: at(truth) / at(prediction), shift: 0 }
}

function fitLine(prediction: ArrayLike<number>, truth: ArrayLike<number>, usable: number[]): Fit {
  let meanD = 0
  let meanG = 0
  for (const i of usable) {
    meanD += prediction[i] / usable.length
    meanG += truth[i] / usable.length
  }
  let covariance = 0
  let variance = 0
  for (const i of usable) {
    covariance += (prediction[i] - meanD) * (truth[i] - meanG)
    variance += (prediction[i] - meanD) ** 2
  }
  const scale = covariance / variance
  return { scale, shift: meanG - scale * meanD }
}

/** Clamps to [MIN_EVAL_DEPTH, cap] metres in place; NaN and −inf become MIN_EVAL_DEPTH, +inf becomes `cap`. */
export function clampPrediction(prediction: Float64Array, cap: number): Float64Array {
  for (let i = 0; i < prediction.length; i++) {
    const d = prediction[i]
    prediction[i] = d > MIN_EVAL_DEPTH ? Math.min(d, cap) : MIN_EVAL_DEPTH
  }
  return prediction
}
