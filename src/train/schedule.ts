/** Learning rate over a run (algorithm section 9): linear warm-up, then linear decay. */

export interface Schedule {
  /** Peak learning rate. */
  readonly rate: number
  /** Rate of the first update. */
  readonly initialRate: number
  /** Rate of the last update. */
  readonly finalRate: number
  /** Updates until the peak; 0: start at the peak. */
  readonly warmup: number
}

/**
 * The rate of update `step` (from 0) of `total`, piecewise linear through (0, initialRate), (warmup, rate) and
 * (total − 1, finalRate). A warm-up as long as the run never reaches the peak.
 */
export function rateAt(step: number, total: number, { rate, initialRate, finalRate, warmup }: Schedule): number {
  if (step < warmup) return initialRate + ((rate - initialRate) * step) / warmup
  const rest = Math.max(1, total - 1 - warmup)
  return rate + (finalRate - rate) * Math.min(1, (step - warmup) / rest)
}
