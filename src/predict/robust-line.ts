/**
 * A line through points of which some are wrong, without random draws: the same points give the same line.
 *
 *     y ≈ a·x + b,      residual r = c·(y − a·x − b),      c: how much an error of this point counts, 1 by default
 *
 * 1. The start is the line of repeated medians (Siegel, Biometrika 69(1), 1982), which stands while fewer than half of the points
 *    are wrong:
 *
 *        a = med_i med_{j≠i} (y_j − y_i) / (x_j − x_i),      b = med_i (y_i − a·x_i)
 *
 *    It compares all pairs, so of many points it takes some, evenly spread over x.
 * 2. The size of an ordinary residual is s = 1.4826·med |r|, the standard deviation of normal noise.
 * 3. Least squares with Tukey's weights, again and again until the line stays: w = (1 − (r / 4.685s)²)², 0 beyond 4.685s. s is
 *    held meanwhile (the MM-estimate of Yohai, Annals of Statistics 15(2), 1987). Then 2 and 3 once more.
 *
 * Where the slope is given, only b is looked for, from the median of y − a·x.
 */
import { median } from '../support/median.ts'

/** A residual of so many s weighs nothing; normal noise then keeps 95 % of its information. */
const TUKEY = 4.685
const MAD_TO_DEVIATION = 1.4826
/** Least squares solved for one s. It takes a handful. */
const MOST_ROUNDS = 50
/** Points that the start compares pairwise. */
const START_POINTS = 256

export interface RobustLine {
  readonly slope: number
  readonly offset: number
  /** Standard deviation of an ordinary residual. */
  readonly deviation: number
  /** Tukey's weight of each point, 0 to 1. Those of 0 are outliers. */
  readonly weights: Float64Array
}

export interface RobustLineOptions {
  /** Where it is given, only the offset is fitted. */
  readonly slope?: number
  /** How much an error of each point counts. */
  readonly importance?: ArrayLike<number>
  /** Smaller residuals than this are taken for rounding: the deviation is never less. */
  readonly least?: number
  /** The most points whose pairs the start compares. */
  readonly startPoints?: number
}

/** The line of `x` and `y`, finite numbers, at least one, at least two different x where the slope is not given. */
export function robustLine(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  { slope, importance, least = 1e-9, startPoints = START_POINTS }: RobustLineOptions = {},
): RobustLine {
  let line = startOf(x, y, { slope, startPoints })
  let deviation = least
  for (let pass = 0; pass < 2; pass++) {
    deviation = Math.max(least, MAD_TO_DEVIATION * median(sizes(x, y, line, importance)))
    line = reweighted(x, y, line, { slope, importance, deviation })
  }
  const weights = sizes(x, y, line, importance).map((size) => tukey(size / deviation))
  return { ...line, deviation, weights }
}

interface Line {
  readonly slope: number
  readonly offset: number
}

/** |r| of every point. */
function sizes(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  { slope, offset }: Line,
  importance: ArrayLike<number> | undefined,
): Float64Array {
  const out = new Float64Array(x.length)
  for (let i = 0; i < out.length; i++) out[i] = Math.abs((importance?.[i] ?? 1) * (y[i] - slope * x[i] - offset))
  return out
}

function tukey(r: number): number {
  const t = 1 - (r / TUKEY) ** 2
  return t > 0 ? t * t : 0
}

function startOf(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  { slope: given, startPoints }: { readonly slope: number | undefined; readonly startPoints: number },
): Line {
  const slope = given ?? repeatedMedianSlope(x, y, startPoints)
  const rest = new Float64Array(x.length)
  for (let i = 0; i < rest.length; i++) rest[i] = y[i] - slope * x[i]
  return { slope, offset: median(rest) }
}

function repeatedMedianSlope(x: ArrayLike<number>, y: ArrayLike<number>, most: number): number {
  const order = Uint32Array.from(x, (_, i) => i).sort((i, j) => x[i] - x[j] || y[i] - y[j])
  const count = Math.min(order.length, most)
  const chosen = Array.from({ length: count }, (_, k) => order[Math.floor(((k + 0.5) * order.length) / count)])
  const slopes: number[] = []
  const ofOne = new Float64Array(count)
  for (const i of chosen) {
    let n = 0
    for (const j of chosen) if (x[j] !== x[i]) ofOne[n++] = (y[j] - y[i]) / (x[j] - x[i])
    if (n > 0) slopes.push(median(ofOne.subarray(0, n)))
  }
  return slopes.length > 0 ? median(slopes) : 0
}

/** Weighted least squares until the line stays; `deviation` is held. */
function reweighted(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  start: Line,
  {
    slope: given,
    importance,
    deviation,
  }: Pick<RobustLineOptions, 'slope' | 'importance'> & { readonly deviation: number },
): Line {
  let line = start
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = leastSquares(x, y, line, { given, importance, deviation })
    const moved = Math.max(Math.abs(next.slope - line.slope), Math.abs(next.offset - line.offset))
    line = next
    if (moved <= 1e-12 * (Math.abs(line.slope) + Math.abs(line.offset))) break
  }
  return line
}

/** The line of least Σ w·r² with the weights of `before`, about the weighted means so that large x lose no digits. */
function leastSquares(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  before: Line,
  {
    given,
    importance,
    deviation,
  }: {
    readonly given: number | undefined
    readonly importance: ArrayLike<number> | undefined
    readonly deviation: number
  },
): Line {
  const w = sizes(x, y, before, importance).map((size, i) => tukey(size / deviation) * (importance?.[i] ?? 1) ** 2)
  let [sum, meanX, meanY] = [0, 0, 0]
  for (let i = 0; i < w.length; i++) {
    sum += w[i]
    meanX += w[i] * x[i]
    meanY += w[i] * y[i]
  }
  if (!(sum > 0)) return before
  meanX /= sum
  meanY /= sum
  if (given !== undefined) return { slope: given, offset: meanY - given * meanX }
  let [covariance, variance] = [0, 0]
  for (let i = 0; i < w.length; i++) {
    covariance += w[i] * (x[i] - meanX) * (y[i] - meanY)
    variance += w[i] * (x[i] - meanX) ** 2
  }
  if (!(variance > 0)) return before
  const slope = covariance / variance
  return { slope, offset: meanY - slope * meanX }
}
