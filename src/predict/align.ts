/**
 * Aligns a depth map to points whose distance was measured: a lidar's, a depth sensor's, those of a tape measure. A network is
 * often wrong by one common factor (an unknown lens does that), and sometimes by how it stretches near and far; a few points mend
 * both. With the predicted depth d of a pixel and the measured g of a point there, one of
 *
 *     log        ln g = a·ln d + b,     d' = eᵇ·dᵃ              residual r = ln d' − ln g
 *     inverse    1/g  = a/d + b,        d' = 1 / (a/d + b)      residual r = g/d' − 1
 *     scale      ln g = ln d + b,       d' = eᵇ·d               residual r = ln d' − ln g
 *
 * is fitted by `robustLine`, which stands while fewer than half of the points are wrong. Both residuals are shares of the distance: a
 * lidar's far points count as much as near ones, and a residual of 0.05 is 5 %. (In inverse depth that takes the importance g.)
 *
 * Which one: what is asked for, else log, unless inverse has a smaller median of |ln d'/g| over all points, by a hundredth or more. Scale alone where the points cannot tell more: fewer than 8, or predicted or measured depths that hardly differ.
 *
 * Sigma follows to first order, σ' = |dd'/dd|·σ, with dd'/dd = a·d'/d (log, scale) or a·(d'/d)² (inverse). The uncertainty of the
 * fit itself is not in it.
 *
 * Left out: errors that vary over the picture, alignment of a video as a whole.
 */
