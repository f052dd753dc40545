/**
 * Boundary F1 measures whether depth edges are where they should be (Depth Pro, Bochkovskii et al. 2024; algorithm
 * section 10). It does not depend on the scale of the prediction.
 *
 * With the inverse depth c = 1 / max(depth, 1e-6), an occluding edge at threshold t is a pair of neighbours with
 * c_first / c_second > t, in four directions (left, right, up, down). For each direction
 *
 *     precision = edges in both / max(edges in prediction, 1)     recall = edges in both / max(edges in truth, 1)
 *
 * averaged over the four (a direction without edges counts 0), F1 = 2PR / (P + R) or 0, and over ten evenly spaced
 * thresholds from 1.05 to 1.25 the result is Σ F1(t)·t / Σ t. Pairs with an invalid ground-truth pixel are ignored.
 *
 * Holes (`reach` above 1). A depth sensor has no measurements beside an occluding edge, where its shadow falls. If
 * pairs that touch a hole are ignored, most true edges of such ground truth are not judged. The variant for ground
 * truth with holes pairs each valid pixel with the next valid one of its row or column, at most `reach` pixels away. An
 * edge inside a hole then counts, in the prediction and in the truth. The variant is this project's own, and its
 * figures can only be compared with each other.
 *
 * Thresholds are nested, so one pass over the pairs is enough. It counts how many thresholds each ratio exceeds, in the
 * prediction (a) and in the truth (b), in a joint histogram. The edges at threshold j are the pairs with a > j, with b
 * > j, and in both with min(a, b) > j. Left and right (and up and down) are the two ratios of the same pairs. A pair of
 * nearly equal depths is no edge in any direction, which needs no division. The pass remembers the last valid pixel of
 * the row and of each column, so it gives both variants and needs no copy of the map.
 */
const STEPS = 10
const THRESHOLDS = Array.from({ length: STEPS }, (_, i) => {
  const step = (1.25 - 1.05) / (STEPS - 1)
  // Each half is computed from its nearer end, as torch.linspace does, so that both ends are exact.
  return i < STEPS / 2 ? 1.05 + step * i : 1.25 - step * (STEPS - 1 - i)
})

/**
 * If the ratio of two depths exceeds the lowest threshold, they differ by more than this share of either. Slightly
 * reduced for rounding.
 */
const EDGE_SHARE = (1 - 1 / 1.05) * (1 - 1e-9)

/** Smaller depths, in metres, are raised to this. */
const NEAREST = 1e-6

/** How far a hole may reach in the variant for holed ground truth, in pixels: the shadow of a Kinect is about this wide. */
const HOLE_REACH = 8

/** Valid pixels of a map, row by row. */
export interface Measured {
  readonly width: number
  /** Row y has the pixels from `starts[y]` up to `starts[y + 1]`, exclusive. */
  readonly starts: Int32Array
  /** Their positions in the map, ascending. */
  readonly at: Int32Array
  /** Their ground truth, metres. */
  readonly g: Float64Array
}

export interface BoundaryScores {
  /** Pairs of neighbours only: the published figure. */
  readonly neighbours: number
  /** With pairs across holes. */
  readonly holes: number
}

/** Both variants, each in [0, 1]. `d`: the prediction at the valid pixels, metres. `reach`: the longest pair across a hole, pixels. */
export function boundaryScores(
  { width, starts, at, g }: Measured,
  d: Float64Array,
  { reach = HOLE_REACH }: { readonly reach?: number } = {},
): BoundaryScores {
  const near = newDirections()
  const far = newDirections()
  const above = new Int32Array(width).fill(-1) // the last valid pixel of each column
  for (let y = 0; y + 1 < starts.length; y++) {
    const [first, end] = [starts[y], starts[y + 1]]
    for (let i = first; i < end; i++) {
      const p = d[i]
      const t = g[i]
      const edgeP = p * EDGE_SHARE
      const edgeT = t * EDGE_SHARE
      // Nearly all pairs of nearly all maps are no edge in either map, so this is tested first.
      if (i > first && (Math.abs(d[i - 1] - p) > edgeP || Math.abs(g[i - 1] - t) > edgeT)) {
        const distance = at[i] - at[i - 1]
        const { right, left } = distance === 1 ? near : far
        if (distance <= reach) countPair(right, left, ratiosOf(d, i - 1, i), ratiosOf(g, i - 1, i))
      }
      const column = at[i] - y * width
      const k = above[column]
      if (k >= 0 && (Math.abs(d[k] - p) > edgeP || Math.abs(g[k] - t) > edgeT)) {
        const distance = (at[i] - at[k]) / width
        const { down, up } = distance === 1 ? near : far
        if (distance <= reach) countPair(down, up, ratiosOf(d, k, i), ratiosOf(g, k, i))
      }
      above[column] = i
    }
  }
  return { neighbours: score([near]), holes: score([near, far]) }
}

/** Pairs by the thresholds that they exceed: in the prediction (rows), in the truth (columns). */
type Joint = Float64Array
const SIDE = STEPS + 1

const DIRECTIONS = ['right', 'left', 'down', 'up'] as const
type Directions = Readonly<Record<(typeof DIRECTIONS)[number], Joint>>

function newDirections(): Directions {
  const joint = () => new Float64Array(SIDE * SIDE)
  return { right: joint(), left: joint(), down: joint(), up: joint() }
}

/** Ratios of inverse depth, from the first of a pair to the second and back. */
interface Ratios {
  readonly onward: number
  readonly back: number
}

function ratiosOf(depth: Float64Array, first: number, second: number): Ratios {
  const a = 1 / Math.max(depth[first], NEAREST)
  const b = 1 / Math.max(depth[second], NEAREST)
  return { onward: b / a, back: a / b }
}

function countPair(onward: Joint, back: Joint, predicted: Ratios, actual: Ratios): void {
  onward[exceeded(predicted.onward) * SIDE + exceeded(actual.onward)]++
  back[exceeded(predicted.back) * SIDE + exceeded(actual.back)]++
}

/** How many thresholds `ratio` exceeds, 0..10. */
function exceeded(ratio: number): number {
  let count = 0
  while (count < STEPS && ratio > THRESHOLDS[count]) count++
  return count
}

/** Of the pairs of all `parts` together. */
function score(parts: readonly Directions[]): number {
  const edges = DIRECTIONS.map((direction) => edgesOf(parts.map((part) => part[direction])))
  let weighted = 0
  let weights = 0
  for (let j = 0; j < STEPS; j++) {
    let precision = 0
    let recall = 0
    for (const { predicted, actual, both } of edges) {
      precision += both[j] / Math.max(predicted[j], 1) / 4
      recall += both[j] / Math.max(actual[j], 1) / 4
    }
    const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
    weighted += f1 * THRESHOLDS[j]
    weights += THRESHOLDS[j]
  }
  return weighted / weights
}

/** Edges of one direction at each threshold: in the prediction, in the truth, in both. */
function edgesOf(joints: readonly Joint[]) {
  const predicted = new Float64Array(STEPS)
  const actual = new Float64Array(STEPS)
  const both = new Float64Array(STEPS)
  for (let a = 0; a <= STEPS; a++)
    for (let b = 0; b <= STEPS; b++) {
      const pairs = joints.reduce((sum, joint) => sum + joint[a * SIDE + b], 0)
      for (let j = 0; j < a; j++) predicted[j] += pairs
      for (let j = 0; j < b; j++) actual[j] += pairs
      for (let j = 0; j < Math.min(a, b); j++) both[j] += pairs
    }
  return { predicted, actual, both }
}
