/**
 * Several processes that train one model together; each is a rank. In an update every rank computes its share of the gradient, that of
 * its own batches. All ranks then add up the shares and apply the same update to the same weights.
 *
 * A run has three points of contact with the other ranks: which batch is its own (`batchNumber`), the sums that the loss is a function of
 * (`poolSums`), and the sum of the gradients before the update (`sumGradient`). The caller's `Collective` carries the values between
 * machines.
 *
 * Left out: agreeing on when to stop. Ranks with different numbers of updates wait for each other without end, so the
 * caller must keep `minutes` and `signal` equal on all ranks.
 */

/** One rank of a run, and its connection to the others. */
export interface Collective {
  /** From 0. */
  readonly rank: number
  readonly ranks: number
  /**
   * Overwrites `values` with their mean over all ranks. Every rank calls this equally often, with arrays of equal length, and gets
   * the same values bit for bit.
   */
  mean(values: Float32Array): Promise<void>
}

/** A run of one process. */
export const ALONE: Collective = { rank: 0, ranks: 1, mean: async () => {} }

/** Which share of the gradient a batch is for: one of the `micros` that `rank` adds up for an update. */
export interface BatchPlace {
  /** Updates of this stream of batches that came before. */
  readonly update: number
  readonly micro?: number
  readonly micros?: number
  readonly rank?: number
  readonly ranks?: number
}

/**
 * The number of a batch in the stream of data:
 *
 *     (update · micros + micro) · ranks + rank
 *
 * Every batch has one place. Batch i holds the samples i·B … (i+1)·B − 1 of the stream, so what all ranks see in one update are the samples
 * of one batch of B·micros·ranks.
 */
export function batchNumber({ update, micro = 0, micros = 1, rank = 0, ranks = 1 }: BatchPlace): number {
  return (update * micros + micro) * ranks + rank
}

/**
 * Between forward and backward pass: from the sums of this rank's images to those of all ranks (model/pool.ts). The same on every rank,
 * bit for bit, and so is the loss that is computed from them.
 */
export async function poolSums(collective: Collective, sums: Float32Array): Promise<Float32Array> {
  if (collective.ranks > 1) await sumOverRanks(collective, sums)
  return sums
}

/**
 * Between gradient and update: overwrites this rank's share of the gradient with the sum of all shares. A run of one process reads and
 * writes nothing.
 */
export async function sumGradient(
  collective: Collective,
  gradient: { read(): Promise<Float32Array>; write(values: Float32Array): Promise<void> },
): Promise<void> {
  if (collective.ranks === 1) return
  const values = await gradient.read()
  await sumOverRanks(collective, values)
  await gradient.write(values)
}

async function sumOverRanks(collective: Collective, values: Float32Array): Promise<void> {
  await collective.mean(values)
  values.forEach((mean, i) => {
    values[i] = mean * collective.ranks
  })
}
