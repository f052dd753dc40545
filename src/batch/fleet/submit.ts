/** Divides a list into shards and puts them into a fleet's stream. */
import { resolve } from 'node:path'
import { modelHash } from '../../node/model-path.ts'
import { DarError } from '../../support/errors.ts'
import type { BatchOptions } from '../batch-options.ts'
import { localModel } from '../local-model.ts'
import { outputStems, type PhotoList } from '../photo-list.ts'
import { type FleetConnection, persistently } from './connection.ts'
import { type ShardMessage, shardId } from './messages.ts'
import { lastRecord, makeStreams, publishShard, writeRecord } from './streams.ts'

/**
 * Photos in a shard. A worker that is killed loses no photo that is done, but the rest of its shard waits for the lease to run out; with two
 * cores 256 photos are about a minute's work.
 */
export const SHARD_SIZE = 256

/** Milliseconds after which a worker that is silent loses its shard; workers speak three times as often. */
export const LEASE = 30_000

export interface Submission {
  readonly photos: PhotoList
  readonly out: string
  readonly model: string
  readonly options: BatchOptions
  readonly results?: ShardMessage['results']
  readonly shardSize?: number
  readonly tries?: number
  readonly lease?: number
  /** Called with how many shards are in the stream. */
  readonly onProgress?: (shards: number) => void
}

export interface Submitted {
  readonly shards: number
  /** Shards that waited or were in work already. */
  readonly known: number
  readonly images: number
}

/** Shards sent at once. */
const AT_ONCE = 16

/** Sends every shard; the same work that waits already is not sent twice. A submission that broke off may be repeated. */
export async function submit(connection: FleetConnection, submission: Submission): Promise<Submitted> {
  const { lease = LEASE, onProgress } = submission
  await persistently(connection, () => makeStreams(connection, { lease }))
  let [shards, known, images] = [0, 0, 0]
  const waiting: Promise<void>[] = []
  const send = async (message: ShardMessage) => {
    const shard = shardId(message)
    const count = message.photos.length
    await persistently(connection, async () => {
      const { record, sequence } = await lastRecord(connection, shard)
      // One that is on its way keeps its word: a worker may be at it, and how often it came back counts.
      if (record?.state === 'waiting' || record?.state === 'working') return
      const fresh = { shard, state: 'waiting', images: count, at: new Date().toISOString() } as const
      await writeRecord(connection, fresh, { after: sequence })
    })
    if (!(await persistently(connection, () => publishShard(connection, shard, JSON.stringify(message))))) known++
    images += count
    shards++
    onProgress?.(shards)
  }
  for await (const message of shardsOf(submission, connection.mostBytes)) {
    waiting.push(send(message))
    if (waiting.length >= AT_ONCE) await Promise.all(waiting.splice(0))
  }
  await Promise.all(waiting)
  return { shards, known, images }
}

/** Of at most so many photos, and small enough for a message. */
async function* shardsOf(
  { photos: { root, paths }, out, model, options, results = 'jsonl', shardSize = SHARD_SIZE, tries = 5 }: Submission,
  mostBytes: number,
): AsyncGenerator<ShardMessage> {
  const about = {
    version: 1,
    root: resolve(root),
    out: resolve(out),
    model,
    modelHash: await modelHash(await localModel(model)),
    options,
    results,
    tries,
  } as const
  const stem = outputStems(paths)
  const room = mostBytes - 1024 - Buffer.byteLength(JSON.stringify({ ...about, photos: [] }))
  let photos: [string, string][] = []
  let bytes = 0
  for (const path of paths) {
    const photo: [string, string] = [path, stem(path)]
    const size = Buffer.byteLength(JSON.stringify(photo)) + 1
    if (size > room)
      throw new DarError(
        `the path ${path} does not fit into a message of ${mostBytes} bytes; raise max_payload of the server`,
      )
    if (photos.length === shardSize || bytes + size > room) {
      yield { ...about, photos }
      photos = []
      bytes = 0
    }
    photos.push(photo)
    bytes += size
  }
  if (photos.length > 0) yield { ...about, photos }
}
