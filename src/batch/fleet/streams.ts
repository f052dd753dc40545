/**
 * What a fleet keeps on the server, with NAME the fleet's:
 *
 *     stream NAME        dar.NAME.shard.ID   a message for each shard that is not done; who has done it takes it away
 *     consumer workers   of NAME             hands a shard to one worker, and to another when that one falls silent
 *     stream NAME-log    dar.NAME.log.ID     the last word on each shard: waiting, in work, done or dead
 *
 * Both streams lie in files, so that a server may restart. Features of nats-server 2.9 suffice.
 */
import type { Consumer } from '@nats-io/jetstream'
import { DarError } from '../../support/errors.ts'
import type { FleetConnection } from './connection.ts'
import { type ShardRecord, shardRecord } from './messages.ts'

const WORKERS = 'workers'
const NANOSECONDS = 1_000_000

export const shardSubject = (fleet: string, shard: string) => `dar.${fleet}.shard.${shard}`
const recordSubject = (fleet: string, shard: string) => `dar.${fleet}.log.${shard}`
const logOf = (fleet: string) => `${fleet}-log`

/** Codes of JetStream. */
const CODE = { streamNotFound: 10059, consumerNotFound: 10014, wrongSequence: 10071, subjectFull: 10077 } as const
const codeOf = (error: unknown): number | undefined => (error as { readonly code?: number } | null)?.code

/** Makes both streams and the consumer where they are not there. `lease`: milliseconds after which a silent worker loses its shard. */
export async function makeStreams(
  { manager, name }: FleetConnection,
  { lease }: { readonly lease: number },
): Promise<void> {
  const { streams, consumers } = manager
  const file = { storage: 'file' } as const
  await orExists(() =>
    streams.add({
      name,
      subjects: [shardSubject(name, '*')],
      retention: 'workqueue',
      ...file,
      // A shard that waits or is in work already is refused.
      max_msgs_per_subject: 1,
      discard: 'new',
      discard_new_per_subject: true,
    }),
  )
  await orExists(() =>
    streams.add({ name: logOf(name), subjects: [recordSubject(name, '*')], ...file, max_msgs_per_subject: 1 }),
  )
  const config = { ack_wait: lease * NANOSECONDS, max_ack_pending: 10_000 }
  const known = await consumers.info(name, WORKERS).catch((error: unknown) => {
    if (codeOf(error) === CODE.consumerNotFound) return null
    throw error
  })
  if (known) await consumers.update(name, WORKERS, config)
  // Deliveries are not limited here: who gets a shard too often puts it with the dead, so that there is a word on it.
  else await consumers.add(name, { durable_name: WORKERS, ack_policy: 'explicit', max_deliver: -1, ...config })
}

async function orExists(make: () => Promise<unknown>): Promise<void> {
  try {
    await make()
  } catch (error) {
    // "stream name already in use": made by somebody else, perhaps with other limits, which are theirs.
    if (codeOf(error) !== 10058) throw error
  }
}

/** The consumer of a fleet. Throws a DarError when there is no such fleet. */
export async function openWorkers(connection: FleetConnection): Promise<Consumer> {
  const { stream, name } = connection
  return namingAbsent(connection, () => stream.consumers.get(name, WORKERS))
}

/** Says which fleet is not there. */
export async function namingAbsent<Result>(
  { address, name }: FleetConnection,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (codeOf(error) === CODE.streamNotFound || codeOf(error) === CODE.consumerNotFound)
      throw new DarError(`there is no fleet '${name}' at ${address}; make it with dar batch submit`, {
        kind: 'missing',
      })
    throw error
  }
}

/** Puts a shard into the stream; false when it waits or is in work already. */
export async function publishShard(
  { stream, name }: FleetConnection,
  shard: string,
  message: string,
): Promise<boolean> {
  try {
    await stream.publish(shardSubject(name, shard), message)
    return true
  } catch (error) {
    if (codeOf(error) === CODE.subjectFull) return false
    throw error
  }
}

/** The last word on a shard, and its number in the log (0 where there is none). */
export interface KnownRecord {
  readonly record: ShardRecord | null
  readonly sequence: number
}

export async function lastRecord({ manager, name }: FleetConnection, shard: string): Promise<KnownRecord> {
  const message = await manager.streams.getMessage(logOf(name), { last_by_subj: recordSubject(name, shard) })
  return message ? { record: shardRecord(message.string()), sequence: message.seq } : { record: null, sequence: 0 }
}

/**
 * Writes the last word on a shard. With `after`, only if the word before is still that one: returns its number, or null when somebody else
 * has written since.
 */
export async function writeRecord(
  { stream, name }: FleetConnection,
  record: ShardRecord,
  { after }: { readonly after?: number } = {},
): Promise<number | null> {
  const expect = after === undefined ? undefined : { lastSubjectSequence: after }
  try {
    return (await stream.publish(recordSubject(name, record.shard), JSON.stringify(record), { expect })).seq
  } catch (error) {
    if (codeOf(error) === CODE.wrongSequence) return null
    throw error
  }
}

/** The last words on all shards. */
export async function allRecords({ stream, name }: FleetConnection): Promise<ShardRecord[]> {
  const consumer = await stream.consumers.get(logOf(name), {})
  const records: ShardRecord[] = []
  const pending = async () => (await consumer.info()).num_pending
  let left = await pending()
  while (left > 0) {
    let got = 0
    for await (const message of await consumer.fetch({ max_messages: Math.min(left, 500), expires: 2_000 })) {
      const record = shardRecord(message.string())
      if (record) records.push(record)
      left = message.info.pending
      got++
    }
    // Words that were counted may be gone: a purged stream, a limit of its age or size.
    if (got === 0) left = await pending()
  }
  // A shard whose word changed meanwhile comes twice: the last counts.
  return [...new Map(records.map((record) => [record.shard, record])).values()]
}
