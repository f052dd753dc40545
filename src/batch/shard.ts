/**
 * One of n equal parts of a list, for as many processes on as many machines, which need not talk to each other. A photo belongs to the
 * shard that the hash of its path says:
 *
 *     shard(path) = first 48 bits of SHA-256(path)  mod  n
 *
 * So a list may grow or be in another order, and every photo stays where it was. Shards of m photos each differ by about √m.
 */
import { createHash } from 'node:crypto'
import { DarError } from '../support/errors.ts'

/** Number `index` of `count`; the first is 0, as in Kubernetes. */
export interface Shard {
  readonly index: number
  readonly count: number
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads `0/8`, `auto/8` or `auto`. `auto` is the number of this task in a Kubernetes Indexed Job (JOB_COMPLETION_INDEX) or a Slurm array
 * (SLURM_ARRAY_TASK_ID), which also knows how many there are.
 */
export function parseShard(text: string, environment: Environment = process.env): Shard {
  const [, first, second] = /^(\d+|auto)(?:\/(\d+))?$/.exec(text) ?? []
  if (first === undefined || (first !== 'auto' && second === undefined))
    throw new DarError(`--shard ${text}: give i/n, such as 0/8 to 7/8, or auto, or auto/8`)
  const task = first === 'auto' ? taskOf(environment) : { index: Number(first), count: null }
  const count = second === undefined ? task.count : Number(second)
  if (count === null)
    throw new DarError(
      `--shard ${text}: Kubernetes does not say how many tasks there are; give --shard auto/N with the completions of the job`,
    )
  if (!(count >= 1 && task.index < count))
    throw new DarError(`--shard ${text}: shard ${task.index} of ${count} is none; the shards are 0 to n - 1`)
  return { index: task.index, count }
}

function taskOf(environment: Environment): { readonly index: number; readonly count: number | null } {
  const number = (name: string): number | null => {
    const text = environment[name]
    if (text === undefined || text === '') return null
    if (!/^\d+$/.test(text)) throw new DarError(`${name} is '${text}', which is no number; give --shard i/n`)
    return Number(text)
  }
  const completion = number('JOB_COMPLETION_INDEX')
  if (completion !== null) return { index: completion, count: null }
  const id = number('SLURM_ARRAY_TASK_ID')
  if (id === null)
    throw new DarError(
      '--shard auto: neither JOB_COMPLETION_INDEX (Kubernetes) nor SLURM_ARRAY_TASK_ID (Slurm) is set; give --shard i/n',
    )
  // sbatch --array=10-40:10 has the tasks 10, 20, 30 and 40.
  const [least, step] = [number('SLURM_ARRAY_TASK_MIN') ?? 0, number('SLURM_ARRAY_TASK_STEP') ?? 1]
  return { index: Math.floor((id - least) / step), count: number('SLURM_ARRAY_TASK_COUNT') }
}

/** Whether a photo belongs to the shard. */
export function isInShard(path: string, { index, count }: Shard): boolean {
  return createHash('sha256').update(path).digest().readUIntBE(0, 6) % count === index
}

/** `2-of-8`, for names of files. */
export const shardLabel = ({ index, count }: Shard): string => `${index}-of-${count}`
