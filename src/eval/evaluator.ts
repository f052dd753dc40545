/**
 * From a data set and a predictor to figures: every frame is predicted once and judged under each protocol. Metrics are
 * per image, then the mean over images (or pooled over pixels, where the protocol says so); the rows of the single images
 * are kept, because a mean hides its failures. When the predictor gives the maps of its steps, each step is judged like the
 * final map; when it gives a sigma, its calibration is.
 *
 * Frames are read, judged and forgotten one by one; what grows with the data set is a row of numbers per image. While
 * one frame is judged, the next is predicted (in the engine's thread) and the one after it is read.
 * Left out: drawing.
 */
import type { Dataset, Frame } from '../data/types.ts'
import type { DepthImage } from '../image/types.ts'
import { assert, DarError } from '../support/errors.ts'
import { applyFit, clampPrediction, type Fit, fitAlignment, median } from './align.ts'
import { boundaryScores } from './boundary.ts'
import { type Calibration, type Curves, calibrate, SPARSIFICATION_STEPS } from './calibration.ts'
import { type DistanceBin, DistanceProfile } from './distance.ts'
import { underProtocol } from './input.ts'
import { PIXEL_METRICS, type PixelMetrics, PixelSums } from './metrics.ts'
import type { Prediction, Predictor } from './prediction.ts'
import type { Protocol, Rectangle } from './protocol.ts'
import { coveredBy, sampleAt, type Truth, truthOf } from './sampling.ts'
import { Scratch } from './scratch.ts'

export type { Prediction, Predictor } from './prediction.ts'

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

/** What `evaluate` found under one protocol. */
export interface Evaluation {
  readonly protocol: Protocol
  readonly images: number
  /** Frames left out because the region holds no valid pixel. */
  readonly empty: readonly string[]
  readonly pixels: number
  /** Means over images, or over all pixels, as `protocol.averaging` says. */
  readonly metrics: Figures
  readonly medianScale: number
  /** The same for each step; empty when the predictor has none. */
  readonly steps: readonly PixelMetrics[]
  /** Means over images. */
  readonly calibration: Calibration | null
  readonly curves: Curves | null
  /** Over the pixels of all images. */
  readonly distance: readonly DistanceBin[]
  readonly bad: BadPixels & { readonly images: number }
  readonly frames: readonly FrameFigures[]
}

/** One frame that has just been judged, with what is needed to draw it. */
export interface JudgedFrame {
  readonly frame: Frame
  readonly prediction: Prediction
  readonly protocol: Protocol
  readonly figures: FrameFigures
  /** What the alignment did to the prediction. */
  readonly fit: Fit
}

/** How a predictor is judged. */
export interface EvaluateOptions {
  readonly protocols: readonly Protocol[]
  /** Under which of the protocols the steps are judged too; default: all. */
  readonly stepProtocols?: readonly Protocol[]
  /**
   * `protocol` (default): the predictor is asked as the protocols say (crop, windows, flip), which must then be the same for
   * all. `given`: it answers for the whole frame by itself, and what the protocols say of the input has been done.
   */
  readonly input?: 'protocol' | 'given'
  /** How many images the predictor takes at once: it is asked for so many more ahead. Default 1. */
  readonly batch?: number
  /** Called after every frame. */
  readonly onProgress?: (done: number, frame: string) => void
  /** Called for every frame and protocol with a figure; what is given is not used afterwards. */
  readonly onJudged?: (judged: JudgedFrame) => void
}

/** Frames that are read or predicted ahead of the one that is judged, for every image that the predictor takes at once. */
const AHEAD = 2

/**
 * One evaluation for each protocol, in their order.
 * @throws DarError when a frame has no depth map, a prediction does not cover the region, no frame has a valid pixel, or the
 * protocols want the network to see different things.
 */
export async function evaluate(
  dataset: Dataset,
  predict: Predictor,
  { protocols, stepProtocols = protocols, input = 'protocol', batch = 1, onProgress, onJudged }: EvaluateOptions,
): Promise<Evaluation[]> {
  const tallies = protocols.map((protocol) => new Tally(protocol))
  const ask = input === 'given' ? predict : underProtocol(predict, sharedInput(protocols))
  const scratch = new Scratch()
  let done = 0
  for await (const { frame, prediction } of predicted(dataset, ask, batch)) {
    judgeAll(frame, prediction, { protocols, stepProtocols, scratch }).forEach((judged, i) => {
      tallies[i].add(frame, judged)
      if (judged) onJudged?.({ frame, prediction, protocol: protocols[i], figures: judged.figures, fit: judged.fit })
    })
    onProgress?.(++done, frame.name)
  }
  return tallies.map((tally) => tally.evaluation(dataset.name))
}

