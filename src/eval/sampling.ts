/**
 * The measurements that a protocol counts in one frame, and what maps say there. The ground truth is never averaged: a mean
 * across a hole or an edge is a depth that nothing has. A prediction comes to it, bilinearly at the centres of its pixels:
 *
 *     u = (x + ½ − left)·w / width − ½,   clamped to [0, w − 1]        and v likewise
 */
import type { Frame } from '../data/types.ts'
import { resizeNearestDepth } from '../image/resize.ts'
import type { DepthImage } from '../image/types.ts'
import { assert, DarError } from '../support/errors.ts'
import type { Prediction } from './prediction.ts'
import { measuredBox, type Protocol, type Rectangle } from './protocol.ts'

export interface Truth {
  readonly width: number
  readonly height: number
  /** Positions of the measurements that count, ascending. */
  readonly at: Int32Array
  /** Metres, and their natural logarithms, at those positions. */
  readonly g: Float64Array
  readonly logG: Float64Array
}

/** Throws a DarError for a frame without a depth map, or one that the region does not fit. */
export function truthOf(frame: Frame, protocol: Protocol): Truth {
  const { truthSize, minimum, cap, input = 'whole' } = protocol
  if (!frame.depth) throw new DarError(`${frame.name} has no depth map; evaluate frames with ground truth`)
  const sameSize = frame.depth.width === frame.image.width && frame.depth.height === frame.image.height
  if (input === 'kb' && !sameSize)
    throw new DarError(`${frame.name}: image and depth map have two sizes, so the KB crop cannot cut both alike`)
  const truth = truthSize ? resizeNearestDepth(frame.depth, truthSize.width, truthSize.height) : frame.depth
  const { data, width, height } = truth
  assert(data.length === width * height, `a depth map of ${data.length} values for ${width}x${height}`)
  const box = measuredBox(protocol, width, height)
  const all = new Int32Array(Math.max(0, (box.right - box.left) * (box.bottom - box.top)))
  let n = 0
  for (let y = box.top; y < box.bottom; y++)
    for (let i = y * width + box.left; i < y * width + box.right; i++)
      if (data[i] > minimum && data[i] < cap) all[n++] = i
  const at = all.slice(0, n)
  const g = new Float64Array(n)
  const logG = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    g[i] = data[at[i]]
    logG[i] = Math.log(g[i])
  }
  return { width, height, at, g, logG }
}

/** What a prediction covers, in pixels of the ground truth. Throws a DarError when that is not all of the region, or of a wrong size. */
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
  // A prediction's edge may miss the centres of the outermost pixels: boxes in whole pixels do.
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

/** A map's values at the measurements. */
export function sampleAt(map: DepthImage, covers: Rectangle, { at, width: truthWidth, height: truthHeight }: Truth) {
  const { data, width, height } = map
  assert(data.length === width * height, `a prediction of ${data.length} values for ${width}x${height}`)
  const values = new Float64Array(at.length)
  const same = covers.left === 0 && covers.top === 0 && covers.width === width && covers.height === height
  if (same && width === truthWidth) {
    for (let i = 0; i < at.length; i++) values[i] = data[at[i]]
    return values
  }
  const columns = positions(truthWidth, covers.left, covers.width, width)
  const rows = positions(truthHeight, covers.top, covers.height, height)
  for (let i = 0; i < at.length; i++) {
    const x = at[i] % truthWidth
    const y = (at[i] - x) / truthWidth
    const column = columns.low[x]
    const u = columns.weight[x]
    const row = rows.low[y] * width
    const v = rows.weight[y]
    const right = column + 1 < width ? column + 1 : column
    const below = row + width < data.length ? row + width : row
    values[i] = mix(mix(data[row + column], data[row + right], u), mix(data[below + column], data[below + right], u), v)
  }
  return values
}

/** Of every column (or row) of the truth: the map's column at or left of its centre, and the weight of the next one. */
function positions(count: number, start: number, extent: number, size: number) {
  const low = new Int32Array(count)
  const weight = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const place = Math.min(Math.max(((i + 0.5 - start) * size) / extent - 0.5, 0), size - 1)
    low[i] = Math.floor(place)
    weight[i] = place - low[i]
  }
  return { low, weight }
}

/** `a` itself at weight 0, so that an infinity beside it does not turn it into NaN. */
const mix = (a: number, b: number, weight: number) => (weight === 0 ? a : a + weight * (b - a))
