/**
 * The figures of one frame and its prediction under each protocol: selects the measurements that count, samples, aligns
 * and clamps the prediction at them, and computes the metrics. The maps of the steps are judged like the final map;
 * sigma is judged by its calibration.
 */
import type { Frame } from '../data/types.ts'
import type { DepthImage } from '../image/types.ts'
import { median } from '../support/median.ts'
import { applyFit, clampPrediction, type Fit, fitAlignment } from './align.ts'
import { boundaryScores } from './boundary.ts'
import { type Calibration, type Curves, calibrate } from './calibration.ts'
import { PIXEL_METRICS, type PixelMetrics, PixelSums } from './metrics.ts'
import type { Prediction } from './prediction.ts'
import type { Protocol, Rectangle } from './protocol.ts'
import { coveredBy, sampleAt, type Truth, truthOf } from './sampling.ts'
import { Scratch } from './scratch.ts'

/** The order in which figures are printed. */
export const FIGURES = [...PIXEL_METRICS, 'boundary_f1', 'boundary_f1_holes'] as const
/** One value per name of `FIGURES`. */
export type Figures = Record<(typeof FIGURES)[number], number>

/** Predicted values, among the pixels that count, that are no depth. All are counted before alignment, then clamped. */
export interface BadPixels {
  readonly nan: number
  readonly infinite: number
  /** Zero or negative. */
  readonly negative: number
}

/** What `evaluate` found on one frame. */
export interface FrameFigures {
  readonly name: string
  /** Pixels that the metrics are over. */
  readonly pixels: number
  readonly metrics: Figures
  /** median(truth) / median(prediction): what median-scaling would multiply the prediction by. */
  readonly medianScale: number
  readonly steps: readonly PixelMetrics[]
  /** Null without a sigma, and where the alignment is one of inverse depth, under which sigma has no meaning. */
  readonly calibration: Calibration | null
  readonly bad: BadPixels
}

/** How a frame is judged. */
export interface JudgeOptions {
  readonly protocols: readonly Protocol[]
  /** Under which of the protocols the steps are judged too; default: all. */
  readonly stepProtocols?: readonly Protocol[]
  /** Memory to work in, for whoever judges many frames. */
  readonly scratch?: Scratch
}

/**
 * Figures of one frame under each protocol, null where the region holds no valid pixel. Throws a DarError when the frame has no
 * depth map, or the prediction does not cover the region.
 */
export function judge(frame: Frame, prediction: Prediction, options: JudgeOptions): (FrameFigures | null)[] {
  return judgeAll(frame, prediction, options).map((judged) => judged?.figures ?? null)
}

/** Figures of one frame with what they are made of. Arrays are the scratch memory's: valid until the next frame. */
export interface Judged {
  readonly figures: FrameFigures
  readonly fit: Fit
  readonly sums: PixelSums
  readonly stepSums: readonly PixelSums[]
  readonly curves: Curves | null
  /** Aligned and clamped, at the measurements. */
  readonly d: Float64Array
  readonly truth: Truth
}

/** What a prediction says at the measurements of a region. */
interface Sampled {
  readonly truth: Truth
  readonly covers: Rectangle
  readonly d: Float64Array
  readonly sigma: Float64Array | null
  readonly medianScale: number
  readonly bad: BadPixels
}

/** As `judge`, with what the figures are made of. */
export function judgeAll(
  frame: Frame,
  prediction: Prediction,
  { protocols, stepProtocols = protocols, scratch = new Scratch() }: JudgeOptions,
): (Judged | null)[] {
  scratch.reset()
  const sampled = new Map<string, Sampled>() // protocols that differ in alignment only share their pixels
  return protocols.map((protocol) => {
    const { region, minimum, cap, truthSize, input, regionOf, resize } = protocol
    const key = JSON.stringify([region, minimum, cap, truthSize, input, regionOf, resize])
    const samples = sampled.get(key) ?? sample(frame, prediction, protocol, scratch)
    sampled.set(key, samples)
    if (samples.truth.at.length === 0) return null
    const steps = stepProtocols.includes(protocol) ? (prediction.steps ?? []) : []
    return judgeOne(frame.name, prediction, samples, { protocol, steps, scratch })
  })
}

function judgeOne(
  name: string,
  prediction: Prediction,
  { truth, covers, d: sampled, sigma, medianScale, bad }: Sampled,
  {
    protocol: { alignment, cap },
    steps,
    scratch,
  }: { readonly protocol: Protocol; readonly steps: readonly DepthImage[]; readonly scratch: Scratch },
): Judged {
  const { g, at } = truth
  const fit = fitAlignment(sampled, g, alignment)
  const d = clampPrediction(applyFit(sampled, fit, scratch.doubles(at.length)), cap)
  const sums = new PixelSums().add(d, g)
  const ofStep = scratch.doubles(at.length)
  const stepSums = steps.map((step) => {
    if (step.data === prediction.data) return sums // the last step is the output
    sampleAt(step, covers, truth, ofStep)
    applyFit(ofStep, fitAlignment(ofStep, g, alignment), ofStep)
    return new PixelSums().add(clampPrediction(ofStep, cap), g)
  })
  const calibration = sigma && !fit.inverse ? calibrate(d, g, sigma, { scale: Math.abs(fit.scale) }) : null
  const boundary = boundaryScores(truth, d)
  const figures: FrameFigures = {
    name,
    pixels: at.length,
    metrics: { ...sums.metrics(), boundary_f1: boundary.neighbours, boundary_f1_holes: boundary.holes },
    medianScale,
    steps: stepSums.map((one) => one.metrics()),
    calibration: calibration?.figures ?? null,
    bad,
  }
  return { figures, fit, sums, stepSums, curves: calibration?.curves ?? null, d, truth }
}

function sample(frame: Frame, prediction: Prediction, protocol: Protocol, scratch: Scratch): Sampled {
  const truth = truthOf(frame, protocol, scratch)
  const covers = coveredBy(prediction, frame, truth, protocol)
  const at = (map: DepthImage) => sampleAt(map, covers, truth, scratch.doubles(truth.at.length))
  const d = at(prediction)
  return {
    truth,
    covers,
    d,
    sigma: prediction.sigma ? at(prediction.sigma) : null,
    medianScale: median(truth.g) / median(d),
    bad: badPixels(d),
  }
}

function badPixels(d: Float64Array): BadPixels {
  let nan = 0
  let infinite = 0
  let negative = 0
  for (let i = 0; i < d.length; i++) {
    const value = d[i]
    if (value > 0 && value <= Number.MAX_VALUE) continue
    if (Number.isNaN(value)) nan++
    else if (!Number.isFinite(value)) infinite++
    else negative++
  }
  return { nan, infinite, negative }
}