import type { DepthImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { median } from '../support/median.ts'
import { refuseUnknown } from '../support/options.ts'
import { robustLine } from './robust-line.ts'
import type { Size } from './types.ts'

/** A measured point. */
export interface DepthPoint {
  /** Pixels of the upright photo, to the right. The centre of the first pixel is 0. */
  readonly u: number
  /** Pixels of the upright photo, downwards. The centre of the first pixel is 0. */
  readonly v: number
  /** Along the viewing axis (z-depth), not along the ray. */
  readonly metres: number
}

/** The quantity in which scale and shift are fitted: the logarithm of depth, or inverse depth. */
export type AlignSpace = 'log' | 'inverse'

/** How a map is fitted to points. */
export interface AlignOptions {
  /** Default: the one that fits the points better. */
  readonly in?: AlignSpace
  /**
   * What the map holds: `metres` (the default), or `inverse` depth of unknown scale and shift, as a relative model predicts it. The
   * result is metres in both cases.
   */
  readonly from?: 'metres' | 'inverse'
}

/** How far predicted depths are from the measured ones. */
export interface AlignResiduals {
  /** Root of the mean square of d − g over the points that are no outliers, metres. */
  readonly rms: number
  /** The same of ln d − ln g: about the share of the distance. */
  readonly relative: number
}

/** A fitted alignment, and how well it fits. */
export interface DepthAlignment {
  readonly space: AlignSpace
  /** a of the formula above; 1 where the scale alone was fitted. */
  readonly slope: number
  /** b of the formula above. Where the scale alone was fitted, eᵇ is that scale. */
  readonly offset: number
  /** What was fitted. */
  readonly fitted: 'scale and shift' | 'scale'
  /** What the map held. */
  readonly from: 'metres' | 'inverse'
  /** Points that were used. */
  readonly points: number
  /** Those of them that weigh something. */
  readonly inliers: number
  /** Points that lie outside the photo, or where the map or the point has no positive depth. They were left out. */
  readonly leftOut: number
  /** Of the inliers, before (null for a map that is not in metres) and after. */
  readonly before: AlignResiduals | null
  readonly after: AlignResiduals
  /** What a reader of these metres should know, one sentence each. */
  readonly notes: readonly string[]
}

/** The parts of a result that alignment changes. */
export interface AlignableMap extends Size {
  /** `height × width` row-major. */
  readonly depth: Float32Array
  readonly sigma?: Float32Array | null
}

/** A map in aligned metres. */
export interface AlignedMap extends DepthImage {
  /** Metres; 0 where the alignment leaves no depth: at infinity and beyond. `data` is the same array. */
  readonly depth: Float32Array
  readonly sigma: Float32Array | null
  readonly alignment: DepthAlignment
}

/** Of a scale, one point could do; with three, one may be wrong. */
const FEWEST_POINTS = 3
/** Metres between which a point is believed: beyond them lies no scene, and float32 ends. */
const [LEAST_METRES, MOST_METRES] = [1e-6, 1e9]
/** Of scale and shift. */
const FEWEST_FOR_SHIFT = 8
/** Between the tenth and the ninetieth of a hundred depths: by less than this factor, they say nothing about a shift. */
const LEAST_RANGE = 1.2
/** Between the same two of u and of v, as a share of the diagonal. */
const LEAST_EXTENT = 0.05
/** A median |ln d'/g| above it, after alignment, is no noise. */
const DISAGREEMENT = 0.25
/** Metres that alignment changes by more than this factor, in the median, are in another unit. */
const OTHER_UNIT = 50

const OPTIONS: Readonly<Record<keyof AlignOptions, true>> = { in: true, from: true }

/**
 * The map in metres that fit the measured points, in new arrays.
 *
 * ```ts
 * import { alignDepth, loadModel } from 'dar-depth'
 *
 * const model = await loadModel('dar-nano')
 * const points = [{ u: 320, v: 240, metres: 2.05 }, { u: 80, v: 300, metres: 1.4 }, { u: 610, v: 100, metres: 3.2 }]
 * const { depth, alignment } = alignDepth(await model.predict('photo.jpg'), points)
 * console.log(`${depth.length} pixels in metres, ${alignment.inliers} of ${alignment.points} points agree`)
 * ```
 *
 * @throws DarError when fewer than three points can be used, when they all lie in one place, when they contradict the map, or an option
 * makes no sense.
 */
export function alignDepth(map: AlignableMap, points: readonly DepthPoint[], options: AlignOptions = {}): AlignedMap {
  const alignment = fitAlignmentTo(map, points, options)
  const { depth, sigma, beyond } = aligned(map, alignment)
  const share = `${((100 * beyond) / depth.length).toPrecision(2)} %`
  const notes =
    beyond > 0
      ? [...alignment.notes, `${share} of the pixels lie at infinity or beyond after alignment and are written as 0`]
      : alignment.notes
  return { width: map.width, height: map.height, depth, data: depth, sigma, alignment: { ...alignment, notes } }
}

/** The alignment alone. `applyAlignment` applies it, for instance to the map of every step. Throws as `alignDepth`. */
export function fitAlignmentTo(
  map: AlignableMap,
  points: readonly DepthPoint[],
  options: AlignOptions = {},
): DepthAlignment {
  refuseUnknown(options, OPTIONS, 'alignDepth')
  const { in: space, from = 'metres' } = options
  if (space !== undefined && space !== 'log' && space !== 'inverse')
    throw new DarError(`the alignment is asked for in '${String(space)}'; it is log or inverse`)
  if (from !== 'metres' && from !== 'inverse')
    throw new DarError(`the map is said to hold '${String(from)}'; it is metres or inverse`)
  const { pairs, leftOut } = pairsOf(map, points, from)
  const whyScale = onlyScaleBecause(pairs)
  const candidates =
    whyScale === null
      ? (space === undefined ? (['log', 'inverse'] as const) : [space]).map((one) => lineIn(one, pairs))
      : [scaleOf(pairs)]
  const rising = candidates.filter(({ slope }) => slope > 0)
  if (rising.length === 0)
    throw new DarError(
      'the points contradict the map: what it shows far away they measure near; check that u and v are pixels of the upright photo, and which column is which',
    )
  const { slope, offset, space: chosen, weights } = best(rising, pairs)
  const mapped = pairs.d.map((d) => depthAt(d, { space: chosen, slope, offset }))
  const notes = whyScale === null ? [] : [whyScale]
  if (from === 'inverse' && whyScale !== null)
    notes.push('a relative map needs a shift as well: its metres are right only at about the distance of the points')
  const off = medianError(mapped, pairs.g)
  if (off > DISAGREEMENT)
    notes.push(
      `after alignment half of the points still differ by more than ${(100 * off).toFixed(0)} %; check their columns, pixels and unit`,
    )
  const factor = from === 'metres' ? median(mapped.map((d, i) => d / pairs.d[i])) : 1
  if (factor > OTHER_UNIT || factor < 1 / OTHER_UNIT)
    notes.push(
      `the points are ${Number(factor.toPrecision(2))} times as far as the model says; check that they are in metres`,
    )
  return {
    space: chosen,
    slope,
    offset,
    fitted: whyScale === null ? 'scale and shift' : 'scale',
    from,
    points: pairs.d.length,
    inliers: weights.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0),
    leftOut,
    before: from === 'metres' ? residualsOf(pairs.d, pairs.g, weights) : null,
    after: residualsOf(mapped, pairs.g, weights),
    notes,
  }
}

