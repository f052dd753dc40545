/** What the server promises: each figure with the most that it may be. */
import type { Row } from './report.ts'

const BARS = {
  loop: { most: 20, unit: 'ms' },
  overLimit: { most: 10, unit: 'ms' },
  health: { most: 50, unit: 'ms' },
  memory: { most: 2, unit: 'times' },
  lost: { most: 0, unit: 'requests' },
} as const

/** Of the peak, at three times the load. */
export const GOODPUT = 0.9

export const bar = (name: string, value: number, kind: keyof typeof BARS): Row => ({ name, value, ...BARS[kind] })
