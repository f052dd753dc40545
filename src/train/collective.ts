/**
 * Several processes that train one model together; each is a rank. In an update every rank computes its share of the gradient, that of
 * its part of the batch. All ranks then add up the shares and apply the same update to the same weights.
 *
 * A run has these points of contact with the other ranks: what it begins with (beginning.ts), which batch is its own (`batchNumber`), the sums
 * that the loss is a function of (`poolSums`), the sum of the gradients before the update (`sumGradient`), and the decisions that all must take
 * alike (`agree`, `takeFromFirst`). The `Collective` carries the values between machines: over MPI it is the room `mpi`'s Communicator.
 *
 * Rank 0 alone writes: checkpoints, models, the log.
 */
import type { ResidentBuffer } from '../runtime/engine.ts'
import { DarError } from '../support/errors.ts'
import type { CommunicationTime } from './run-log.ts'

/** One rank of a run, and its connection to the others. */
export interface Collective {
  /** From 0. */
  readonly rank: number
  readonly ranks: number
  /** Seconds so far that went into waiting for other ranks, and into moving values. */
  readonly time: CommunicationTime
  /**
   * Overwrites `values` with their sum over all ranks. Every rank calls this equally often, one call after the other, with arrays of equal
   * length, and gets the same values bit for bit. Rejects with a DarError of the kind `gone` when another rank has failed or ended.
   */
  sum(values: Float32Array | Float64Array): Promise<void>
  /** Overwrites `values` with those of rank 0, in the same manner. */
  broadcast(values: Float32Array | Float64Array): Promise<void>
}

/** A run of one process. */
export const ALONE: Collective = {
  rank: 0,
  ranks: 1,
  time: { waiting: 0, moving: 0 },
  sum: async () => {},
  broadcast: async () => {},
}

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
export async function poolSums<Sums extends Float32Array | Float64Array>(
  collective: Collective,
  sums: Sums,
): Promise<Sums> {
  if (collective.ranks > 1) await collective.sum(sums)
  return sums
}

/** Values of a bucket of the gradient: 4 MiB. */
const BUCKET = 2 ** 20

/** A stretch of the gradient that is summed at once. */
export interface Bucket {
  readonly offset: number
  readonly length: number
}

interface SumOptions {
  /** Most values of a bucket. */
  readonly bucket?: number
  /** Buckets that are summed, the same on all ranks; default: all. */
  readonly which?: (bucket: Bucket) => boolean
  /** Buckets that the engine's thread is asked for beside the one that is summed, and that it has not yet taken back; default 1. */
  readonly ahead?: number
}

/**
 * Between gradient and update: overwrites this rank's share of the gradient with the sum of all shares. It goes in buckets: while one
 * is summed, the engine's thread hands out the next and takes back the one before. A run of one process reads and writes nothing.
 * A bucket's sum does not depend on which others are summed, or when.
 */
export async function sumGradient(
  collective: Collective,
  gradient: Pick<ResidentBuffer, 'length' | 'read' | 'writePart'>,
  { bucket = BUCKET, which = () => true, ahead = 1 }: SumOptions = {},
): Promise<void> {
  if (collective.ranks === 1) return
  const buckets = bucketsOf(gradient.length, bucket).filter(which)
  const reads: Promise<Float32Array>[] = []
  const readUntil = (end: number) => {
    while (reads.length < Math.min(end, buckets.length)) {
      const { offset, length } = buckets[reads.length]
      const read = gradient.read(offset, length)
      read.catch(() => {}) // awaited below, in its turn
      reads.push(read)
    }
  }
  const writes: Promise<void>[] = []
  try {
    for (const [i, { offset }] of buckets.entries()) {
      readUntil(i + 1 + ahead)
      const values = await reads[i]
      await collective.sum(values)
      await writes[i - ahead]
      const write = gradient.writePart(offset, values)
      write.catch(() => {})
      writes.push(write)
    }
  } finally {
    await Promise.allSettled([...reads, ...writes])
  }
  await Promise.all(writes)
}

/**
 * Values that `sumGradient` holds at most beside the gradient: a bucket that is read, one that is summed with the library's copy, and one that is
 * taken back. `early`: those that are summed while the engine computes others, which are asked for all at once; null: there are none.
 */
export function heldOfSums(total: number, early: SumOptions['which'] | null = null): number {
  const atOnce = early ? bucketsOf(total, BUCKET).filter(early) : []
  return atOnce.reduce((sum, { length }) => sum + length, 0) + 4 * Math.min(total, BUCKET)
}

function bucketsOf(total: number, most: number): Bucket[] {
  return Array.from({ length: Math.ceil(total / most) }, (_, i) => ({
    offset: i * most,
    length: Math.min(most, total - i * most),
  }))
}

/** For each flag, whether any rank has it. */
export async function agree(collective: Collective, flags: readonly boolean[]): Promise<boolean[]> {
  if (collective.ranks === 1) return [...flags]
  const counts = Float64Array.from(flags, Number)
  await collective.sum(counts)
  return Array.from(counts, (count) => count > 0)
}

/** These figures as rank 0 has them: unlike processors may differ in the last bit, and decide differently. */
export async function takeFromFirst(collective: Collective, figures: readonly number[]): Promise<number[]> {
  if (collective.ranks === 1) return [...figures]
  const values = Float64Array.from(figures)
  await collective.broadcast(values)
  return [...values]
}

/** Throws a DarError, on every rank, that names the ranks whose number is not rank 0's. */
export async function refuseUnlike(collective: Collective, number: number, what: string): Promise<void> {
  const { rank, ranks } = collective
  if (ranks === 1) return
  const numbers = new Float64Array(ranks)
  numbers[rank] = number
  await collective.sum(numbers)
  const unlike = [...numbers.keys()].filter((one) => numbers[one] !== numbers[0])
  if (unlike.length > 0)
    throw new DarError(`rank ${unlike.slice(0, 8).join(', ')} has ${what} than rank 0; give all processes the same`)
}