/** The map under an alignment, in new arrays. Depths at infinity and beyond become 0. */
export function applyAlignment(
  map: AlignableMap,
  alignment: DepthAlignment,
): { readonly depth: Float32Array; readonly sigma: Float32Array | null } {
  const { depth, sigma } = aligned(map, alignment)
  return { depth, sigma }
}

function aligned({ depth: before, sigma: sigmaBefore }: AlignableMap, alignment: DepthAlignment) {
  const { space, slope, from } = alignment
  const depth = new Float32Array(before.length)
  const sigma = sigmaBefore ? new Float32Array(before.length) : null
  let beyond = 0
  for (let i = 0; i < depth.length; i++) {
    const d = from === 'inverse' ? 1 / Math.max(before[i], 0) : before[i]
    if (!(d > 0)) continue // no depth before, and none after
    const after = depthAt(d, alignment)
    if (after === Number.POSITIVE_INFINITY) {
      beyond++
      continue
    }
    depth[i] = after
    if (!sigma || !sigmaBefore) continue
    // Per unit of what the map holds. Of inverse depth v = 1/d: d' = 1/(a·v + b), or eᵇ·v⁻ᵃ.
    const perUnit =
      from === 'inverse'
        ? slope * after * (space === 'inverse' ? after : d)
        : slope * (after / d) * (space === 'inverse' ? after / d : 1)
    sigma[i] = perUnit * sigmaBefore[i]
  }
  return { depth, sigma, beyond }
}

/** d' of one depth; infinite where a/d + b is not above 0. An infinite d has a/d = 0. */
function depthAt(d: number, { space, slope, offset }: Pick<DepthAlignment, 'space' | 'slope' | 'offset'>): number {
  if (space === 'log') return Math.exp(offset) * d ** slope
  const closeness = slope / d + offset
  return closeness > 0 ? 1 / closeness : Number.POSITIVE_INFINITY
}

/** Predicted and measured depth of the points that can be used, metres (or the unit of 1/map). */
interface Pairs {
  readonly d: Float64Array
  readonly g: Float64Array
}

function pairsOf({ width, height, depth }: AlignableMap, points: readonly DepthPoint[], from: 'metres' | 'inverse') {
  const d = new Float64Array(points.length)
  const g = new Float64Array(points.length)
  const u = new Float64Array(points.length)
  const v = new Float64Array(points.length)
  let n = 0
  let outside = 0
  for (const point of points) {
    // The nearest pixel. Between two there would be depths that nothing has.
    const [x, y] = [Math.round(point.u), Math.round(point.v)]
    const isInside = x >= 0 && y >= 0 && x < width && y < height
    if (!isInside) {
      outside++
      continue
    }
    const value = depth[y * width + x]
    const predicted = from === 'inverse' ? 1 / value : value
    const usable =
      predicted > 0 && Number.isFinite(predicted) && point.metres >= LEAST_METRES && point.metres <= MOST_METRES
    if (!usable) continue
    d[n] = predicted
    g[n] = point.metres
    u[n] = point.u
    v[n++] = point.v
  }
  if (n < FEWEST_POINTS) {
    const reason = outside > 0 ? `, ${outside} lie outside the photo of ${width}×${height} pixels` : ''
    throw new DarError(
      `${n} of ${points.length} points can be used${reason}; give at least ${FEWEST_POINTS}, with positive metres and pixels of the upright photo`,
    )
  }
  const extent = Math.max(spread(u.subarray(0, n)), spread(v.subarray(0, n)))
  if (extent < LEAST_EXTENT * Math.hypot(width, height))
    throw new DarError(
      `the ${n} points lie within ${Math.ceil(extent)} pixels of each other in a photo of ${width}×${height}: one place says nothing about the rest; give points that are spread over the photo`,
    )
  return { pairs: { d: d.slice(0, n), g: g.slice(0, n) }, leftOut: points.length - n }
}

