/**
 * Depth without flicker: a filter over the frames of a video, one pixel at a time, and one for the scale of the whole frame.
 * Portable: no Node. It reads no file and keeps nothing: state in, state out.
 *
 * A network that sees each frame alone gives a standing camera a depth that trembles, most of it as one factor over the whole
 * frame. What the photo says of motion decides how far the past may be used:
 *
 * - where the photo stays as it was, depth stays, too: the filter averages over many frames;
 * - where the photo changes (a hand, a person), the filter trusts the new frame;
 * - when most edges of the photo move, it is the camera that moves, and all pixels trust the new frame.
 *
 * So a camera on a stand gains most, and one that is carried about almost nothing. There is no motion compensation: a pixel's past is
 * the past of that place in the picture.
 *
 * The filter is Kalman's of one variable, x = ln d, whose process noise depends on the photo. Source of the form: Kalman 1960,
 * scalar case; the noise from the photo is this project's.
 */
import { resizeBilinear } from '../image/resize.ts'
import type { DepthImage } from '../image/types.ts'
import { assert } from '../support/errors.ts'

/** One frame: what the network says, and the photo on the same grid. */
export interface SmoothInput {
  /** Metres, all positive. */
  readonly depth: DepthImage
  /** Standard deviation in metres, on a grid of its own that covers the same picture; null where the model has none. */
  readonly sigma: DepthImage | null
  /** Brightness of the photo, 0 to 255, on the grid of `depth` (`lumaGrid`). */
  readonly luma: Float32Array
}

/** How strongly the filter holds on to the past. The defaults are what docs/video.md has figures for. */
export interface SmoothOptions {
  /** Variance that ln d gains per frame where nothing moves: how fast a slow change is followed. */
  readonly drift?: number
  /** Variance that ln d gains per frame where the photo changes by twice `change`; it grows with the square of what is beyond `change`. */
  readonly motion?: number
  /** Levels of brightness that are noise and no change. */
  readonly change?: number
  /** Standard deviations from which on a new depth makes its pixel start anew; at twice as many it does so altogether. */
  readonly gate?: number
  /** Smallest spread that is believed: the network is never surer than this. */
  readonly surest?: number
  /** Share of a difference in scale that a frame may keep where nothing moves, after a while. */
  readonly scaleGain?: number
}

/** What is carried from frame to frame. */
export interface SmoothState {
  readonly width: number
  readonly height: number
  /** ln of metres. */
  readonly x: Float32Array
  /** Variance of x. */
  readonly variance: Float32Array
  /** The photo as it was when each pixel last stood still, slowly brought up to date. */
  readonly luma: Float32Array
  /** Variance of the scale, in units of the variance of one frame's scale. */
  readonly scaleVariance: number
  /** σ/d in the middle of a frame, slowly brought up to date; null where the model has no σ. */
  readonly usual: number | null
}

export interface Smoothed {
  readonly depth: DepthImage
  readonly state: SmoothState
  /** 0 when the camera stands still, 1 when it moves. */
  readonly cameraMotion: number
  /** What the whole frame was multiplied by. */
  readonly scale: number
  /** Share of the pixels that started anew because their depth disagreed. */
  readonly resets: number
}

export const SMOOTHING = {
  drift: 2e-6,
  motion: 0.02,
  change: 6,
  gate: 3,
  surest: 0.02,
  scaleGain: 0.02,
} as const satisfies Required<SmoothOptions>

/**
 * Spread of ln d from frame to frame in the middle of a frame, and everywhere for a model without σ. σ says which pixels and which frames
 * are surer than others, not how sure: one model's σ/d is 0.05 in the middle and another's 1, and both tremble by as much.
 */
const USUAL_SPREAD = 0.05
/** Brightness and depth are compared over a square of (2·2 + 1)² pixels: single ones are noisy. */
const REACH = 2
/** How far a change is spread, in pixels of the map. */
const SPREAD = 4
/** Change beyond this many times `change` is no more of a change. */
const MOST_CHANGE = 10
/** Share of the new photo in the remembered one where nothing moves: light that changes slowly is no motion. */
const FADE = 0.1
/** Levels between neighbours that make an edge. */
const EDGE = 10
/** With fewer edges than this share of the picture, all pixels vote on whether the camera moves. */
const FEWEST_EDGES = 0.005
/** Shares of moving edges at which the camera is taken to begin to move, and to move for certain. */
const [STANDS, MOVES] = [0.3, 0.6]
/** Pixels that a median is taken over, at most. */
const SAMPLE = 4096

