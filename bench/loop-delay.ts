/**
 * How long the event loop waits during some work, measured in two ways. `longest` and `p99` are delays from
 * `monitorEventLoopDelay` and include its resolution of 1 ms. On a shared machine they also count the time in which
 * this thread was not scheduled. `busiest` is the most CPU time that this thread used between two turns of the loop,
 * which other programs cannot add to; Linux only.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RgbImage } from '../src/image/index.ts'

/** Milliseconds. */
export interface LoopDelay {
  readonly p99: number
  readonly longest: number
  /** null where the system does not say. */
  readonly busiest: number | null
}

export async function delayWhile<T>(work: () => Promise<T>): Promise<[result: T, delay: LoopDelay]> {
  await sleep(200) // lets earlier work settle
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await sleep(20)
  const turns = watchTurns()
  histogram.reset()
  const result = await work()
  await sleep(20)
  histogram.disable()
  return [result, { p99: histogram.percentile(99) / 1e6, longest: histogram.max / 1e6, busiest: turns() }]
}

/** Samples this thread's CPU time in every turn. The returned function stops it and gives the most of one turn, ms. */
function watchTurns(): () => number | null {
  if (process.platform !== 'linux') return () => null
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r') // nanoseconds of CPU, of waiting, slices
  const bytes = Buffer.alloc(64)
  const cpu = () => Number(bytes.toString('latin1', 0, readSync(file, bytes, 0, 64, 0)).split(' ')[0]) / 1e6
  let last = cpu()
  let most = 0
  const look = () => {
    const now = cpu()
    most = Math.max(most, now - last)
    last = now
  }
  const timer = setInterval(look, 1)
  return () => {
    clearInterval(timer)
    closeSync(file)
    return most
  }
}

/** A picture of waves, different in every channel. */
export function wavePhoto(width: number, height: number): RgbImage {
  const data = new Uint8Array(3 * width * height)
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) data[at++] = 128 + 100 * Math.sin(x / (7 + c)) * Math.cos(y / (5 + c))
  return { width, height, data }
}
