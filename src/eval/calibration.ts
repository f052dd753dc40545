/**
 * Is sigma, the predicted standard deviation, worth something? Two questions.
 *
 * **Does it rank pixels by their error?** Sparsification (Ilg et al., ECCV 2018; for depth Poggi et al., CVPR 2020): remove the
 * share f of the pixels with the largest sigma and take the error of the rest, for f = 0, 0.02, …, 0.98. The oracle removes
 * the pixels with the largest error instead; removing at random leaves the error as it is.
 *
 *     AUSE = ∫ error by sigma(f) − error by oracle(f) df        0: as good as knowing the errors
 *     AURG = ∫ error of all − error by sigma(f) df              above 0: better than removing at random
 *
 * by the trapezoidal rule over [0, 1], where the curves end at 0; not divided by the error of all pixels, as Poggi's. Pixels of one
 * sigma are removed together: each counts with the mean error of its group, so that their order in the image does not matter.
 *
 * **Is it as large as the error?** The share of pixels whose error is at most 1σ and 2σ: 68.3 % and 95.4 % for a normal error.
 */
import { assert } from '../support/errors.ts'

/** Shares removed: 0, 1/50, …, 49/50. */
export const SPARSIFICATION_STEPS = 50

/** Pixels that a curve of one image is made from: sorting all of them would cost more than every other figure. */
const MOST_PIXELS = 8192

export interface Calibration {
  readonly ause_abs_rel: number
  readonly aurg_abs_rel: number
  readonly ause_rmse: number
  readonly aurg_rmse: number
  /** Shares of pixels. */
  readonly within_1sigma: number
  readonly within_2sigma: number
}

export interface Curves {
  /** abs_rel of what is left after removing 0, 1/50, …, 49/50 of the pixels. */
  readonly sigma: readonly number[]
  readonly oracle: readonly number[]
}

/** `d`, `g`, `sigma`: metres, same length, at least one pixel; aligned and clamped as for the metrics. A sigma that is NaN counts as infinite. */
export function calibrate(
  d: ArrayLike<number>,
  g: ArrayLike<number>,
  sigma: ArrayLike<number>,
): { readonly figures: Calibration; readonly curves: Curves } {
  assert(d.length === g.length && d.length === sigma.length && d.length > 0, 'depth and sigma of the same pixels')
  let within1 = 0
  let within2 = 0
  for (let i = 0; i < d.length; i++) {
    const error = Math.abs(d[i] - g[i])
    if (error <= sigma[i]) within1++
    if (error <= 2 * sigma[i]) within2++
  }
  const n = Math.min(d.length, MOST_PIXELS)
  const relative = new Float64Array(n)
  const squares = new Float64Array(n)
  const key = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    const i = Math.floor(((k + 0.5) * d.length) / n) // evenly spaced: every pixel when there are few
    relative[k] = Math.abs(d[i] - g[i]) / g[i]
    squares[k] = (d[i] - g[i]) ** 2
    key[k] = Number.isNaN(sigma[i]) ? Number.POSITIVE_INFINITY : sigma[i]
  }
  const order = Uint32Array.from(key, (_, k) => k).sort((a, b) => (key[a] < key[b] ? -1 : key[a] > key[b] ? 1 : 0))
  const bySigma = sparsification(grouped(relative, key, order))
  const byError = sparsification(relative.slice().sort())
  const root = (curve: number[]) => curve.map(Math.sqrt)
  const rmseBySigma = root(sparsification(grouped(squares, key, order)))
  const rmseByError = root(sparsification(squares.slice().sort()))
  return {
    figures: {
      ause_abs_rel: area(bySigma) - area(byError),
      aurg_abs_rel: bySigma[0] - area(bySigma) - bySigma[0] / SPARSIFICATION_STEPS / 2,
      ause_rmse: area(rmseBySigma) - area(rmseByError),
      aurg_rmse: rmseBySigma[0] - area(rmseBySigma) - rmseBySigma[0] / SPARSIFICATION_STEPS / 2,
      within_1sigma: within1 / d.length,
      within_2sigma: within2 / d.length,
    },
    curves: { sigma: bySigma, oracle: byError },
  }
}

/** `values` in `order`; where the keys are equal, the mean of their group. */
function grouped(values: Float64Array, key: Float64Array, order: Uint32Array): Float64Array {
  const sorted = Float64Array.from(order, (i) => values[i])
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    let sum = 0
    for (to = from; to < sorted.length && key[order[to]] === key[order[from]]; to++) sum += sorted[to]
    if (to - from > 1) sorted.fill(sum / (to - from), from, to)
  }
  return sorted
}

/** Mean of the first (1 − f)·n of `ascending`, at least one, for every share f. */
function sparsification(ascending: Float64Array): number[] {
  const n = ascending.length
  const sums = new Float64Array(n + 1)
  for (let i = 0; i < n; i++) sums[i + 1] = sums[i] + ascending[i]
  return Array.from({ length: SPARSIFICATION_STEPS }, (_, k) => {
    const kept = Math.max(1, Math.round((1 - k / SPARSIFICATION_STEPS) * n))
    return sums[kept] / kept
  })
}

/** ∫ over [0, 1] by the trapezoidal rule, the curve 0 at 1. */
function area(curve: readonly number[]): number {
  return (curve.reduce((sum, value) => sum + value, 0) - curve[0] / 2) / SPARSIFICATION_STEPS
}
