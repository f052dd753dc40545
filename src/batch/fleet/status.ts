/** What a fleet has done and has left, from the last words on its shards. */
import { type FleetConnection, persistently } from './connection.ts'
import type { ShardRecord } from './messages.ts'
import { allRecords, namingAbsent, openWorkers } from './streams.ts'

export interface FleetStatus {
  readonly shards: Readonly<Record<ShardRecord['state'], number>>
  readonly images: { readonly total: number; readonly done: number; readonly failed: number }
  /** Photos a second over shards that were finished in the last ten minutes of work; null before the first. */
  readonly rate: number | null
  readonly dead: readonly Pick<ShardRecord, 'shard' | 'images' | 'reason' | 'tries'>[]
  /** Workers that have a shard now. */
  readonly workers: readonly string[]
}

/** Throws a DarError when there is no such fleet. */
export async function fleetStatus(connection: FleetConnection): Promise<FleetStatus> {
  await openWorkers(connection)
  return statusOf(await persistently(connection, () => namingAbsent(connection, () => allRecords(connection))))
}

const RECENT_MS = 10 * 60_000

/** The figures behind a fleet's records. */
export function statusOf(records: readonly ShardRecord[]): FleetStatus {
  const shards = { waiting: 0, working: 0, done: 0, dead: 0 }
  for (const { state } of records) shards[state]++
  const of = (state: ShardRecord['state']) => records.filter((record) => record.state === state)
  const done = of('done')
  const sum = (list: readonly ShardRecord[], value: (record: ShardRecord) => number | undefined) =>
    list.reduce((total, record) => total + (value(record) ?? 0), 0)
  return {
    shards,
    images: {
      total: sum(records, ({ images }) => images),
      done: sum(done, ({ images }) => images),
      failed: sum(done, ({ failed }) => failed),
    },
    rate: rateOf(done),
    dead: of('dead').map(({ shard, images, reason, tries }) => ({ shard, images, reason, tries })),
    workers: [...new Set(of('working').flatMap(({ worker }) => worker ?? []))].sort(),
  }
}

/** rate = photos that were worked on / time from the first begin to the last end, of shards that ended recently. */
function rateOf(done: readonly ShardRecord[]): number | null {
  const spans = done.flatMap(({ at, seconds, worked }) => {
    const end = Date.parse(at)
    return seconds === undefined || !worked || Number.isNaN(end) ? [] : [{ begin: end - 1000 * seconds, end, worked }]
  })
  if (spans.length === 0) return null
  const last = Math.max(...spans.map(({ end }) => end))
  const recent = spans.filter(({ end }) => end >= last - RECENT_MS)
  const first = Math.min(...recent.map(({ begin }) => begin))
  const worked = recent.reduce((sum, span) => sum + span.worked, 0)
  return last > first ? worked / ((last - first) / 1000) : null
}
