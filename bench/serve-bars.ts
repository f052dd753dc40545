/** What the server promises, each as a row that says whether it is kept. */
import type { Row } from './report.ts'

/** Milliseconds, ratios and counts. */
const BARS = {
  loop: { most: 20, unit: 'ms' },
  overLimit: { most: 10, unit: 'ms' },
  health: { most: 50, unit: 'ms' },
  memory: { most: 2, unit: 'times' },
  lost: { most: 0, unit: 'requests' },
} as const

export function bar(name: string, value: number, kind: keyof typeof BARS): Row[] {
  const { most, unit } = BARS[kind]
  return [{ name, value, unit, most }]
}
