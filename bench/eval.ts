/**
 * What the evaluator costs over prediction. 640×480 frames in memory are predicted by `predictMany` as users would (one
 * map and its sigma, no steps), and the same frames are evaluated (all metrics, every step, boundaries, sigma). Both
 * run in turn, so that they see the same machine. Measured twice: with one core left to the evaluator, and with the
 * network on all cores, where the two compete. Also printed is the processor time of judging alone, because wall time
 * means little on a busy machine. `DAR_MODEL` names another model or file.
 */
import { availableParallelism, loadavg } from 'node:os'
import { roomsDataset } from '../src/data/index.ts'
import type { Dataset, Frame } from '../src/data/types.ts'
import { evaluate, judge, modelPredictor, namedProtocol } from '../src/eval/index.ts'
import { Scratch } from '../src/eval/scratch.ts'
import { resizeImage, resizeNearestDepth } from '../src/image/index.ts'
import { scaleIntrinsics } from '../src/image/view.ts'
import { loadModel } from '../src/node/index.ts'
import { median, type Row } from './report.ts'

const SCENES = 3
/**
 * How often each scene occurs in one measurement, since the first and the last frame of an evaluation overlap with
 * nothing.
 */
const REPEATED = 8
/** Images that the network takes at once, in both: the default of `dar eval`. */
const BATCH = 4
const TARGET = 1.1
const PROTOCOLS = [namedProtocol('nyu-eigen')]

export async function benchEval({ rounds = 4 }: { rounds?: number } = {}): Promise<Row[]> {
  const scenes: Frame[] = []
  for await (const { name, image, depth, intrinsics } of roomsDataset({ seed: 5, count: SCENES })) {
    const large = { image: resizeImage(image, 640, 480), depth: depth && resizeNearestDepth(depth, 640, 480) }
    scenes.push({ name, ...large, intrinsics: intrinsics && scaleIntrinsics(intrinsics, 2, 2) })
  }
  const frames = Array.from({ length: REPEATED }, () => scenes).flat()
  const cores = availableParallelism()
  const busy = loadavg()[0]
  const spare = await compared(frames, { threads: Math.max(1, cores - 1), rounds })
  const full = await compared(frames, { threads: cores, rounds })
  const rows = ({ predicting, evaluating }: Compared): Row[] => [
    { name: '  prediction', value: median(predicting), unit: 'ms a frame' },
    { name: '  evaluation', value: median(evaluating), unit: 'ms a frame' },
    { name: '  evaluation / prediction', value: overhead({ predicting, evaluating }), unit: 'ratio' },
  ]
  const name = process.env.DAR_MODEL ?? 'dar-nano'
  return [
    { name: `${name}, 640×480, the network on all cores but`, value: Math.min(1, cores - 1), unit: 'core' },
    ...rows(spare),
    { name: `  ${TARGET} / (evaluation / prediction)`, value: TARGET / overhead(spare), unit: 'ratio', target: 1 },
    { name: 'the network on all cores,', value: cores, unit: 'cores' },
    ...rows(full),
    { name: '  judging alone, processor time', value: median(full.judgingCpu), unit: 'ms a frame' },
    { name: '  prediction, processor time of all threads', value: median(full.predictingCpu), unit: 'ms a frame' },
    { name: 'processes that wanted a core in the minute before', value: busy, unit: '' },
  ]
}

/** Milliseconds a frame: one value per round in each list. */
interface Compared {
  readonly predicting: readonly number[]
  readonly evaluating: readonly number[]
}

const overhead = ({ predicting, evaluating }: Compared) => median(evaluating.map((value, i) => value / predicting[i]))

async function compared(frames: readonly Frame[], { threads, rounds }: { threads: number; rounds: number }) {
  const dataset: Dataset = {
    name: 'rooms in memory',
    length: frames.length,
    get: async (index) => frames[index],
    async *[Symbol.asyncIterator]() {
      yield* frames
    },
  }
  const name = process.env.DAR_MODEL ?? 'dar-nano'
  await using model = await loadModel(name, { threads, batch: BATCH })
  await using judged = await loadModel(name, { threads, batch: BATCH, idle: 'sleep' }) // as `dar eval` does
  const predict = modelPredictor(judged)
  const maps = await Promise.all(frames.slice(0, SCENES).map(predict))
  const scratch = new Scratch()
  const perFrame = { predicting: [] as number[], evaluating: [] as number[] }
  const cpu = { predictingCpu: [] as number[], judgingCpu: [] as number[] }
  for (let round = -1; round < rounds; round++) {
    const [predicting, predictingCpu] = await milliseconds(async () => {
      for await (const { error } of model.predictMany(frames.map(({ image }) => image))) if (error) throw error
    })
    const [evaluating] = await milliseconds(() => evaluate(dataset, predict, { protocols: PROTOCOLS, batch: BATCH }))
    const [, judgingCpu] = await milliseconds(async () => {
      frames.forEach((frame, i) => {
        judge(frame, maps[i % SCENES], { protocols: PROTOCOLS, scratch })
      })
    })
    if (round < 0) continue // compiles and warms up
    perFrame.predicting.push(predicting / frames.length)
    perFrame.evaluating.push(evaluating / frames.length)
    cpu.predictingCpu.push(predictingCpu / frames.length)
    cpu.judgingCpu.push(judgingCpu / frames.length)
  }
  return { ...perFrame, ...cpu }
}

/** Wall time, and processor time of all threads. */
async function milliseconds(body: () => Promise<unknown>): Promise<[clock: number, processor: number]> {
  const begin = performance.now()
  const before = process.cpuUsage()
  await body()
  const { user, system } = process.cpuUsage(before)
  return [performance.now() - begin, (user + system) / 1000]
}
