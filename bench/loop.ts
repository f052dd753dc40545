/**
 * How long the event loop of a process waits while dar-nano works in it: p99 and longest delay while the model is
 * loaded, while the first photo compiles its program (both in a fresh process), and while photos of 12 megapixels are
 * predicted. The first rows are a process that sleeps, because other work on the machine shows in every figure.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { loadModel } from '../src/node/index.ts'
import { runInProcess } from '../src/support/processes.ts'
import { delayWhile, type LoopDelay, wavePhoto } from './loop-delay.ts'
import { median, type Row } from './report.ts'

const [WIDTH, HEIGHT] = [4000, 3000]
const THREADS = 2

export async function benchLoop({ runs = 9 }: { runs?: number } = {}): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dar-loop-'))
  try {
    const photo = wavePhoto(WIDTH, HEIGHT)
    const file = join(folder, 'photo.jpg')
    const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const
    await sharp(photo.data, { raw }).jpeg({ quality: 95 }).toFile(file)

    const asleep = await repeated(runs, () => sleep(1000))
    const loading: LoopDelay[] = []
    const first: LoopDelay[] = []
    for (let i = 0; i < runs; i++) {
      const seen = await runInProcess('loop-child', import.meta.url, { threads: THREADS })
      const { loading: one, predicting } = seen as Record<'loading' | 'predicting', LoopDelay>
      loading.push(one)
      first.push(predicting)
    }
    await using model = await loadModel('dar-nano', { threads: THREADS })
    for (const steps of [false, true]) await model.predict(photo, { steps })
    return [
      ...rowsOf('asleep', asleep),
      ...rowsOf('loadModel', loading),
      ...rowsOf('first prediction, 640×480', first),
      ...rowsOf('12 megapixels, pixels', await repeated(runs, () => model.predict(photo))),
      ...rowsOf('12 megapixels, JPEG', await repeated(runs, () => model.predict(file))),
      ...rowsOf('12 megapixels, every step', await repeated(runs, () => model.predict(photo, { steps: true }))),
    ]
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function repeated(runs: number, work: () => Promise<unknown>): Promise<LoopDelay[]> {
  const delays: LoopDelay[] = []
  for (let i = 0; i < runs; i++) delays.push((await delayWhile(work))[1])
  return delays
}

function rowsOf(name: string, delays: readonly LoopDelay[]): Row[] {
  const longest = delays.map((delay) => delay.longest)
  const busiest = delays.flatMap((delay) => delay.busiest ?? [])
  return [
    { name: `${name}: p99`, value: median(delays.map(({ p99 }) => p99)), unit: 'ms' },
    { name: `${name}: longest`, value: median(longest), unit: 'ms' },
    { name: `${name}: longest of ${delays.length} runs`, value: Math.max(...longest), unit: 'ms' },
    ...(busiest.length > 0
      ? [{ name: `${name}: most CPU in a turn, worst run`, value: Math.max(...busiest), unit: 'ms' }]
      : []),
  ]
}
