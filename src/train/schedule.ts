/** Learning rate over a run (algorithm section 9): linear warm-up, then linear decay. */
import { z } from 'zod'

export const scheduleSchema = z.strictObject({
  /** Peak learning rate. */
  rate: z.number().positive(),
  /** Rate of the first update. */
  initialRate: z.number().min(0),
  /** Rate of the last update. */
  finalRate: z.number().min(0),
  /** Updates until the peak; 0: start at the peak. */
  warmup: z.int().min(0),
})
/** Of the learning rate. */
export type Schedule = Readonly<z.infer<typeof scheduleSchema>>

/**
 * The rate of update `step` (from 0) of `total`, piecewise linear through (0, initialRate), (warmup, rate) and
 * (total − 1, finalRate). A warm-up as long as the run never reaches the peak.
 */
export function rateAt(step: number, total: number, { rate, initialRate, finalRate, warmup }: Schedule): number {
  if (step < warmup) return initialRate + ((rate - initialRate) * step) / warmup
  const rest = Math.max(1, total - 1 - warmup)
  return rate + (finalRate - rate) * Math.min(1, (step - warmup) / rest)
}
