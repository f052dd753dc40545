/**
 * The measurements of one frame that a protocol counts, and the values of maps at those points. The ground truth is
 * never averaged, because a mean across a hole or an edge is a depth that nothing has. The prediction is sampled
 * bilinearly at the centres of the ground truth's pixels:
 *
 *     u = (x + ½ − left)·w / width − ½,   clamped to [0, w − 1]        and v likewise
 *
 * Works row by row: the two rows of the map around a row of the truth are resized to its width once. Each measurement
 * is then one mean of two adjacent numbers.
 */
import type { Frame } from '../data/types.ts'
import { resizeNearestDepth } from '../image/resize.ts'
import type { DepthImage } from '../image/types.ts'
import { assert, DarError } from '../support/errors.ts'
import type { Prediction } from './prediction.ts'
import { measuredBox, type Protocol, type Rectangle } from './protocol.ts'
import { Scratch } from './scratch.ts'

export interface Truth {
  readonly width: number
  readonly height: number
  /** Positions of the measurements that count, ascending. */
  readonly at: Int32Array
  /** Row y has those from `starts[y]` up to `starts[y + 1]`, exclusive. */
  readonly starts: Int32Array
  /** Metres, at those positions. */
  readonly g: Float64Array
}

/**
 * In arrays of `scratch`. Throws a DarError for a frame without a depth map, or one that the region does
 * not fit.
 */
export function truthOf(frame: Frame, protocol: Protocol, scratch: Scratch = new Scratch()): Truth {
  const { truthSize, minimum, cap, input = 'whole' } = protocol
  if (!frame.depth) throw new DarError(`${frame.name} has no depth map; evaluate frames with ground truth`)
  const sameSize = frame.depth.width === frame.image.width && frame.depth.height === frame.image.height
  if (input === 'kb' && !sameSize)
    throw new DarError(`${frame.name}: image and depth map have two sizes, so the KB crop cannot cut both alike`)
  const truth = truthSize ? resizeNearestDepth(frame.depth, truthSize.width, truthSize.height) : frame.depth
  const { data, width, height } = truth
  assert(data.length === width * height, `a depth map of ${data.length} values for ${width}x${height}`)
  const box = measuredBox(protocol, width, height)
  const most = Math.max(0, (box.right - box.left) * (box.bottom - box.top))
  const at = scratch.integers(most)
  const g = scratch.doubles(most)
  const starts = new Int32Array(height + 1)
  let n = 0
  for (let y = 0; y < height; y++) {
    starts[y] = n
    if (y < box.top || y >= box.bottom) continue
    for (let i = y * width + box.left; i < y * width + box.right; i++) {
      const depth = data[i]
      if (!(depth > minimum && depth < cap)) continue
      at[n] = i
      g[n++] = depth
    }
  }
  starts[height] = n
  return { width, height, starts, at: at.subarray(0, n), g: g.subarray(0, n) }
}

/**
 * The area that a prediction covers, in pixels of the ground truth. Throws a DarError when it does not cover the
 * region, or has a wrong size.
 */
export function coveredBy(prediction: Prediction, frame: Frame, truth: Truth, protocol: Protocol): Rectangle {
  const { covers } = prediction
  const perX = truth.width / frame.image.width
  const perY = truth.height / frame.image.height
  const area = covers ?? { left: 0, top: 0, width: frame.image.width, height: frame.image.height }
  const covered = {
    left: area.left * perX,
    top: area.top * perY,
    width: area.width * perX,
    height: area.height * perY,
  }
  const box = measuredBox(protocol, truth.width, truth.height)
  // The edge of a prediction may miss the centres of the outermost pixels, because boxes are in whole pixels.
  const missed = Math.max(
    covered.left - box.left,
    covered.top - box.top,
    box.right - covered.left - covered.width,
    box.bottom - covered.top - covered.height,
  )
  if (missed > 1)
    throw new DarError(
      `the prediction of ${frame.name} does not cover the region ${protocol.region} (${missed.toFixed(0)} pixels are missing); choose a smaller region`,
    )
  const wanted = `${Math.round(covered.width)}x${Math.round(covered.height)}`
  const given = `${prediction.width}x${prediction.height}`
  if (protocol.resize === 'none' && given !== wanted)
    throw new DarError(
      `the prediction of ${frame.name} is ${given} where the ground truth has ${wanted}; resize it, or use a protocol with "resize": "bilinear"`,
    )
  return covered
}

/** A map's values at the measurements, written to `values`. */
export function sampleAt(
  map: DepthImage,
  covers: Rectangle,
  truth: Truth,
  values: Float64Array = new Float64Array(truth.at.length),
): Float64Array {
  const { data, width, height } = map
  assert(data.length === width * height, `a prediction of ${data.length} values for ${width}x${height}`)
  const same = covers.left === 0 && covers.top === 0 && covers.width === width && covers.height === height
  if (!same || width !== truth.width) return interpolate(map, covers, truth, values)
  const { at } = truth
  for (let i = 0; i < at.length; i++) values[i] = data[at[i]]
  return values
}

function interpolate(
  { data, width, height }: DepthImage,
  covers: Rectangle,
  { at, starts, width: truthWidth, height: truthHeight }: Truth,
  values: Float64Array,
): Float64Array {
  const columns = positions(truthWidth, covers.left, covers.width, width)
  const rows = positions(truthHeight, covers.top, covers.height, height)
  let upper = new Float64Array(truthWidth)
  let lower = new Float64Array(truthWidth)
  let held = -2 // index of the map's row in `upper`; `lower` has the next one
  for (let y = 0; y < truthHeight; y++) {
    if (starts[y] === starts[y + 1]) continue
    const row = rows.low[y]
    if (row !== held) {
      if (row === held + 1) [upper, lower] = [lower, upper]
      else stretchRow(data, row * width, width, columns, upper)
      stretchRow(data, Math.min(row + 1, height - 1) * width, width, columns, lower)
      held = row
    }
    const weight = rows.weight[y]
    for (let i = starts[y]; i < starts[y + 1]; i++) {
      const x = at[i] - y * truthWidth
      values[i] = mix(upper[x], lower[x], weight)
    }
  }
  return values
}

/** One row of a map, sampled at the columns of the truth. */
function stretchRow(data: Float32Array, start: number, width: number, { low, weight }: Positions, out: Float64Array) {
  for (let x = 0; x < out.length; x++) {
    const left = start + low[x]
    out[x] = mix(data[left], data[low[x] + 1 < width ? left + 1 : left], weight[x])
  }
}

interface Positions {
  readonly low: Int32Array
  readonly weight: Float64Array
}

/**
 * For every column (or row) of the truth: the map's column at or left of its centre, and the weight of the next one.
 */
function positions(count: number, start: number, extent: number, size: number): Positions {
  const low = new Int32Array(count)
  const weight = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const place = Math.min(Math.max(((i + 0.5 - start) * size) / extent - 0.5, 0), size - 1)
    low[i] = Math.floor(place)
    weight[i] = place - low[i]
  }
  return { low, weight }
}

/** Returns `a` itself at weight 0, so that an infinity beside it does not give NaN. */
const mix = (a: number, b: number, weight: number) => (weight === 0 ? a : a + weight * (b - a))
