/**
 * Combines the figures of single frames into those of a data set: means over images, or over the pixels of all images.
 */
import type { Frame } from '../data/types.ts'
import { DarError } from '../support/errors.ts'
import { type Calibration, type Curves, SPARSIFICATION_STEPS } from './calibration.ts'
import { type DistanceBin, DistanceProfile } from './distance.ts'
import { type BadPixels, FIGURES, type Figures, type FrameFigures, type Judged } from './judge.ts'
import { PIXEL_METRICS, type PixelMetrics, PixelSums } from './metrics.ts'
import type { Protocol } from './protocol.ts'

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

/** What is known of a data set under one protocol so far. */
export class Tally {
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
