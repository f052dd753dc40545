/**
 * A worker of a fleet: takes one shard after another from the stream and does its photos over the cores of this machine.
 *
 * A shard is taken away from the stream only when its outputs and its results are on the disk. While it is in work the worker says so
 * every few seconds; when it falls silent, another gets the shard, and finds in the shard's manifests what is done. Whatever is done twice
 * is written twice in the same way, so nothing is lost, and each photo has its outputs once.
 *
 *     OUT/shards/ID/manifest.WORKER.jsonl     what each worker did for the shard, photo by photo
 *     OUT/results/ID.jsonl (or .parquet)      all entries of the shard, once it is done
 */
import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Consumer, JsMsg } from '@nats-io/jetstream'
import { modelHash } from '../../node/model-path.ts'
import { checkWritable } from '../../node/outputs.ts'
import { assert, DarError, messageOf } from '../../support/errors.ts'
import { makeFolder } from '../../support/folders.ts'
import { checkKinds } from '../batch-options.ts'
import { localModel } from '../local-model.ts'
import { type ManifestEntry, ManifestWriter, manifestPath, readManifests } from '../manifest.ts'
import { type BatchPlace, doPhoto, isDone } from '../photo-work.ts'
import { ModelPool, type PoolOptions } from '../pool.ts'
import { type FleetConnection, persistently } from './connection.ts'
import { type ShardMessage, type ShardRecord, shardMessage } from './messages.ts'
import { resultsPath, writeResults } from './results.ts'
import { type KnownRecord, lastRecord, openWorkers, writeRecord } from './streams.ts'

export interface WorkOptions extends Pick<PoolOptions, 'workers' | 'thread'> {
  /** Where photos and outputs lie on this machine, instead of where they lay where they were submitted. */
  readonly root?: string
  readonly out?: string
  /** Return when no shard waits or is in work; else wait for more. */
  readonly untilDone?: boolean
  /** When it is aborted, photos at hand are finished and the shard is given back. */
  readonly signal?: AbortSignal
  /** Called for every photo. */
  readonly onEntry?: (entry: ManifestEntry) => void
  /** Called when a shard begins, is done, given back, or put with the dead. */
  readonly onShard?: (event: ShardRecord) => void
}

/** How long a worker waits for a shard before it asks again, in milliseconds. */
const ASK_MS = 5_000
/** A shard of which no photo was done for so long is left to others: the worker hangs. */
const HUNG_MS = 15 * 60_000
/** After an orderly return or a failed try, the shard waits this long for its next worker. */
const RETURN_MS = 1_000

/** Works until the signal, or with `untilDone` until nothing is left. Throws a DarError when this machine cannot go on. */
export async function work(connection: FleetConnection, options: WorkOptions = {}): Promise<void> {
  const { signal, untilDone = false } = options
  const consumer = await persistently(connection, () => openWorkers(connection))
  const { config } = await persistently(connection, () => consumer.info())
  const lease = (config.ack_wait ?? 30e9) / 1e6
  await using bench = new Bench(options)
  const worker = `${hostname()}-${process.pid}-${randomUUID().slice(0, 4)}`
  const stopped = new Promise<null>((resolve) => signal?.addEventListener('abort', () => resolve(null), { once: true }))
  while (!signal?.aborted) {
    if (untilDone && (await isEmpty(connection, consumer))) return
    const asking = persistently(connection, () => consumer.next({ expires: ASK_MS }))
    const message = await Promise.race([asking, stopped])
    // A message that comes after the signal is for others.
    if (signal?.aborted) void asking.then((late) => late?.nak()).catch(() => {})
    else if (message) await new Turn(connection, message, bench, { ...options, worker, lease }).take()
  }
}

async function isEmpty(connection: FleetConnection, consumer: Consumer): Promise<boolean> {
  const { num_pending, num_ack_pending } = await persistently(connection, () => consumer.info())
  return num_pending === 0 && num_ack_pending === 0
}

/** The pool of a worker: of the model that the last shard asked for. */
class Bench {
  private open: { readonly model: string; readonly hash: string; readonly pool: ModelPool } | null = null

  constructor(private readonly options: Pick<WorkOptions, 'workers' | 'thread'>) {}

  /** Throws a DarError when this machine has another model of that name, or none. */
  async poolFor({ model, modelHash: wanted }: ShardMessage): Promise<ModelPool> {
    if (this.open?.model === model && this.open.hash === wanted) return this.open.pool
    await this.close()
    const path = await localModel(model)
    const hash = await modelHash(path)
    if (hash !== wanted)
      throw new DarError(
        `the model ${model} of this machine is another than the one that was submitted (SHA-256 ${hash.slice(0, 12)}…, not ${wanted.slice(0, 12)}…); install the same`,
        { kind: 'model' },
      )
    const pool = await ModelPool.open(path, this.options)
    this.open = { model, hash, pool }
    return pool
  }