/**
 * One frame through the filter. `state`: what the frame before left, null at the beginning and after a cut; then the frame passes as it is.
 *
 *     z = ln d,   R = max(0.05·(σ/d)/usual, surest)²               what the network says, and its variance; usual: the median of σ/d
 *     c = box(|Y − Y_ref − median|),  u = min(max(0, c/change − 1), 10)     change of the photo, in units of its noise
 *     m = ramp(share of edges with u > 0; 0.3, 0.6)                whether the camera moves
 *
 * The scale, where u = 0, with gain k that falls from ½ towards `scaleGain`:
 *
 *     g = median(z − x),      z ← z − (1 − m)·(1 − k)·g
 *
 * Each pixel, with u spread over the square of `SPREAD` around it as ū:
 *
 *     P ← P + drift + motion·(ū² + m)
 *     K = P/(P + R)
 *     a = ramp(box(|z − x|/√(P + R)); gate, 2·gate)                0: agrees, 1: starts anew
 *     x ← x + (K + (1 − K)·a)·(z − x),      P ← (1 − a)·(1 − K)·P + a·R
 *
 * box is the mean over the square of `REACH`, ramp(v; a, b) rises from 0 at a to 1 at b.
 */
export function smoothFrame(
  state: SmoothState | null,
  { depth, sigma, luma }: SmoothInput,
  {
    drift = SMOOTHING.drift,
    motion = SMOOTHING.motion,
    change = SMOOTHING.change,
    gate = SMOOTHING.gate,
    surest = SMOOTHING.surest,
    scaleGain = SMOOTHING.scaleGain,
  }: SmoothOptions = {},
): Smoothed {
  const { width, height } = depth
  const count = width * height
  assert(luma.length === count && depth.data.length === count, 'a photo on another grid than its depth map')
  const measured = depth.data.map(Math.log)
  const shares = sigma && sharesOf(depth, sigma)
  const usual = usualShare(shares, state?.usual ?? null)
  const noise = measured.map((_, i) => {
    const spread = shares && usual !== null ? USUAL_SPREAD * (shares[i] / usual) : USUAL_SPREAD
    return Math.max(spread, surest) ** 2
  })
  if (state === null) {
    const first = { width, height, x: measured, variance: noise, luma, scaleVariance: 1, usual }
    return { depth, state: first, cameraMotion: 0, scale: 1, resets: 0 }
  }
  assert(state.width === width && state.height === height, 'a depth map of another size than the one before')

  const changes = changeOf(luma, state.luma, { width, height, change })
  const cameraMotion = cameraMotionOf(luma, changes, { width, height })
  const shift = scaleShift(measured, state.x, changes)
  const scaleVariance = cameraMotion < 1 ? state.scaleVariance + scaleGain ** 2 : 1
  const gain = scaleVariance / (scaleVariance + 1)
  const correction = -(1 - cameraMotion) * (1 - gain) * shift

  // The inside of a moving thing may look the same from frame to frame: its outline speaks for it. And its border is no edge of the depth.
  const spread = boxMean(changes, { width, height, reach: SPREAD })
  const before_P = state.variance.map((value, i) => value + drift + motion * (spread[i] ** 2 + cameraMotion))
  const errors = measured.map((value, i) => value + correction - state.x[i])
  const surprise = boxMean(
    errors.map((error, i) => Math.abs(error) / Math.sqrt(before_P[i] + noise[i])),
    { width, height },
  )
  const x = new Float32Array(count)
  const variance = new Float32Array(count)
  const remembered = new Float32Array(count)
  const out = new Float32Array(count)
  let resets = 0
  for (let i = 0; i < count; i++) {
    const anew = Math.min(1, Math.max(0, surprise[i] / gate - 1))
    const gain_K = before_P[i] / (before_P[i] + noise[i])
    const weight = gain_K + (1 - gain_K) * anew
    resets += anew
    x[i] = state.x[i] + weight * errors[i]
    variance[i] = (1 - anew) * (1 - gain_K) * before_P[i] + anew * noise[i]
    remembered[i] = changes[i] > 0 ? luma[i] : state.luma[i] + FADE * (luma[i] - state.luma[i])
    out[i] = Math.exp(x[i])
  }
  return {
    depth: { width, height, data: out },
    state: { width, height, x, variance, luma: remembered, scaleVariance: (1 - gain) * scaleVariance, usual },
    cameraMotion,
    scale: Math.exp(correction),
    resets: resets / count,
  }
}

