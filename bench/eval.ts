/**
 * What the evaluator costs over prediction: dar-nano on a few 640×480 frames in memory, predicted one after the other, and
 * the same frames evaluated (all metrics, every step, boundaries, sigma), in turn, so that both see the same machine. The
 * ratio is what counts; judging alone is timed as well. `DAR_MODEL` names another model or file.
 */
import { availableParallelism } from 'node:os'
import { roomsDataset } from '../src/data/index.ts'
import type { Dataset, Frame } from '../src/data/types.ts'
import { judge } from '../src/eval/evaluator.ts'
import { evaluate, namedProtocol, type Prediction } from '../src/eval/index.ts'
import { loadModel, modelPredictor } from '../src/predict/index.ts'
import { median, type Row } from './report.ts'

const FRAMES = 4
const TARGET_OVERHEAD = 0.1

export async function benchEval({ rounds = 5 }: { rounds?: number } = {}): Promise<Row[]> {
  const protocols = [namedProtocol('nyu-eigen')]
  const frames: Frame[] = []
  for await (const frame of roomsDataset({ seed: 5, count: FRAMES, width: 640, height: 480 })) frames.push(frame)
  const dataset: Dataset = {
    name: 'rooms in memory',
    length: frames.length,
    get: async (index) => frames[index],
    async *[Symbol.asyncIterator]() {
      yield* frames
    },
  }
  const threads = Math.min(2, availableParallelism())
  await using model = await loadModel(process.env.DAR_MODEL ?? 'dar-nano', { threads })
  const predict = modelPredictor(model)
  const predicting: number[] = []
  const evaluating: number[] = []
  const judging: number[] = []
  for (let round = -1; round < rounds; round++) {
    const maps: Prediction[] = []
    const alone = await milliseconds(async () => {
      // As the evaluator does: a few under way at once.
      for (const map of await Promise.all(frames.map(predict))) maps.push(map)
    })
    const whole = await milliseconds(() => evaluate(dataset, predict, { protocols }))
    const figures = await milliseconds(async () => {
      frames.forEach((frame, i) => {
        judge(frame, maps[i], { protocols })
      })
    })
    if (round < 0) continue // compiles and warms up
    predicting.push(alone / FRAMES)
    evaluating.push(whole / FRAMES)
    judging.push(figures / FRAMES)
  }
  const ratios = evaluating.map((value, i) => value / predicting[i])
  return [
    { name: `${model.name}, 640×480: prediction with every step`, value: median(predicting), unit: 'ms a frame' },
    { name: 'evaluation of the same frames', value: median(evaluating), unit: 'ms a frame' },
    { name: '  judging alone', value: median(judging), unit: 'ms a frame' },
    { name: 'evaluation / prediction', value: median(ratios), unit: 'ratio' },
    {
      name: `${1 + TARGET_OVERHEAD} / (evaluation / prediction)`,
      value: (1 + TARGET_OVERHEAD) / median(ratios),
      unit: 'ratio',
      target: 1,
    },
  ]
}

async function milliseconds(body: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await body()
  return performance.now() - begin
}
