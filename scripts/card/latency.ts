/**
 * Milliseconds of a prediction from pixels to metres. Predictors run in turn on the same frame, so that a busy moment
 * affects all.
 */
import { availableParallelism, cpus } from 'node:os'
import type { Frame } from '../../src/data/types.ts'
import { median } from '../../src/support/median.ts'

export interface Latency {
  readonly predictor: string
  readonly frame: string
  readonly size: string
  readonly runs: number
  readonly medianMs: number
  readonly minimumMs: number
  readonly maximumMs: number
}

/** The machine, for the report. */
export const machine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  threads: availableParallelism(),
  node: process.version,
})

/** `predictors` are run `warmUp + runs` times each; the first runs, which compile, do not count. */
export async function measureLatency(
  predictors: ReadonlyMap<string, (frame: Frame) => Promise<unknown>>,
  frame: Frame,
  { runs = 20, warmUp = 3 }: { runs?: number; warmUp?: number } = {},
): Promise<Latency[]> {
  const times = new Map([...predictors.keys()].map((name) => [name, [] as number[]]))
  for (let run = 0; run < warmUp + runs; run++)
    for (const [name, predict] of predictors) {
      const start = performance.now()
      await predict(frame)
      if (run >= warmUp) times.get(name)?.push(performance.now() - start)
    }
  return [...times].map(([predictor, all]) => ({
    predictor,
    frame: frame.name,
    size: `${frame.image.width}x${frame.image.height}`,
    runs,
    medianMs: median(all),
    minimumMs: Math.min(...all),
    maximumMs: Math.max(...all),
  }))
}
