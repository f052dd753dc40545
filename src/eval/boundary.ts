/**
 * Boundary F1: are depth edges where they should be? From Depth Pro (Bochkovskii et al. 2024), as in spec section 10.
 * Invariant to a scale of the prediction.
 *
 * With the inverse depth c = 1 / max(depth, 1e-6), an occluding edge at threshold t is a pair of neighbours with
 * c_first / c_second > t, in four directions (left, right, up, down). For each direction
 *
 *     precision = edges in both / max(edges in prediction, 1)     recall = edges in both / max(edges in truth, 1)
 *
 * averaged over the four (a direction without edges counts 0), F1 = 2PR / (P + R) or 0, and over ten evenly spaced
 * thresholds from 1.05 to 1.25 the result is Σ F1(t)·t / Σ t. Pairs with an invalid ground-truth pixel are ignored.
 *
 * Thresholds are nested, so one pass over the pairs is enough: count how many thresholds each ratio exceeds, in the
 * prediction (a) and in the truth (b), in a joint histogram; the edges at threshold j are the pairs with a > j, b > j,
 * and, in both, min(a, b) > j.
 */
const STEPS = 10
const THRESHOLDS = Array.from({ length: STEPS }, (_, i) => {
  const step = (1.25 - 1.05) / (STEPS - 1)
  // From the nearer end, as torch.linspace does, so that both ends are exact.
  return i < STEPS / 2 ? 1.05 + step * i : 1.25 - step * (STEPS - 1 - i)
})

/** How many thresholds `ratio` exceeds, 0..10. */
function exceeded(ratio: number): number {
  let count = 0
  while (count < STEPS && ratio > THRESHOLDS[count]) count++
  return count
}

/** Edges of one direction at each threshold: in the prediction, in the truth, in both. */
interface Edges {
  readonly predicted: Float64Array
  readonly actual: Float64Array
  readonly both: Float64Array
}

function countEdge(edges: Edges, ratioPrediction: number, ratioTruth: number): void {
  const a = exceeded(ratioPrediction)
  const b = exceeded(ratioTruth)
  for (let j = 0; j < a; j++) edges.predicted[j]++
  for (let j = 0; j < b; j++) edges.actual[j]++
  for (let j = 0; j < Math.min(a, b); j++) edges.both[j]++
}

function newEdges(): Edges {
  return {
    predicted: new Float64Array(STEPS),
    actual: new Float64Array(STEPS),
    both: new Float64Array(STEPS),
  }
}

/** In [0, 1]. Maps are row-major, `width` wide, metres; `valid` is nonzero where the truth counts. */
export function boundaryF1(
  prediction: ArrayLike<number>,
  truth: ArrayLike<number>,
  valid: ArrayLike<number>,
  width: number,
): number {
  const inverse = (depth: ArrayLike<number>) => Float64Array.from(depth, (d) => 1 / Math.max(d, 1e-6))
  const p = inverse(prediction)
  const g = inverse(truth)
  const directions = [newEdges(), newEdges(), newEdges(), newEdges()]
  const [right, left, down, up] = directions
  for (let i = 0; i < p.length; i++) {
    if (!valid[i]) continue
    const beside = i + 1
    if (beside % width !== 0 && valid[beside]) {
      countEdge(right, p[beside] / p[i], g[beside] / g[i])
      countEdge(left, p[i] / p[beside], g[i] / g[beside])
    }
    const below = i + width
    if (below < p.length && valid[below]) {
      countEdge(down, p[below] / p[i], g[below] / g[i])
      countEdge(up, p[i] / p[below], g[i] / g[below])
    }
  }
  let weighted = 0
  let weights = 0
  for (let j = 0; j < STEPS; j++) {
    let precision = 0
    let recall = 0
    for (const { predicted, actual, both } of directions) {
      precision += both[j] / Math.max(predicted[j], 1) / 4
      recall += both[j] / Math.max(actual[j], 1) / 4
    }
    const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
    weighted += f1 * THRESHOLDS[j]
    weights += THRESHOLDS[j]
  }
  return weighted / weights
}