/** Frames in their order with their predictions, some under way while the caller works on one. */
async function* predicted(dataset: Dataset, predict: Predictor, batch: number) {
  const queue: Promise<{ frame: Frame; prediction: Prediction } | { error: unknown }>[] = []
  const start = async (index: number) => {
    try {
      const frame = await dataset.get(index)
      return { frame, prediction: await predict(frame) }
    } catch (error) {
      return { error } // waits for its turn, so that no rejection goes unheard
    }
  }
  try {
    for (let index = 0; index < dataset.length || queue.length > 0; ) {
      while (index < dataset.length && queue.length <= AHEAD * batch) queue.push(start(index++))
      const next = await queue.shift()
      assert(next, 'a frame under way')
      if ('error' in next) throw next.error
      yield next
    }
  } finally {
    await Promise.all(queue)
  }
}

function sharedInput(protocols: readonly Protocol[]): Protocol {
  const key = ({ input = 'whole', halves = null, flip = false }: Protocol) => JSON.stringify([input, halves, flip])
  if (new Set(protocols.map(key)).size > 1)
    throw new DarError('protocols that show the network different inputs cannot share predictions; evaluate one by one')
  return protocols[0]
}

export interface JudgeOptions extends Pick<EvaluateOptions, 'protocols' | 'stepProtocols'> {
  /** Memory to work in, for whoever judges many frames. */
  readonly scratch?: Scratch
}

/** Figures of one frame under each protocol, null where the region holds no valid pixel. Throws as `evaluate`. */
export function judge(frame: Frame, prediction: Prediction, options: JudgeOptions): (FrameFigures | null)[] {
  return judgeAll(frame, prediction, options).map((judged) => judged?.figures ?? null)
}

/** Arrays are the scratch memory's: valid until the next frame. */
interface Judged {
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

function judgeAll(
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

/** What is known of a data set under one protocol so far. */
class Tally {
  private readonly frames: FrameFigures[] = []
  private readonly empty: string[] = []
  private readonly pooled = new PixelSums()
  private readonly pooledSteps: PixelSums[] = []
  private readonly distance: DistanceProfile
  private readonly curves = { sigma: zeros(), oracle: zeros(), images: 0 }

  constructor(private readonly protocol: Protocol) {
    this.distance = new DistanceProfile(protocol)
  }

  add({ name }: Frame, judged: Judged | null): void {
    if (!judged) {
      this.empty.push(name)
      return
    }
    const { figures, sums, stepSums, curves, d, truth } = judged
    this.frames.push(figures)
    this.pooled.merge(sums)
    stepSums.forEach((one, k) => {
      this.pooledSteps[k] = (this.pooledSteps[k] ?? new PixelSums()).merge(one)
    })
    this.distance.add(d, truth.g)
    if (!curves) return
    this.curves.images++
    for (const name of ['sigma', 'oracle'] as const)
      curves[name].forEach((value, k) => {
        this.curves[name][k] += value
      })
  }

  evaluation(set: string): Evaluation {
    const { protocol, frames, empty, pooled, pooledSteps, curves } = this
    if (frames.length === 0)
      throw new DarError(
        `no frame of ${set} (${empty.length}) has a valid depth pixel; check its depth scale, the range and the region`,
      )
    const perPixel = protocol.averaging === 'pixel'
    const calibrated = frames.flatMap(({ calibration }) => calibration ?? [])
    const sum = (of: (figures: FrameFigures) => number) => frames.reduce((total, one) => total + of(one), 0)
    const means = meanOf(
      FIGURES,
      frames.map(({ metrics }) => metrics),
    )
    const perImageSteps = frames[0].steps.map((_, k) => meanMetrics(frames.map(({ steps }) => steps[k])))
    return {
      protocol,
      images: frames.length,
      empty,
      pixels: pooled.pixels,
      metrics: perPixel ? { ...means, ...pooled.metrics() } : means,
      medianScale: sum(({ medianScale }) => medianScale) / frames.length,
      steps: perPixel ? pooledSteps.map((one) => one.metrics()) : perImageSteps,
      calibration:
        calibrated.length > 0 ? meanOf(Object.keys(calibrated[0]) as (keyof Calibration)[], calibrated) : null,
      curves:
        curves.images > 0
          ? { sigma: divided(curves.sigma, curves.images), oracle: divided(curves.oracle, curves.images) }
          : null,
      distance: this.distance.bins(),
      bad: {
        nan: sum(({ bad }) => bad.nan),
        infinite: sum(({ bad }) => bad.infinite),
        negative: sum(({ bad }) => bad.negative),
        images: frames.filter(({ bad }) => bad.nan + bad.infinite + bad.negative > 0).length,
      },
      frames,
    }
  }
}

const zeros = (): number[] => new Array<number>(SPARSIFICATION_STEPS).fill(0)
const divided = (values: readonly number[], by: number) => values.map((value) => value / by)

/** Mean of every metric. */
function meanMetrics(all: readonly PixelMetrics[]): PixelMetrics {
  return meanOf(PIXEL_METRICS, all)
}

function meanOf<Name extends string>(names: readonly Name[], all: readonly Readonly<Record<Name, number>>[]) {
  const mean = (name: Name) => all.reduce((sum, one) => sum + one[name], 0) / all.length
  return Object.fromEntries(names.map((name) => [name, mean(name)])) as Record<Name, number>
}
