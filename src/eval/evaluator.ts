/**
 * From a data set and a predictor to figures. Every frame is predicted once and judged under each protocol (judge.ts).
 * Metrics are per image and then averaged over images, or pooled over pixels where the protocol says so (tally.ts). The
 * figures of single images are kept, because a mean hides failures.
 *
 * Frames are read, judged and dropped one by one; only a row of numbers per image is kept. While one frame is judged,
 * the next is predicted (in the engine's thread) and the one after it is read. Left out: drawing.
 */
import type { Dataset, Frame } from '../data/types.ts'
import { assert, DarError } from '../support/errors.ts'
import type { Fit } from './align.ts'
import { underProtocol } from './input.ts'
import { type FrameFigures, type JudgeOptions, judgeAll } from './judge.ts'
import type { Prediction, Predictor } from './prediction.ts'
import type { Protocol } from './protocol.ts'
import { Scratch } from './scratch.ts'
import { type Evaluation, Tally } from './tally.ts'

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
export interface EvaluateOptions extends Omit<JudgeOptions, 'scratch'> {
  /**
   * `protocol` (default): the predictor is asked as the protocols say (crop, windows, flip), which must then be the same for
   * all. `given`: it answers for the whole frame by itself, and what the protocols say of the input has been done.
   */
  readonly input?: 'protocol' | 'given'
  /** How many images the predictor takes at once. So many more are requested ahead. Default 1. */
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
      return { error } // returned in its turn, so that the rejection is handled
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
