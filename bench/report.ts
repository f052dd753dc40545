/** Benchmark rows: printed as a table, kept as JSON. */
import { cpus } from 'node:os'

export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The expected minimum, for ratios. */
  readonly target?: number
  /** The most that is allowed. */
  readonly most?: number
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export function machine(): string {
  return `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ${process.platform}`
}

export function printRows(title: string, rows: readonly Row[]): void {
  console.log(`${title} (${machine()})`)
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, value, unit, target, most } of rows) {
    const verdicts = [
      target === undefined ? '' : `  (at least ${target}: ${value >= target ? 'yes' : 'NO'})`,
      most === undefined ? '' : `  (at most ${most}: ${value <= most ? 'yes' : 'NO'})`,
    ]
    const verdict = verdicts.join('')
    console.log(`  ${name.padEnd(width)}  ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit}${verdict}`)
  }
}
