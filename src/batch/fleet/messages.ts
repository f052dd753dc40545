/** What a fleet's messages hold: a shard of work, and the last word on it. Both are checked when they are read: they come from a network. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { DarError } from '../../support/errors.ts'
import { BATCH_KINDS } from '../batch-options.ts'

const shardSchema = z.object({
  version: z.literal(1),
  /** What paths of photos are relative to, on every worker. */
  root: z.string(),
  /** The folder of the outputs, on every worker. */
  out: z.string(),
  /** A shipped model's name, or a file, and the SHA-256 of the file. */
  model: z.string(),
  modelHash: z.string(),
  options: z.object({ kinds: z.array(z.enum(BATCH_KINDS)).readonly(), focal: z.number().positive().optional() }),
  results: z.enum(['jsonl', 'parquet']),
  /** Deliveries after which it is dead. */
  tries: z.int().positive(),
  /** Each photo's path, and where its outputs lie without their endings. */
  photos: z.array(z.tuple([z.string(), z.string()])).min(1),
})

/** The work of one message. */
export type ShardMessage = z.infer<typeof shardSchema>

const recordSchema = z.object({
  shard: z.string(),
  state: z.enum(['waiting', 'working', 'done', 'dead']),
  /** Photos in it. */
  images: z.int(),
  /** When this was written, ISO 8601. */
  at: z.string(),
  /** The worker that has or had it. */
  worker: z.string().optional(),
  /** Photos that this worker did for it, how many of the shard failed, and seconds it took. */
  worked: z.int().optional(),
  failed: z.int().optional(),
  seconds: z.number().optional(),
  /** How often it was given back in order, which is no failed try. */
  returns: z.int().optional(),
  tries: z.int().optional(),
  /** Why it is dead, or was given back. */
  reason: z.string().optional(),
})

/** The last word on a shard. */
export type ShardRecord = z.infer<typeof recordSchema>

/** Reads the message of a shard. Throws a DarError when it is none. */
export function shardMessage(text: string): ShardMessage {
  const parsed = shardSchema.safeParse(json(text))
  if (parsed.success) return parsed.data
  const [{ path, message }] = parsed.error.issues
  throw new DarError(
    `a message of the fleet is no shard (${path.join('.')}: ${message}); was it sent by another version of dar?`,
  )
}

/** Reads a record; null when it is none. */
export function shardRecord(text: string): ShardRecord | null {
  const parsed = recordSchema.safeParse(json(text))
  return parsed.success ? parsed.data : null
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Sixteen hexadecimal digits for a shard: the same work has the same name, however often it is submitted. */
export function shardId(message: ShardMessage): string {
  return createHash('sha256').update(JSON.stringify(message)).digest('hex').slice(0, 16)
}
