import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { stepTime } from './scaling.ts'

const MACHINE = { flops: 1e12, bandwidth: 1e9, latency: 1e-5 }

describe('stepTime', () => {
  it('is compute alone for one process', () => {
    const time = stepTime({ flops: 3e12, bytes: 1e9 }, MACHINE, { images: 2, ranks: 1 })
    expect(time).toEqual({ compute: 6, allReduce: 0, total: 6, efficiency: 1 })
  })

  it('adds a forward pass, the bytes and the messages for several, less what is hidden', () => {
    const cost = { flops: 3e12, bytes: 8 * 2 ** 20 }
    const time = stepTime(cost, MACHINE, { images: 2, ranks: 4 })
    expect(time.compute).toBeCloseTo(8)
    // 2 · 3/4 of 8 MiB at 1 GB/s; two buckets of 2 · 2 messages
    expect(time.allReduce).toBeCloseTo((1.5 * 8 * 2 ** 20) / 1e9 + 8e-5)
    expect(time.efficiency).toBeCloseTo(6 / (8 + time.allReduce))
    expect(stepTime(cost, MACHINE, { images: 2, ranks: 4, hidden: 1 }).total).toBeCloseTo(8)
  })
})

/** Training step GFLOPs of an image at 294×224 and parameters, as `dar info NAME` gives them. */
const COSTS = {
  'dar-small': [1871, 435_502_496],
  'dar-base': [6694, 964_259_232],
  'dar-large': [15830, 2_000_560_544],
} as const
const RANKS = [8, 16, 32, 64, 128, 256]
/** Headings of docs/scaling.md and what they state. */
const MACHINES = {
  '20 TFLOP/s, 25 GB/s, 5 µs': { flops: 20e12, bandwidth: 25e9, latency: 5e-6 },
  '20 TFLOP/s, 1.25 GB/s, 30 µs': { flops: 20e12, bandwidth: 1.25e9, latency: 30e-6 },
  '1 TFLOP/s, 12.5 GB/s, 5 µs': { flops: 1e12, bandwidth: 12.5e9, latency: 5e-6 },
}

it('the tables of docs/scaling.md are what the formula gives', () => {
  const page = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8')
  for (const [heading, machine] of Object.entries(MACHINES)) {
    const rows = Object.entries(COSTS).map(([name, [gflops, parameters]]) => {
      const cost = { flops: 1e9 * gflops, bytes: 4 * parameters }
      const times = RANKS.map((ranks) => stepTime(cost, machine, { images: 4, ranks }))
      const shares = times.map(({ efficiency }) => `${(100 * efficiency).toFixed(0)} %`)
      return `| ${name} | ${times[5].compute.toPrecision(3)} | ${times[5].allReduce.toPrecision(3)} | ${shares.join(' | ')} |`
    })
    expect(page).toContain(`### ${heading}`)
    for (const row of rows) expect(page.slice(page.indexOf(`### ${heading}`))).toContain(row)
  }
})