/** σ/d on the grid of the depth map. σ is resized bilinearly: the edges of its coarse cells would show in the depth. */
function sharesOf({ width, height, data }: DepthImage, sigma: DepthImage): Float32Array {
  const sigmas = resizeBilinear(sigma.data, sigma.width, sigma.height, width, height)
  return data.map((metres, i) => sigmas[i] / metres)
}

/** The median of σ/d, brought up to date by this frame's; null until a frame has one. */
function usualShare(shares: Float32Array | null, before: number | null): number | null {
  const median = shares ? medianOf(shares, () => true) : 0
  if (!(median > 0)) return before
  return before === null ? median : before * (median / before) ** FADE
}

interface Grid {
  readonly width: number
  readonly height: number
}

/** u: how far the photo is from the remembered one beyond its noise; 0 = nothing moves. A change of all pixels alike is the light's. */
function changeOf(
  luma: Float32Array,
  remembered: Float32Array,
  { width, height, change }: Grid & { readonly change: number },
): Float32Array {
  const difference = luma.map((value, i) => value - remembered[i])
  const light = medianOf(difference, () => true)
  const changes = boxMean(
    difference.map((value) => Math.abs(value - light)),
    { width, height },
  )
  for (let i = 0; i < changes.length; i++) changes[i] = Math.min(MOST_CHANGE, Math.max(0, changes[i] / change - 1))
  return changes
}

/**
 * m: the share of the photo's edges at which it changes, brought to 0 … 1. Plain walls look the same however the camera moves, so
 * only edges vote.
 */
function cameraMotionOf(luma: Float32Array, changes: Float32Array, { width, height }: Grid): number {
  let edges = 0
  let moving = 0
  let changed = 0
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x
      if (changes[i] > 0) changed++
      const across = x + 1 < width ? Math.abs(luma[i + 1] - luma[i]) : 0
      const down = y + 1 < height ? Math.abs(luma[i + width] - luma[i]) : 0
      if (across <= EDGE && down <= EDGE) continue
      edges++
      if (changes[i] > 0) moving++
    }
  const share = edges > FEWEST_EDGES * luma.length ? moving / edges : changed / luma.length
  return Math.min(1, Math.max(0, (share - STANDS) / (MOVES - STANDS)))
}

/** g: the median difference of ln d where nothing moves; 0 where everything does. */
function scaleShift(measured: Float32Array, x: Float32Array, changes: Float32Array): number {
  const difference = measured.map((value, i) => value - x[i])
  return medianOf(difference, (i) => changes[i] === 0)
}

/** The median of a sample of the values that count, evenly spaced; 0 where none does. */
function medianOf(values: Float32Array, counts: (i: number) => boolean): number {
  const step = Math.max(1, Math.floor(values.length / SAMPLE))
  const sample: number[] = []
  for (let i = 0; i < values.length; i += step) if (counts(i)) sample.push(values[i])
  sample.sort((a, b) => a - b)
  return sample.length > 0 ? sample[sample.length >> 1] : 0
}

/** The mean over the square of `REACH` around each pixel; at the border over what lies inside. */
function boxMean(
  values: Float32Array,
  { width, height, reach = REACH }: Grid & { readonly reach?: number },
): Float32Array {
  const rows = new Float32Array(values.length)
  const out = new Float32Array(values.length)
  for (let y = 0; y < height; y++) meanAlong(values, rows, { from: y * width, step: 1, length: width, reach })
  for (let x = 0; x < width; x++) meanAlong(rows, out, { from: x, step: width, length: height, reach })
  return out
}

interface Line {
  readonly from: number
  readonly step: number
  readonly length: number
  readonly reach: number
}

/** A running mean along one line of an array. */
function meanAlong(values: Float32Array, out: Float32Array, { from, step, length, reach }: Line): void {
  let sum = 0
  for (let k = 0; k < Math.min(reach, length); k++) sum += values[from + k * step]
  for (let k = 0; k < length; k++) {
    if (k + reach < length) sum += values[from + (k + reach) * step]
    if (k - reach - 1 >= 0) sum -= values[from + (k - reach - 1) * step]
    const inside = Math.min(k + reach, length - 1) - Math.max(k - reach, 0) + 1
    out[from + k * step] = sum / inside
  }
}
