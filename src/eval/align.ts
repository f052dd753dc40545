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

export const ALIGNMENTS = ['none', 'median', 'scale+shift', 'scale+shift-inverse'] as const
export type Alignment = (typeof ALIGNMENTS)[number]

/** Size of the sample that gives the bounds of a median. */
const SAMPLE = 2048

/**
 * Median of `values`: the mean of the two middle ones for an even count. NaN counts as the largest; the median of
 * nothing is NaN. `values` is not changed. A full sort would cost more than all metrics of a frame, so most values are
 * only counted: a sample gives two bounds between which the middle almost surely lies (Floyd & Rivest, CACM 18(3),
 * 1975). If it does not, the bounds are dropped.
 */
export function median(values: ArrayLike<number>): number {
  const count = values.length
  const upper = count >> 1
  const lower = count % 2 === 1 ? upper : upper - 1
  let { from, to } = count > 4 * SAMPLE ? boundsOfMiddle(values) : EVERYTHING
  let { below, inside } = between(values, from, to)
  if (lower < below || upper >= below + inside.length) {
    ;({ from, to } = EVERYTHING)
    ;({ below, inside } = between(values, from, to))
  }
  const rank = upper - below
  if (rank >= inside.length) return Number.NaN
  select(inside, rank, inside.length - 1)
  const high = inside[rank]
  if (lower === upper) return high
  // No value before the selected one is larger, so the lower middle one is their largest.
  let low = Number.NEGATIVE_INFINITY
  for (let i = 0; i < rank; i++) if (inside[i] > low) low = inside[i]
  return (low + high) / 2
}

const EVERYTHING = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }

/**
 * Bounds for the middle, from an evenly spaced sample: three standard deviations of its rank, √n/2 each, on either
 * side.
 */
function boundsOfMiddle(values: ArrayLike<number>): { from: number; to: number } {
  const step = Math.floor(values.length / SAMPLE)
  const sample = Float64Array.from({ length: SAMPLE }, (_, k) => values[k * step]).sort()
  const reach = Math.ceil((3 * Math.sqrt(SAMPLE)) / 2)
  return { from: sample[SAMPLE / 2 - reach], to: sample[SAMPLE / 2 + reach] }
}

/** Counts the values below `from`, and those from `from` to `to`. NaN is in neither. */
function between(values: ArrayLike<number>, from: number, to: number): { below: number; inside: Float64Array } {
  const inside = new Float64Array(values.length)
  let below = 0
  let n = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (value < from) below++
    else if (value <= to) inside[n++] = value
  }
  return { below, inside: inside.subarray(0, n) }
}

/**
 * Reorders `a[0..last]` so that the value of rank `k` is at index k and smaller ones are before it (Hoare's
 * quickselect).
 */
function select(a: Float64Array, k: number, last: number): void {
  let left = 0
  let right = last
  while (left < right) {
    // The middle of three as the pivot. Sorted and constant maps are common, and are its best case.
    const middle = (left + right) >> 1
    const [x, y, z] = [a[left], a[middle], a[right]]
    const pivot = Math.max(Math.min(x, y), Math.min(Math.max(x, y), z))
    let i = left
    let j = right
    while (i <= j) {
      while (a[i] < pivot) i++
      while (a[j] > pivot) j--
      if (i > j) break
      const swap = a[i]
      a[i++] = a[j]
      a[j--] = swap
    }
    if (k <= j) right = j
    else if (k >= i) left = i
    else return
  }
}

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
