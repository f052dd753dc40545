/** The delays of the event loop while something is done, as `monitorEventLoopDelay` sees them at its resolution of 1 ms. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RgbImage } from '../src/image/index.ts'

/** Milliseconds; both include the resolution. */
export interface LoopDelay {
  readonly p99: number
  readonly longest: number
}

export async function delayWhile<T>(work: () => Promise<T>): Promise<[result: T, delay: LoopDelay]> {
  await sleep(200) // what came before settles
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await sleep(20)
  histogram.reset()
  const result = await work()
  await sleep(20)
  histogram.disable()
  return [result, { p99: histogram.percentile(99) / 1e6, longest: histogram.max / 1e6 }]
}

/** A picture of waves, other in every channel. */
export function wavePhoto(width: number, height: number): RgbImage {
  const data = new Uint8Array(3 * width * height)
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) data[at++] = 128 + 100 * Math.sin(x / (7 + c)) * Math.cos(y / (5 + c))
  return { width, height, data }
}
