/**
 * What the evaluator costs over prediction: dar-nano on a few 640×480 frames in memory, predicted one after the other, and
 * the same frames evaluated (all metrics, every step, boundaries, sigma), in turn, so that both see the same machine. The
 * ratio is what counts, of processor time above all: the clock of a busy machine says little, so how busy it was is said too.
 * `DAR_MODEL` names another model or file.
 */
import { availableParallelism, loadavg } from 'node:os'
import { roomsDataset } from '../src/data/index.ts'
import type { Dataset, Frame } from '../src/data/types.ts'
import { scaleIntrinsics } from '../src/data/view.ts'
import { judge } from '../src/eval/evaluator.ts'
import { evaluate, namedProtocol, type Prediction } from '../src/eval/index.ts'
import { Scratch } from '../src/eval/scratch.ts'
import { resizeImage, resizeNearestDepth } from '../src/image/index.ts'
import { loadModel, modelPredictor } from '../src/predict/index.ts'
import { median, type Row } from './report.ts'

const FRAMES = 3
const TARGET_OVERHEAD = 0.1

export async function benchEval({ rounds = 4 }: { rounds?: number } = {}): Promise<Row[]> {
  const protocols = [namedProtocol('nyu-eigen')]
  const frames: Frame[] = []
  for await (const { name, image, depth, intrinsics } of roomsDataset({ seed: 5, count: FRAMES })) {
    const large = { image: resizeImage(image, 640, 480), depth: depth && resizeNearestDepth(depth, 640, 480) }
    frames.push({ name, ...large, intrinsics: intrinsics && scaleIntrinsics(intrinsics, 2, 2) })
  }
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
  const scratch = new Scratch()
  const busy = loadavg()[0]
  const predicting: number[] = []
  const evaluating: number[] = []
  const judging: number[] = []
  const cpu = { predicting: [] as number[], judging: [] as number[] }
  for (let round = -1; round < rounds; round++) {
    const maps: Prediction[] = []
    const [alone, aloneCpu] = await milliseconds(async () => {
      // As the evaluator does: a few under way at once.
      for (const map of await Promise.all(frames.map(predict))) maps.push(map)
    })
    const [whole] = await milliseconds(() => evaluate(dataset, predict, { protocols }))
    const [figures, figuresCpu] = await milliseconds(async () => {
      frames.forEach((frame, i) => {
        judge(frame, maps[i], { protocols, scratch })
      })
    })
    if (round < 0) continue // compiles and warms up
    predicting.push(alone / FRAMES)
    evaluating.push(whole / FRAMES)
    judging.push(figures / FRAMES)
    cpu.predicting.push(aloneCpu / FRAMES)
    cpu.judging.push(figuresCpu / FRAMES)
  }
  const ratios = evaluating.map((value, i) => value / predicting[i])
  const shares = cpu.judging.map((value, i) => value / cpu.predicting[i])
  return [
    { name: `${model.name}, 640×480: prediction with every step`, value: median(predicting), unit: 'ms a frame' },
    { name: 'evaluation of the same frames', value: median(evaluating), unit: 'ms a frame' },
    { name: '  judging alone', value: median(judging), unit: 'ms a frame' },
    { name: '  prediction, processor time of all threads', value: median(cpu.predicting), unit: 'ms a frame' },
    { name: '  judging, processor time', value: median(cpu.judging), unit: 'ms a frame' },
    { name: 'processes that wanted a core in the minute before', value: busy, unit: '' },
    { name: 'evaluation / prediction, by the clock', value: median(ratios), unit: 'ratio' },
    { name: 'judging / prediction, processor time', value: median(shares), unit: 'ratio' },
    {
      name: `${TARGET_OVERHEAD} / (judging / prediction)`,
      value: TARGET_OVERHEAD / median(shares),
      unit: 'ratio',
      target: 1,
    },
  ]
}

/** Time by the clock, and of the processor in all threads, which other work on the machine changes less. */
async function milliseconds(body: () => Promise<unknown>): Promise<[clock: number, processor: number]> {
  const begin = performance.now()
  const before = process.cpuUsage()
  await body()
  const { user, system } = process.cpuUsage(before)
  return [performance.now() - begin, (user + system) / 1000]
}
