/** A model before and after, on the same frames: figures by the evaluator, and pictures in the same colours. */
import type { Dataset, Frame } from '../data/index.ts'
import { type Evaluation, evaluate, INDOOR_RANGE, modelPredictor, namedProtocol, parseProtocol } from '../eval/index.ts'
import { colourise, contactSheet, type DepthImage, depthRange, type RgbImage, resizeImage } from '../image/index.ts'
import type { DarConfig } from '../model/index.ts'
import { loadModel } from '../node/index.ts'

/** The figures that are compared. */
export const COMPARED = ['abs_rel', 'd1', 'silog'] as const
/** Means over the images: two errors, and the share of pixels within 1.25 of the truth. */
export type ComparedFigures = Readonly<Record<(typeof COMPARED)[number], number>>

/** A model on the frames held out. */
export interface Judgement {
  readonly figures: ComparedFigures
  /** Frames that the figures are over. */
  readonly images: number
  /** The maps of the frames that were asked for, at the network's size, by name. */
  readonly maps: ReadonlyMap<string, DepthImage>
}

/** The evaluator's protocol for a model: `indoor`, with the end of the model's range as the cap. */
const protocolFor = ({ dMax }: Pick<DarConfig, 'dMax'>) =>
  dMax === INDOOR_RANGE.cap
    ? namedProtocol('indoor')
    : parseProtocol({ ...namedProtocol('indoor'), name: `indoor to ${dMax} m`, cap: dMax })

/** Judges a model (a name or a file). `shown`: indices of the frames whose maps are kept. */
export async function judgeModel(
  nameOrPath: string,
  frames: Dataset,
  { shown = [], threads }: { readonly shown?: readonly number[]; readonly threads?: number } = {},
): Promise<Judgement> {
  const model = await loadModel(nameOrPath, { threads, idle: 'sleep' })
  try {
    const predict = modelPredictor(model, { steps: false })
    const protocols = [protocolFor(model.config)]
    const [evaluation]: readonly Evaluation[] = await evaluate(frames, predict, { protocols })
    const maps = new Map<string, DepthImage>()
    for (const index of shown) {
      const frame = await frames.get(index)
      maps.set(frame.name, await predict(frame))
    }
    const { abs_rel, d1, silog } = evaluation.metrics
    return { figures: { abs_rel, d1, silog }, images: evaluation.images, maps }
  } finally {
    await model.dispose()
  }
}

/** Pixels of a panel's width. */
const PANEL = 320

/** Photo, truth, before and after in a row. All three maps have the colours of the truth's range. */
export function comparisonPicture(frame: Frame, before: DepthImage, after: DepthImage): RgbImage {
  const truth = frame.depth
  const range = depthRange(truth ?? before)
  const height = Math.max(1, Math.round((PANEL * frame.image.height) / frame.image.width))
  const panel = (image: RgbImage) => resizeImage(image, PANEL, height)
  const map = (depth: DepthImage) => panel(colourise(depth, range))
  const span = `${range.near.toFixed(2)} to ${range.far.toFixed(2)} m`
  return contactSheet(
    [
      { image: panel(frame.image), caption: 'photo' },
      ...(truth ? [{ image: map(truth), caption: `truth, ${span}` }] : []),
      { image: map(before), caption: 'before' },
      { image: map(after), caption: 'after' },
    ],
    { columns: 4 },
  )
}
