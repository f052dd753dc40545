/**
 * How long one call takes, from pixels of a 640×480 photo to its map: `predict` (p50 and p99), the same with a signal, which runs one
 * program a step, and `stream`: its first map, and its last. Calls of the kinds take turns, so that all see the same machine. Two
 * threads; `DAR_MODEL` names another model or file than dar-nano, `DAR_RUNS` another number of calls than 100, `DAR_THREADS` of threads.
 */
import { fileURLToPath } from 'node:url'
import { resizeImage } from '../src/image/index.ts'
import { decodeImage, loadModel } from '../src/node/index.ts'
import { median, type Row } from './report.ts'

const WARM_UP = 5
const PHOTO = fileURLToPath(new URL('../examples/coffee.jpg', import.meta.url))

export async function benchLatency(): Promise<Row[]> {
  const runs = Number(process.env.DAR_RUNS ?? 100)
  const photo = resizeImage(await decodeImage(PHOTO), 640, 480)
  const threads = Number(process.env.DAR_THREADS ?? 2)
  await using model = await loadModel(process.env.DAR_MODEL ?? 'dar-nano', { threads })
  const { signal } = new AbortController()
  const times = { whole: [] as number[], stoppable: [] as number[], first: [] as number[], last: [] as number[] }
  for (let i = 0; i < WARM_UP + runs; i++) {
    const taken = {
      whole: await milliseconds(() => model.predict(photo)),
      stoppable: await milliseconds(() => model.predict(photo, { signal })),
      ...(await streamed()),
    }
    if (i < WARM_UP) continue
    for (const [name, samples] of Object.entries(times)) samples.push(taken[name as keyof typeof times])
  }
  async function streamed() {
    const begin = performance.now()
    let first = Number.NaN
    for await (const { step } of model.stream(photo)) if (step === 1) first = performance.now() - begin
    return { first, last: performance.now() - begin }
  }
  const rows = (name: string, samples: readonly number[]): Row[] => [
    { name: `${name}, p50`, value: median(samples), unit: 'ms' },
    { name: `${name}, p99`, value: quantile(samples, 0.99), unit: 'ms' },
  ]
  return [
    ...rows(`${model.name}, 640×480: predict`, times.whole),
    ...rows('predict with a signal, step by step', times.stoppable),
    ...rows('first map of stream', times.first),
    ...rows('last map of stream', times.last),
    {
      name: 'predict / first map of stream',
      value: median(times.whole) / median(times.first),
      unit: 'ratio',
      target: 3,
    },
  ]
}

async function milliseconds(body: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await body()
  return performance.now() - begin
}

/** The smallest sample that a share of all does not exceed. */
function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
}