  private async close(): Promise<void> {
    const { open } = this
    this.open = null
    await open?.pool.dispose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

interface TurnOptions extends WorkOptions {
  readonly worker: string
  /** Milliseconds. */
  readonly lease: number
}

/** One shard in the hands of one worker. */
class Turn {
  private readonly shard: string
  private readonly begin = performance.now()
  private moved = performance.now()
  private worked = 0

  constructor(
    private readonly connection: FleetConnection,
    private readonly message: JsMsg,
    private readonly bench: Bench,
    private readonly options: TurnOptions,
  ) {
    this.shard = message.subject.split('.').at(-1)!
  }

  async take(): Promise<void> {
    const beat = setInterval(() => {
      if (performance.now() - this.moved < HUNG_MS) this.message.working()
    }, this.options.lease / 3)
    try {
      await this.takeWhileBeating()
    } finally {
      clearInterval(beat)
    }
  }

  private async takeWhileBeating(): Promise<void> {
    const { connection, message, options } = this
    const known = await persistently(connection, () => lastRecord(connection, this.shard))
    if (known.record?.state === 'done') return this.remove() // done by a worker whose last word here was lost
    let work: ShardMessage
    try {
      work = shardMessage(message.string())
    } catch (error) {
      return this.bury(known, { images: 0, reason: messageOf(error) })
    }
    const images = work.photos.length
    const returns = known.record?.returns ?? 0
    const tries = message.info.deliveryCount - returns
    if (tries > work.tries)
      return this.bury(known, {
        images,
        reason: known.record?.reason ?? 'its worker ended without a word',
        tries: tries - 1,
      })
    const about = { shard: this.shard, images, worker: options.worker, returns, tries } as const
    const mine = await this.say({ ...about, state: 'working' }, { after: known.sequence })
    if (mine === null) return this.giveUp() // another worker is faster
    let entries: ManifestEntry[] | null
    try {
      entries = await this.photos(work)
    } catch (error) {
      const reason = messageOf(error)
      // A mistake of this machine costs no try; anything else is one.
      const counted = error instanceof DarError ? returns + 1 : returns
      await this.say({ ...about, state: 'waiting', returns: counted, reason }, { after: mine })
      this.giveUp()
      throw error
    }
    if (entries === null) {
      await this.say(
        { ...about, state: 'waiting', returns: returns + 1, reason: 'its worker was stopped' },
        { after: mine },
      )
      return this.giveUp()
    }
    const passing = entries.find((entry) => entry.passing)
    if (passing && tries < work.tries) {
      await this.say({ ...about, state: 'waiting', reason: passing.error }, { after: mine })
      return this.giveUp()
    }
    const failed = entries.filter(({ status }) => status === 'failed').length
    const seconds = (performance.now() - this.begin) / 1000
    await this.say({ ...about, state: 'done', failed, worked: this.worked, seconds })
    await this.remove()
  }

  /** Does what is left of the shard, and writes its results; null when it was stopped before the end. */
  private async photos(work: ShardMessage): Promise<ManifestEntry[] | null> {
    const { root = work.root, out = work.out, signal, onEntry, worker } = this.options
    if (!(await stat(root).catch(() => null))?.isDirectory())
      throw new DarError(`the folder ${root} of the photos is not on this machine; mount it, or give another --root`, {
        kind: 'missing',
      })
    await checkWritable(out)
    const pool = await this.bench.poolFor(work)
    const stems = new Map(work.photos)
    const stem = (path: string) => stems.get(path) ?? path
    checkKinds(work.options, pool)
    const { options, modelHash: hash } = work
    const place: BatchPlace = { root, out, model: hash, unit: pool.unit, decode: pool.decode, options, stem }
    const folder = join(out, 'shards', this.shard)
    await makeFolder(folder)
    const known = await readManifests(folder, (path) => stems.has(path))
    const todo: string[] = []
    for (const path of stems.keys()) if (!(await isDone(known.get(path), place))) todo.push(path)
    const writer = await ManifestWriter.open(manifestPath(folder, worker))
    try {
      const run = pool.run(
        todo,
        async (path, model) => {
          const entry = await doPhoto(path, model, place)
          await writer.append(entry)
          return entry
        },
        { signal },
      )
      for await (const entry of run) {
        known.set(entry.path, entry)
        this.worked++
        this.moved = performance.now()
        onEntry?.(entry)
      }
    } finally {
      await writer.close()
    }
    if (this.worked < todo.length) return null
    const entries = work.photos.map(([path]) => {
      const entry = known.get(path)
      assert(entry, 'a shard without the entry of a photo')
      return entry
    })
    await writeResults(resultsPath(out, this.shard, work.results), entries, work.results)
    return entries
  }

  /** Writes a word on the shard; `after`: unless somebody else has. At a signal the server is not waited for. */
  private async say(
    record: Omit<ShardRecord, 'at'>,
    { after }: { readonly after?: number } = {},
  ): Promise<number | null> {
    const whole = { ...record, at: new Date().toISOString() }
    const most = this.options.signal?.aborted ? 5_000 : undefined
    const sequence = await persistently(this.connection, () => writeRecord(this.connection, whole, { after }), { most })
    if (sequence !== null) this.options.onShard?.(whole)
    return sequence
  }

  /** For another worker, or a later try. */
  private giveUp(): void {
    this.message.nak(RETURN_MS)
  }

  private async bury(
    { sequence }: KnownRecord,
    { images, reason, tries }: { readonly images: number; readonly reason: string; readonly tries?: number },
  ): Promise<void> {
    const record = { shard: this.shard, state: 'dead', images, reason, ...(tries !== undefined && { tries }) } as const
    if ((await this.say(record, { after: sequence })) === null) return this.giveUp()
    this.message.term()
  }

  /** Takes the shard out of the stream. Where the answer is lost, the shard comes again and is found to be done. */
  private async remove(): Promise<void> {
    for (let attempt = 0; attempt < 3; attempt++)
      if (await this.message.ackAck({ timeout: this.connection.patience }).catch(() => false)) return
  }
}
