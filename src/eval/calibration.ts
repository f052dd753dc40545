/**
 * Measures how good sigma, the predicted standard deviation, is. Two questions.
 *
 * **Does it rank pixels by their error?** Sparsification (Ilg et al., ECCV 2018; for depth Poggi et al., CVPR 2020):
 * remove the share f of the pixels with the largest sigma and compute the error of the rest, for f = 0, 0.02, …, 0.98.
 * The oracle removes the pixels with the largest error instead. Random removal leaves the error as it is.
 *
 *     AUSE = ∫ error by sigma(f) − error by oracle(f) df        0: as good as knowing the errors
 *     AURG = ∫ error of all − error by sigma(f) df              above 0: better than removing at random
 *
 * Integrated by the trapezoidal rule over [0, 1], where the curves end at 0. As in Poggi's definition, not divided by
 * the error of all pixels. Pixels with equal sigma are removed together: each counts with the mean error of its group,
 * so that their order in the image does not matter.
 *
 * **Is it as large as the error?** The share of pixels whose error is at most 1σ and 2σ: 68.3 % and 95.4 % for a normal error.
 */
import { assert } from '../support/errors.ts'

/** Shares removed: 0, 1/50, …, 49/50. */
export const SPARSIFICATION_STEPS = 50

/**
 * Number of pixels that the curve of one image is computed from. Sorting all of them would cost more than all other
 * figures.
 */
const MOST_PIXELS = 8192

/** Quality of σ: areas of sparsification, and shares of pixels within one and two σ. */
export interface Calibration {
  readonly ause_abs_rel: number
  readonly aurg_abs_rel: number
  readonly ause_rmse: number
  readonly aurg_rmse: number
  /** Shares of pixels. */
  readonly within_1sigma: number
  readonly within_2sigma: number
}

/** The sparsification curves behind `ause_abs_rel`. */
export interface Curves {
  /** abs_rel of the remaining pixels after removing 0, 1/50, …, 49/50. */
  readonly sigma: readonly number[]
  readonly oracle: readonly number[]
}

/**
 * `d`, `g`, `sigma`: metres, same length, at least one pixel; `d` aligned and clamped as for the metrics, sigma brought to
 * its unit by `scale`. A sigma that is NaN counts as infinite.
 */
export function calibrate(
  d: ArrayLike<number>,
  g: ArrayLike<number>,
  sigma: ArrayLike<number>,
  { scale = 1 }: { readonly scale?: number } = {},
): { readonly figures: Calibration; readonly curves: Curves } {
  assert(d.length === g.length && d.length === sigma.length && d.length > 0, 'depth and sigma of the same pixels')
  let within1 = 0
  let within2 = 0
  for (let i = 0; i < d.length; i++) {
    const error = Math.abs(d[i] - g[i])
    const one = sigma[i] * scale
    if (!(error <= 2 * one)) continue
    within2++
    if (error <= one) within1++
  }
  const n = Math.min(d.length, MOST_PIXELS)
  const relative = new Float64Array(n)
  const squares = new Float64Array(n)
  const key = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    const i = Math.floor(((k + 0.5) * d.length) / n) // evenly spaced: every pixel when there are few
    relative[k] = Math.abs(d[i] - g[i]) / g[i]
    squares[k] = (d[i] - g[i]) ** 2
    const one = sigma[i] * scale
    key[k] = Number.isNaN(one) ? Number.POSITIVE_INFINITY : one
  }
  const root = (curve: number[]) => curve.map(Math.sqrt)
  const ranking = rank(key)
  const bySigma = sparsification(relative, ranking)
  const byError = oracle(relative)
  const rmseBySigma = root(sparsification(squares, ranking))
  const rmseByError = root(oracle(squares))
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

/** Number of pixels left after removing each share of `n`, at least one; ascending. */
const keptOf = (n: number) =>
  Array.from({ length: SPARSIFICATION_STEPS }, (_, k) =>
    Math.max(1, Math.round((1 - k / SPARSIFICATION_STEPS) * n)),
  ).reverse()

/**
 * The position of each pixel among the cuts of a sparsification curve. A cut is the largest key that some share keeps.
 * Only the keys are sorted, which a typed array does natively; each pixel is then located between two cuts.
 */
interface Ranking {
  /** Ascending, each once. */
  readonly cuts: readonly number[]
  /** Of each pixel: 2j between cut j − 1 and cut j, 2j + 1 at cut j. */
  readonly cells: Uint8Array
}

function rank(key: Float64Array): Ranking {
  const sorted = key.slice().sort()
  const cuts = [...new Set(keptOf(key.length).map((kept) => sorted[kept - 1]))]
  const cells = new Uint8Array(key.length)
  for (let i = 0; i < key.length; i++) {
    let low = 0 // the first cut that is not below the key
    let high = cuts.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (cuts[middle] < key[i]) low = middle + 1
      else high = middle
    }
    cells[i] = 2 * low + (cuts[low] === key[i] ? 1 : 0)
  }
  return { cuts, cells }
}

/**
 * Mean of the first (1 − f)·n errors, for every share f. Pixels at a cut have equal keys, and each counts with the mean
 * of its group.
 */
function sparsification(errors: Float64Array, { cuts, cells }: Ranking): number[] {
  const sums = new Float64Array(2 * cuts.length + 1)
  const counts = new Float64Array(2 * cuts.length + 1)
  for (let i = 0; i < errors.length; i++) {
    sums[cells[i]] += errors[i]
    counts[cells[i]]++
  }
  let cell = 1 // of the cut that the share ends at
  let sum = sums[0]
  let count = counts[0]
  const means = keptOf(errors.length).map((kept) => {
    while (kept > count + counts[cell]) {
      sum += sums[cell] + sums[cell + 1]
      count += counts[cell] + counts[cell + 1]
      cell += 2
    }
    return (sum + ((kept - count) * sums[cell]) / counts[cell]) / kept
  })
  return means.reverse()
}

/** The same when the smallest errors come first. */
function oracle(errors: Float64Array): number[] {
  const sorted = errors.slice().sort()
  let sum = 0
  let count = 0
  const means = keptOf(errors.length).map((kept) => {
    while (count < kept) sum += sorted[count++]
    return sum / kept
  })
  return means.reverse()
}

/** ∫ over [0, 1] by the trapezoidal rule, the curve 0 at 1. */
function area(curve: readonly number[]): number {
  return (curve.reduce((sum, value) => sum + value, 0) - curve[0] / 2) / SPARSIFICATION_STEPS
}
