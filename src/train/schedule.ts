/**
 * Learning rate over a run (algorithm section 9): linear warm-up, then linear decay, or half a cosine (Loshchilov & Hutter, 2017,
 * without restarts).
 *
 *     warm-up    η = η₀ + (η₁ − η₀)·t/w                                  t = 0 … w − 1
 *     after it   η = η₁ + (η₂ − η₁)·f      f = u, or ½ − ½ cos πu        u = (t − w)/(T − 1 − w)
 *
 * with η₀ = initialRate, η₁ = rate, η₂ = finalRate, w = warmup and T the updates of the run.
 */
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
  /** Shape of the way down; default `linear`, the paper's. A `cosine` stays longer near both ends. */
  decay: z.enum(['linear', 'cosine']).optional(),
})
/** Of the learning rate. */
export type Schedule = Readonly<z.infer<typeof scheduleSchema>>

/**
 * The rate of update `step` (from 0) of `total`, through (0, initialRate), (warmup, rate) and (total − 1, finalRate). A warm-up as long
 * as the run never reaches the peak.
 */
export function rateAt(
  step: number,
  total: number,
  { rate, initialRate, finalRate, warmup, decay = 'linear' }: Schedule,
): number {
  if (step < warmup) return initialRate + ((rate - initialRate) * step) / warmup
  const rest = Math.max(1, total - 1 - warmup)
  const u = Math.min(1, (step - warmup) / rest)
  return rate + (finalRate - rate) * (decay === 'cosine' ? 0.5 - 0.5 * Math.cos(Math.PI * u) : u)
}
