/**
 * How long one call takes, from pixels of a 640×480 photo to its map (latency-callers.ts): `predict`; `predict` with a signal, which
 * runs one program a step; `stream`, its first map and its last; and transformers.js on the same model, exported. The ways take turns,
 * so that all see the same machine. Two threads; `DAR_MODEL` names another model or file than dar-nano, `DAR_RUNS` another number of
 * calls than 100, `DAR_THREADS` of threads.
 *
 * Before each call there is a pause. The threads of the peer's engine go on spinning for 50 ms after a run, and would slow down the
 * call of another way; ours stop (runtime/session.ts). Processor time counts all threads of a call. It hardly depends on what else
 * the machine does. Memory is the peak of a process that goes only this way.
 */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Owner } from '../src/train/owner.ts'
import { type Caller, exportForPeer, openCaller, WAYS, type Way } from './latency-callers.ts'
import { median, type Row } from './report.ts'

const WARM_UP = 5
const PAUSE = 100

/** Of every call, in milliseconds. */
interface Samples {
  readonly whole: number[]
  /** To the first map, where there are several. */
  readonly first: number[]
  readonly processor: number[]
}

export async function benchLatency(): Promise<Row[]> {
  const runs = Number(process.env.DAR_RUNS ?? 100)
  await using exported = await exportForPeer()
  const memory: number[] = []
  for (const way of WAYS) memory.push(await peakMemory(way, exported.folder))
  const samples = await takeTurns(runs, exported.folder)
  const [plain, stoppable, stream, peer] = WAYS.map((way) => median(samples[way].whole))
  const ratio = (name: string, value: number, target: number): Row => ({ name, value, unit: 'ratio', target })
  return [
    ...WAYS.flatMap((way, i) => [
      ...quantiles(way === 'stream' ? 'stream, last map' : way, samples[way].whole),
      ...(samples[way].first.length > 0 ? quantiles(`${way}, first map`, samples[way].first) : []),
      { name: `${way}, processor time`, value: median(samples[way].processor), unit: 'ms' },
      { name: `${way}, peak memory`, value: memory[i], unit: 'MiB' },
    ]),
    ratio('predict / predict with a signal', plain / stoppable, 0.91),
    ratio('predict / first map of stream', plain / median(samples.stream.first), 3),
    ratio('predict / last map of stream', plain / stream, 0.8),
    ratio('transformers.js / predict', peer / plain, 1),
  ]
}

async function takeTurns(runs: number, exported: string): Promise<Readonly<Record<Way, Samples>>> {
  const entries = WAYS.map((way) => [way, { whole: [], first: [], processor: [] } as Samples] as const)
  const samples = Object.fromEntries(entries) as Record<Way, Samples>
  const owner = new Owner()
  try {
    const callers: (readonly [Way, Caller])[] = []
    for (const way of WAYS) callers.push([way, owner.hold(await openCaller(way, exported))])
    for (let i = 0; i < WARM_UP + runs; i++)
      for (const [way, caller] of callers) {
        const { whole, first, processor } = await timed(caller)
        if (i < WARM_UP) continue
        samples[way].whole.push(whole)
        samples[way].processor.push(processor)
        if (first !== null) samples[way].first.push(first)
      }
  } finally {
    await owner.dispose()
  }
  return samples
}

async function timed(caller: Caller) {
  await sleep(PAUSE)
  const processor = process.cpuUsage()
  const begin = performance.now()
  let first: number | null = null
  await caller.call(() => {
    first ??= performance.now() - begin
  })
  const whole = performance.now() - begin
  const { user, system } = process.cpuUsage(processor)
  return { whole, first, processor: (user + system) / 1000 }
}

async function peakMemory(way: Way, exported: string): Promise<number> {
  const script = fileURLToPath(new URL('./latency-child.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, way, exported])
  return Number(stdout.trim())
}

const quantiles = (name: string, samples: readonly number[]): Row[] => [
  { name: `${name}, p50`, value: median(samples), unit: 'ms' },
  { name: `${name}, p99`, value: quantile(samples, 0.99), unit: 'ms' },
]

/** The smallest sample that a share of all does not exceed. */
function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
}