/** From the tenth to the ninetieth of a hundred values. */
function spread(values: Float64Array): number {
  const sorted = values.toSorted()
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]
  return at(0.9) - at(0.1)
}

/** Why the points give no shift, or null. */
function onlyScaleBecause({ d, g }: Pairs): string | null {
  if (d.length < FEWEST_FOR_SHIFT)
    return `only the scale was fitted: ${d.length} points are too few for a shift, which takes ${FEWEST_FOR_SHIFT}`
  const range = (depths: Float64Array) => Math.exp(spread(depths.map(Math.log)))
  if (Math.min(range(d), range(g)) >= LEAST_RANGE) return null
  return 'only the scale was fitted: the points are all at about one depth, which says nothing about a shift'
}

interface Candidate {
  readonly space: AlignSpace
  readonly slope: number
  readonly offset: number
  readonly weights: Float64Array
}

/** Residuals below this share of the distance are no outliers: no sensor measures better. */
const LEAST_DEVIATION = 1e-4

function lineIn(space: AlignSpace, { d, g }: Pairs): Candidate {
  const least = LEAST_DEVIATION
  const line =
    space === 'log'
      ? robustLine(d.map(Math.log), g.map(Math.log), { least })
      : robustLine(
          d.map((depth) => 1 / depth),
          g.map((depth) => 1 / depth),
          { importance: g, least },
        )
  return { space, ...line }
}

function scaleOf({ d, g }: Pairs): Candidate {
  return { space: 'log', ...robustLine(d.map(Math.log), g.map(Math.log), { slope: 1, least: LEAST_DEVIATION }) }
}

/** The first, unless the second is better by more than rounding. */
function best([first, second]: readonly Candidate[], { d, g }: Pairs): Candidate {
  if (!second) return first
  const errorOf = (one: Candidate) =>
    medianError(
      d.map((depth) => depthAt(depth, one)),
      g,
    )
  return errorOf(second) < 0.99 * errorOf(first) - 1e-6 ? second : first
}

/** Median |ln d/g|. */
function medianError(d: Float64Array, g: Float64Array): number {
  return median(d.map((depth, i) => Math.abs(Math.log(depth / g[i]))))
}

/** Of the points that weigh something. */
function residualsOf(d: Float64Array, g: Float64Array, weights: Float64Array): AlignResiduals {
  let [squares, logSquares, count] = [0, 0, 0]
  for (let i = 0; i < d.length; i++) {
    if (!(weights[i] > 0 && Number.isFinite(d[i]))) continue
    squares += (d[i] - g[i]) ** 2
    logSquares += Math.log(d[i] / g[i]) ** 2
    count++
  }
  return { rms: Math.sqrt(squares / count), relative: Math.sqrt(logSquares / count) }
}

/** The most points that are taken of a depth map. */
const MOST_POINTS = 100_000

/**
 * The measured pixels of a sparse depth map as points of a photo of this size: all, or 100,000 evenly spread ones. A map of another size
 * must have the photo's shape. Throws a DarError when it has not.
 */
export function pointsOfDepth(depth: DepthImage, { width, height }: Size): DepthPoint[] {
  const [perX, perY] = [width / depth.width, height / depth.height]
  if (Math.abs(Math.log(perX / perY)) > 0.01)
    throw new DarError(
      `the depth map has ${depth.width}×${depth.height} pixels and the photo ${width}×${height}, another shape; give a map that covers the whole upright photo`,
    )
  let measured = 0
  for (const metres of depth.data) if (metres > 0) measured++
  const stride = Math.max(1, measured / MOST_POINTS)
  const points: DepthPoint[] = []
  let seen = 0
  for (let i = 0; i < depth.data.length; i++) {
    if (!(depth.data[i] > 0)) continue
    // Every stride-th one, where the stride need not be whole.
    if (Math.floor(seen / stride) === points.length) {
      const [x, y] = [i % depth.width, Math.floor(i / depth.width)]
      points.push({ u: (x + 0.5) * perX - 0.5, v: (y + 0.5) * perY - 0.5, metres: depth.data[i] })
    }
    seen++
  }
  return points
}
