/**
 * Validation while training. The moving average of the weights predicts the held-out frames at the network's size.
 * Reported are the metrics of every step: if later steps do not improve on the first, the bins have learnt nothing.
 * Reported is also the share of h that is saturated in each step. There tanh passes no gradient, so a transformer whose
 * h is ±1 everywhere carries no information and cannot learn. The loss does not show this, because the context alone
 * gives the bins enough. These figures are for watching a run; those of a model card come from the evaluator.
 */
import { type Dataset, wholeFrame } from '../data/index.ts'
import { PIXEL_METRICS, type PixelMetrics, pixelMetrics } from '../eval/index.ts'
import { compile } from '../graph/index.ts'
import { type DarConfig, inferenceGraph, inferenceOutputs, MIN_DEPTH, mapCount, outputNames } from '../model/index.ts'
import type { Engine, Program, ResidentBuffer } from '../runtime/engine.ts'
import { DarError } from '../support/errors.ts'
import { type Layout, slicesOf } from './parameters.ts'
import type { SeenImage } from './pictures.ts'

/** Means over the images of one set, in metres where a metric has a unit. */
export interface SetFigures {
  readonly set: string
  readonly images: number
  /** Of the model's output. */
  readonly metrics: PixelMetrics
  /** Of D_1 … D_K, each resized to the network's size. */
  readonly steps: readonly PixelMetrics[]
  /** Of h_1 … h_K: the share of values beyond ±0.99; empty for a head without steps. */
  readonly saturated: readonly number[]
}

interface Size {
  readonly height: number
  readonly width: number
  /** Images predicted at once. */
  readonly batch: number
  /** Memory for prepared frames; default `KEPT_BYTES`. */
  readonly keptBytes?: number
}

/** Bytes of prepared frames that stay in memory, of all sets together; the others are read anew for every validation. */
export const KEPT_BYTES = 256e6

/** Holds a program in the engine: dispose it. */
export class Validator {
  private constructor(
    private readonly program: Program,
    private readonly size: Size,
    private readonly config: DarConfig,
    private readonly sets: readonly PreparedSet[],
  ) {}

  /**
   * Reads every frame of the sets once, and keeps the first ones at the network's size. `weights` is a resident buffer of the layout.
   * Throws a DarError when a frame cannot be read or a set has no measured depth at all.
   */
  static async create(
    engine: Engine,
    config: DarConfig,
    layout: Layout,
    weights: ResidentBuffer,
    sets: readonly Dataset[],
    size: Size,
  ): Promise<Validator> {
    const prepared: PreparedSet[] = []
    const room = { bytes: size.keptBytes ?? KEPT_BYTES }
    for (const set of sets) prepared.push(await prepareSet(set, size, config, room))
    const program = await engine.load(validationGraph(config, size), { boundInputs: slicesOf(layout, weights.name) })
    return new Validator(program, size, config, prepared)
  }

  /** Figures of every set, in the order given. `look` is shown every image on the way. */
  async run({ look }: { readonly look?: (image: SeenImage) => void } = {}): Promise<SetFigures[]> {
    const figures: SetFigures[] = []
    for (const { set, frames, sample: read } of this.sets) {
      const images = frames.length
      const perImage: ImageFigures[] = []
      for (let begin = 0; begin < images; begin += this.size.batch) {
        const samples = await Promise.all(frames.slice(begin, begin + this.size.batch).map(read))
        for (const one of await this.batch(samples)) {
          const { sample, maps, steps } = one
          look?.({ ...sample, set, index: perImage.length, images, maps, abs_rel: steps.map(({ abs_rel }) => abs_rel) })
          perImage.push({ steps, saturated: one.saturated })
        }
      }
      const steps = perImage[0].steps.map((_, k) => mean(perImage.map((one) => one.steps[k])))
      const saturated = perImage[0].saturated.map(
        (_, k) => perImage.reduce((sum, one) => sum + one.saturated[k], 0) / images,
      )
      figures.push({ set, images, metrics: steps[steps.length - 1], steps, saturated })
    }
    return figures
  }

