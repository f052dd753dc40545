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
 * Holes (`reach` above 1). A depth sensor sees nothing beside an occluding edge: its shadow falls exactly there, and with the
 * pairs that touch a hole ignored, most true edges of such ground truth are never asked for. The variant for holed ground
 * truth pairs each valid pixel with the next valid one of its row or column, at most `reach` pixels on, so that an edge
 * that lies in a hole still counts, in prediction and truth alike. It is this project's; figures are comparable only with
 * each other.
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

/** A hair above 1, so that the quick test never drops a pair that the exact one would count. */
const SLACK = 1 + 1e-12

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

/** How far a hole may reach in the variant for holed ground truth, in pixels: the shadow of a Kinect is about this wide. */
export const HOLE_REACH = 8

export interface BoundaryOptions {
  /** Largest distance, in pixels, between the two of a pair; 1: neighbours only, as published. */
  readonly reach?: number
}

/** In [0, 1]. Maps are row-major, `width` wide, metres; `valid` is nonzero where the truth counts. */
export function boundaryF1(
  prediction: ArrayLike<number>,
  truth: ArrayLike<number>,
  valid: ArrayLike<number>,
  width: number,
  { reach = 1 }: BoundaryOptions = {},
): number {
  const length = truth.length
  const p = new Float64Array(length)
  const g = new Float64Array(length)
  for (let i = 0; i < length; i++) {
    if (!valid[i]) continue
    p[i] = 1 / Math.max(prediction[i], 1e-6)
    g[i] = 1 / Math.max(truth[i], 1e-6)
  }
  const directions = [newEdges(), newEdges(), newEdges(), newEdges()]
  const [right, left, down, up] = directions
  const flat = (a: number, b: number) => a <= THRESHOLDS[0] * b && b <= THRESHOLDS[0] * a
  const count = (i: number, j: number, onward: Edges, back: Edges) => {
    // Nearly all pairs: no edge in either direction of either map, up to rounding that the exact test below would share.
    if (flat(p[i] * SLACK, p[j]) && flat(p[j] * SLACK, p[i]) && flat(g[i] * SLACK, g[j]) && flat(g[j] * SLACK, g[i]))
      return
    countEdge(onward, p[j] / p[i], g[j] / g[i])
    countEdge(back, p[i] / p[j], g[i] / g[j])
  }
  for (let row = 0; row < length; row += width)
    for (let x = 0; x < width; x++) {
      const i = row + x
      if (!valid[i]) continue
      for (let step = 1; step <= reach; step++) {
        if (x + step >= width) break
        if (!valid[i + step]) continue
        count(i, i + step, right, left)
        break
      }
      for (let step = 1; step <= reach; step++) {
        const below = i + step * width
        if (below >= length) break
        if (!valid[below]) continue
        count(i, below, down, up)
        break
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
