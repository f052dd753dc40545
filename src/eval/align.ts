/**
 * Aligns a prediction to the ground truth's scale before it is judged, and clamps it (algorithm section 10). A metric
 * model is judged with `none`. The other alignments remove errors of scale and judge the structure. Figures under
 * different alignments cannot be compared, so the alignment is always printed.
 *
 *     none                 d
 *     median               d · median(g) / median(d)
 *     scale+shift          s·d + t,         s = cov(d, g) / var(d),   t = mean(g) − s·mean(d)   (least squares against g)
 *     scale+shift-inverse  1 / (s/d + t),   the same fit of 1/d against 1/g; where s/d + t ≤ 0 the point is infinitely far
 *
 * Fits use the valid pixels whose prediction is finite (for the inverse fit: and positive). Alignment comes first, the
 * clamp second. Everything is float64. Robust fits and alignment of a whole video are left out.
 */
import { MIN_DEPTH } from '../model/least-depth.ts'
import { DarError } from '../support/errors.ts'
import { median } from '../support/median.ts'

/** What a prediction may be fitted to the truth by, before it is scored. */
export const ALIGNMENTS = ['none', 'median', 'scale+shift', 'scale+shift-inverse'] as const
/** One of them. */
export type Alignment = (typeof ALIGNMENTS)[number]

/** Checks a name that came from a user. Throws a DarError that lists the choices. */
export function parseAlignment(name: string): Alignment {
  const found = ALIGNMENTS.find((kind) => kind === name)
  if (!found) throw new DarError(`unknown alignment "${name}"; choose one of ${ALIGNMENTS.join(', ')}`)
  return found
}

/** A fitted alignment: a depth d becomes `scale`·d + `shift`, or with `inverse` 1 / (`scale`/d + `shift`). */
export interface Fit {
  readonly scale: number
  readonly shift: number
  readonly inverse: boolean
}

const IDENTITY: Fit = { scale: 1, shift: 0, inverse: false }

/**
 * The fit of `kind` for one image. `prediction`, `truth`: metres, same length, valid pixels only. Where no pixel is
 * usable, or a constant prediction leaves the scale undetermined, the fit is NaN. `clampPrediction` turns NaN into the
 * smallest depth, as the reference does: a failed fit scores badly instead of being skipped.
 */
export function fitAlignment(prediction: ArrayLike<number>, truth: ArrayLike<number>, kind: Alignment): Fit {
  if (kind === 'none') return IDENTITY
  const inverse = kind === 'scale+shift-inverse'
  const d = new Float64Array(prediction.length)
  const g = new Float64Array(prediction.length)
  let n = 0
  for (let i = 0; i < prediction.length; i++) {
    if (!Number.isFinite(prediction[i]) || (inverse && !(prediction[i] > 0))) continue
    d[n] = inverse ? 1 / prediction[i] : prediction[i]
    g[n++] = inverse ? 1 / truth[i] : truth[i]
  }
  const [usedD, usedG] = [d.subarray(0, n), g.subarray(0, n)]
  if (kind === 'median') return { scale: median(usedG) / median(usedD), shift: 0, inverse }
  return { ...fitLine(usedD, usedG), inverse }
}

/**
 * Writes to `aligned`, by default a new array. With `inverse`, s/d + t ≤ 0 gives infinity, and a prediction that was no
 * depth gives NaN.
 */
export function applyFit(
  prediction: ArrayLike<number>,
  { scale, shift, inverse }: Fit,
  aligned: Float64Array = new Float64Array(prediction.length),
): Float64Array {
  if (scale === 1 && shift === 0 && !inverse) {
    if (aligned !== prediction) aligned.set(prediction)
    return aligned
  }
  for (let i = 0; i < aligned.length; i++) {
    if (!inverse) {
      aligned[i] = prediction[i] * scale + shift
      continue
    }
    const closeness = scale / prediction[i] + shift
    if (!(prediction[i] > 0)) aligned[i] = Number.NaN
    else aligned[i] = closeness <= 0 ? Number.POSITIVE_INFINITY : 1 / closeness
  }
  return aligned
}

function fitLine(d: Float64Array, g: Float64Array): { scale: number; shift: number } {
  let meanD = 0
  let meanG = 0
  for (let i = 0; i < d.length; i++) {
    meanD += d[i] / d.length
    meanG += g[i] / d.length
  }
  let covariance = 0
  let variance = 0
  for (let i = 0; i < d.length; i++) {
    covariance += (d[i] - meanD) * (g[i] - meanG)
    variance += (d[i] - meanD) ** 2
  }
  const scale = covariance / variance
  return { scale, shift: meanG - scale * meanD }
}

/** Clamps to [MIN_DEPTH, cap] metres in place; NaN and −inf become MIN_DEPTH, +inf becomes `cap`. */
export function clampPrediction(prediction: Float64Array, cap: number): Float64Array {
  for (let i = 0; i < prediction.length; i++) {
    const d = prediction[i]
    // Few pixels are out of range, and writing costs more than reading, so only those are written.
    if (!(d > MIN_DEPTH)) prediction[i] = MIN_DEPTH
    else if (d > cap) prediction[i] = cap
  }
  return prediction
}