  private async batch(samples: readonly Prepared[]): Promise<PredictedImage[]> {
    const { batch, height, width } = this.size
    const pixels = height * width
    // A last batch that is not full is filled with black images, whose predictions are ignored.
    const image = new Float32Array(batch * 3 * pixels)
    samples.forEach((sample, i) => {
      image.set(sample.image, 3 * i * pixels)
    })
    const outputs = await this.program.run({ image }, { transfer: true })
    // The last step is scored by the output, as in the loss: under a convex upsampler its raw map is not trained.
    const count = mapCount(this.config)
    const mapNames = Array.from({ length: count }, (_, i) =>
      i + 1 < count ? outputNames.step(i + 1) : outputNames.depth,
    )
    const saturatedNames = mapNames.map((_, i) => outputNames.saturated(i + 1)).filter((name) => name in outputs)
    return samples.map((sample, i) => {
      const { depth, valid, scale } = sample
      const truth = Array.from(valid, (at) => depth[at] / scale)
      const maps = mapNames.map((name) => outputs[name].subarray(i * pixels, (i + 1) * pixels) as Float32Array)
      const steps = maps.map((map) => {
        const predicted = Array.from(valid, (at) => Math.max(map[at] / scale, MIN_DEPTH))
        return pixelMetrics(predicted, truth)
      })
      return { sample, maps, steps, saturated: saturatedNames.map((name) => Number(outputs[name][i])) }
    })
  }

  async dispose(): Promise<void> {
    await this.program.dispose()
  }
}

interface ImageFigures {
  /** Of every step, the last by the model's output. */
  readonly steps: readonly PixelMetrics[]
  readonly saturated: readonly number[]
}

interface PredictedImage extends ImageFigures {
  readonly sample: Prepared
  /** Of every step, H·W, canonical metres. */
  readonly maps: readonly Float32Array[]
}

/** Outputs `depth`, `depth1` …, at the image's size, B,1,H,W, and `saturated1` …, one share an image (model/inference.ts). */
export function validationOutputs(config: DarConfig, size: Size) {
  const { model } = inferenceGraph(config, size, { batch: size.batch })
  return inferenceOutputs(model, ['depth', 'steps', 'saturated'], { maps: 'image' })
}

/** The same, compiled. */
function validationGraph(config: DarConfig, size: Size) {
  return compile(validationOutputs(config, size), { name: `validate ${size.width}×${size.height}` })
}

interface Prepared {
  /** Of the frame. */
  readonly name: string
  /** 3·H·W, RGB in [0, 1]. */
  readonly image: Float32Array
  /** H·W, canonical metres. */
  readonly depth: Float32Array
  /** Indices of the pixels that count. */
  readonly valid: Int32Array
  /** Canonical metres per metre. */
  readonly scale: number
}

interface PreparedSet {
  readonly set: string
  /** Numbers of those that have a valid pixel. */
  readonly frames: readonly number[]
  /** The frame of this number: from memory, or read again. */
  readonly sample: (frame: number) => Promise<Prepared>
}

/** Frames without a valid pixel are left out. Takes the bytes of the frames that it keeps from `room`. */
async function prepareSet(
  set: Dataset,
  size: Size,
  { dMax }: DarConfig,
  room: { bytes: number },
): Promise<PreparedSet> {
  const kept = new Map<number, Prepared>()
  const frames: number[] = []
  for (let i = 0; i < set.length; i++) {
    const sample = await prepare(set, i, size, dMax)
    if (sample.valid.length === 0) continue
    frames.push(i)
    const bytes = sample.image.byteLength + sample.depth.byteLength + sample.valid.byteLength
    if (bytes > room.bytes) continue
    room.bytes -= bytes
    kept.set(i, sample)
  }
  if (frames.length === 0)
    throw new DarError(
      `validation set ${set.name}: none of its ${set.length} frames has a depth between ${MIN_DEPTH} m and the model's ` +
        `range of ${dMax} m (at the canonical focal length); check its depth scale, or leave it out`,
    )
  return { set: set.name, frames, sample: async (i) => kept.get(i) ?? prepare(set, i, size, dMax) }
}

async function prepare(set: Dataset, index: number, { width, height }: Size, dMax: number): Promise<Prepared> {
  const { name, image, depth, scale } = wholeFrame(await set.get(index), { width, height })
  const valid: number[] = []
  depth.forEach((d, at) => {
    if (d > MIN_DEPTH * scale && d < dMax) valid.push(at)
  })
  return { name, image, depth, valid: Int32Array.from(valid), scale }
}

function mean(all: readonly PixelMetrics[]): PixelMetrics {
  const average = (name: (typeof PIXEL_METRICS)[number]) => all.reduce((sum, one) => sum + one[name], 0) / all.length
  return Object.fromEntries(PIXEL_METRICS.map((name) => [name, average(name)])) as PixelMetrics
}
