/**
 * Whether the difference between two evaluations is more than chance. Both judged the same images, so differences are
 * paired: for every image B's figure minus A's. The interval of the mean is a bootstrap interval (Efron 1979;
 * percentiles): images are drawn with replacement `resamples` times, and the middle 95 % of the means are the interval.
 * If it contains 0, these images do not tell the two apart. Images of one walk are alike, so true intervals are wider.
 * The draws are seeded: the same records give the same interval.
 */
import { DarError } from '../support/errors.ts'
import { Random } from '../support/random.ts'
import { FIGURES } from './judge.ts'
import type { EvalRecord } from './record.ts'

/** One figure of two evaluations. */
export interface Difference {
  readonly figure: (typeof FIGURES)[number]
  readonly a: number
  readonly b: number
  /** b − a, and its interval. */
  readonly difference: number
  readonly low: number
  readonly high: number
  readonly verdict: 'better' | 'worse' | 'undecided'
}

/** Two evaluations under one protocol, over the images that both have. */
export interface Comparison {
  readonly protocol: string
  /** Images that both have. */
  readonly images: number
  readonly onlyA: number
  readonly onlyB: number
  readonly differences: readonly Difference[]
}

const HIGHER_IS_BETTER: readonly string[] = ['d1', 'd2', 'd3', 'boundary_f1', 'boundary_f1_holes']

/** Share of a figure below which two runs of one model differ: threads add in another order. It is steady, and so looks sure. */
const NOISE = 1e-4

/** Throws a DarError when the protocols differ, figures are pooled over pixels, or no image is in both. */
export function compare(
  a: EvalRecord,
  b: EvalRecord,
  { resamples = 10_000, seed = 1, confidence = 0.95 }: { resamples?: number; seed?: number; confidence?: number } = {},
): Comparison {
  if (measurement(a) !== measurement(b))
    throw new DarError(
      `the two were measured under different protocols and cannot be compared: "${a.protocolText}" and "${b.protocolText}"; evaluate one of them again`,
    )
  if (a.protocol.averaging === 'pixel')
    throw new DarError('figures pooled over pixels have no paired differences; evaluate with "averaging": "image"')
  const others = new Map(b.frames.map((frame) => [frame.name, frame.metrics]))
  const pairs = a.frames.flatMap(({ name, metrics }) => {
    const other = others.get(name)
    return other ? [{ a: metrics, b: other }] : []
  })
  if (pairs.length === 0) throw new DarError('the two have no image in common; evaluate both on the same data')
  const n = pairs.length
  const random = new Random(seed)
  // All figures use the same draws, so that they belong to one comparison.
  const sums = FIGURES.map(() => new Float64Array(resamples))
  const deltas = FIGURES.map((figure) =>
    Float64Array.from(pairs, (pair) => (pair.b[figure] ?? Number.NaN) - (pair.a[figure] ?? Number.NaN)),
  )
  for (let r = 0; r < resamples; r++)
    for (let i = 0; i < n; i++) {
      const drawn = random.integer(0, n)
      for (let k = 0; k < FIGURES.length; k++) sums[k][r] += deltas[k][drawn]
    }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / n
  const differences = FIGURES.map((figure, k): Difference => {
    const means = sums[k].map((sum) => sum / n).sort()
    const at = (share: number) => means[Math.min(resamples - 1, Math.max(0, Math.round(share * (resamples - 1))))]
    const [low, high] = [at((1 - confidence) / 2), at((1 + confidence) / 2)]
    const up = HIGHER_IS_BETTER.includes(figure)
    const [meanA, meanB] = [
      mean(pairs.map((pair) => pair.a[figure] ?? Number.NaN)),
      mean(pairs.map((pair) => pair.b[figure] ?? Number.NaN)),
    ]
    const isNoise = !(Math.abs(meanB - meanA) > NOISE * Math.max(Math.abs(meanA), Math.abs(meanB)))
    return {
      figure,
      a: meanA,
      b: meanB,
      difference: mean([...deltas[k]]),
      low,
      high,
      verdict: isNoise
        ? 'undecided'
        : low > 0
          ? up
            ? 'better'
            : 'worse'
          : high < 0
            ? up
              ? 'worse'
              : 'better'
            : 'undecided',
    }
  })
  return { protocol: a.protocolText, images: n, onlyA: a.frames.length - n, onlyB: b.frames.length - n, differences }
}

/** The parts of a protocol that decide whether figures are comparable: everything but its name. */
function measurement({ protocol }: EvalRecord): string {
  return JSON.stringify(
    Object.entries(protocol)
      .filter(([key]) => key !== 'name')
      .sort(([x], [y]) => (x < y ? -1 : 1)),
  )
}
