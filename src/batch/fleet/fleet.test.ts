/** A fleet on a real server, its workers in this process. Kills and restarts are in test/fleet.test.ts. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../../test/temporary-folder.ts'
import { writeTinyModel } from '../../../test/tiny-model.ts'
import type { ManifestEntry } from '../manifest.ts'
import { readPhotos } from '../photo-list.ts'
import { writePhoto, writePhotos } from '../testing.ts'
import { connectFleet, type FleetConnection } from './connection.ts'
import type { ShardRecord } from './messages.ts'
import { fleetStatus, statusOf } from './status.ts'
import { allRecords, openWorkers, shardSubject, writeRecord } from './streams.ts'
import { type Submission, submit } from './submit.ts'
import { hasNatsServer, type NatsServer, startNats } from './testing.ts'
import { type WorkOptions, work } from './work.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 }) // every worker starts threads, which compile their TypeScript anew

describe('the status of a fleet', () => {
  const record = (shard: string, state: ShardRecord['state'], more: Partial<ShardRecord> = {}): ShardRecord => ({
    shard,
    state,
    images: 10,
    at: '2026-01-01T00:01:40.000Z',
    ...more,
  })

  it('counts shards and photos by the last word on each shard', () => {
    const status = statusOf([
      record('a', 'done', { failed: 2, worked: 10, seconds: 50 }),
      record('b', 'working', { worker: 'w1' }),
      record('c', 'waiting'),
      record('d', 'dead', { reason: 'killed', tries: 5 }),
    ])
    expect(status.shards).toEqual({ waiting: 1, working: 1, done: 1, dead: 1 })
    expect(status.images).toEqual({ total: 40, done: 10, failed: 2 })
    expect(status.dead).toEqual([{ shard: 'd', images: 10, reason: 'killed', tries: 5 }])
    expect(status.workers).toEqual(['w1'])
  })

  it('has the rate of the last ten minutes of work', () => {
    expect(statusOf([]).rate).toBeNull()
    expect(statusOf([record('a', 'done', { worked: 0, seconds: 1 })]).rate).toBeNull()
    // Two workers side by side: 20 photos from second 50 to second 100.
    const together = [
      record('a', 'done', { worked: 10, seconds: 50 }),
      record('b', 'done', { worked: 10, seconds: 40 }),
    ]
    expect(statusOf(together).rate).toBeCloseTo(20 / 50)
    const old = record('c', 'done', { worked: 1000, seconds: 1, at: '2025-12-31T23:00:00.000Z' })
    expect(statusOf([...together, old]).rate).toBeCloseTo(20 / 50)
  })
})

describe.skipIf(!hasNatsServer)('a fleet', () => {
  let server: NatsServer
  let tiny = ''
  beforeAll(async () => {
    const folder = await temporaryFolder()
    tiny = await writeTinyModel(join(folder, 'tiny.safetensors'))
    server = await startNats(join(folder, 'streams'))
  })
  afterAll(() => server.stop())

  /** A fleet of its own for each test, with `count` photos in shards of three. */
  async function fleet(name: string, count: number, more: Partial<Submission> = {}) {
    const folder = await temporaryFolder()
    const [photos, out] = [join(folder, 'photos'), join(folder, 'out')]
    await writePhotos(photos, count)
    const connection = await connectFleet({ url: `nats://${server.address}/${name}` })
    const options = { kinds: ['depth'] as const }
    const send = async () => {
      const list = await readPhotos(photos)
      return submit(connection, { photos: list, out, model: tiny, options, shardSize: 3, lease: 60_000, ...more })
    }
    return { connection, photos, out, send }
  }

  async function worked(connection: FleetConnection, options: WorkOptions = {}): Promise<string[]> {
    const paths: string[] = []
    const onEntry = ({ path }: ManifestEntry) => paths.push(path)
    await work(connection, { workers: 1, untilDone: true, onEntry, ...options })
    return paths.sort()
  }

  const linesOf = async (out: string) => {
    const names = await readdir(join(out, 'results'))
    const texts = await Promise.all(names.map((name) => readFile(join(out, 'results', name), 'utf8')))
    return texts.flatMap((text) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as ManifestEntry),
    )
  }

  it('does every photo once, says so, and does no more when the same is submitted again', async () => {
    const { connection, photos, out, send } = await fleet('once', 7)
    await expect(work(connection)).rejects.toThrow(/there is no fleet 'once' at nats:.*dar batch submit/)
    await expect(fleetStatus(connection)).rejects.toThrow(/there is no fleet/)
    expect(await send()).toEqual({ shards: 3, known: 0, images: 7 })
    expect(await send()).toEqual({ shards: 3, known: 3, images: 7 })
    expect((await fleetStatus(connection)).shards).toEqual({ waiting: 3, working: 0, done: 0, dead: 0 })
    const names = ['00.jpg', '01.jpg', '02.jpg', '03.jpg', '04.jpg', '05.jpg', '06.jpg']
    expect(await worked(connection)).toEqual(names)
    expect((await readdir(out)).filter((name) => name.endsWith('.png'))).toHaveLength(7)
    expect((await linesOf(out)).map(({ path }) => path).sort()).toEqual(names)
    const status = await fleetStatus(connection)
    expect(status).toMatchObject({ images: { total: 7, done: 7, failed: 0 }, dead: [], workers: [] })
    expect(status.shards).toEqual({ waiting: 0, working: 0, done: 3, dead: 0 })
    expect(status.rate).toBeGreaterThan(0)

    await rm(join(out, '04.depth.png'))
    await writePhoto(join(photos, '01.jpg'), { colour: 99 })
    await send()
    expect(await worked(connection)).toEqual(['01.jpg', '04.jpg'])
    expect((await linesOf(out)).map(({ path }) => path).sort()).toEqual(names)
    expect((await fleetStatus(connection)).shards).toEqual({ waiting: 0, working: 0, done: 3, dead: 0 })
    await connection.close()
  })

  it('gets a shard back from a worker that is stopped, with what it has done', async () => {
    const { connection, out, send } = await fleet('stopped', 6, { shardSize: 6 })
    await send()
    const stop = new AbortController()
    const before: string[] = []
    const onEntry = ({ path }: ManifestEntry) => {
      before.push(path)
      stop.abort()
    }
    await worked(connection, { signal: stop.signal, onEntry })
    expect(before.length).toBeGreaterThan(0)
    expect(before.length).toBeLessThan(6)
    expect((await fleetStatus(connection)).shards).toEqual({ waiting: 1, working: 0, done: 0, dead: 0 })
    expect(await send()).toMatchObject({ known: 1 })
    expect((await allRecords(connection)).map(({ state, returns }) => [state, returns])).toEqual([['waiting', 1]])
    const after = await worked(connection)
    expect([...before, ...after].sort()).toEqual(['00.jpg', '01.jpg', '02.jpg', '03.jpg', '04.jpg', '05.jpg'])
    expect(await linesOf(out)).toHaveLength(6)
    await connection.close()
  })

  it('puts a shard with the dead that no worker survives, and says why', async () => {
    const { connection, out, send } = await fleet('dead', 3, { tries: 2 })
    await send()
    const consumer = await openWorkers(connection)
    for (let i = 0; i < 2; i++) (await consumer.next({ expires: 60_000 }))!.nak() // as when its worker was killed
    expect(await worked(connection)).toEqual([])
    const status = await fleetStatus(connection)
    expect(status.shards).toEqual({ waiting: 0, working: 0, done: 0, dead: 1 })
    expect(status.dead).toMatchObject([{ images: 3, tries: 2, reason: expect.stringMatching(/ended without a word/) }])
    expect(await readdir(out).catch(() => [])).toEqual([])
    await send() // again, as the way back to life
    expect(await worked(connection)).toHaveLength(3)
    expect((await fleetStatus(connection)).shards).toEqual({ waiting: 0, working: 0, done: 1, dead: 0 })
    await connection.stream.publish(shardSubject('dead', 'strange'), '{"version": 2}')
    expect(await worked(connection)).toEqual([])
    expect((await fleetStatus(connection)).dead).toMatchObject([
      { shard: 'strange', reason: expect.stringMatching(/no shard/) },
    ])
    await connection.close()
  })

  it('tries a photo again at which a worker died, and counts it as failed in the end', async () => {
    const { connection, photos, out, send } = await fleet('dying', 3, { tries: 2 })
    await writePhoto(join(photos, '01.jpg'), { width: 33 })
    await send()
    const paths = await worked(connection, { thread: { fatalWidth: 33 } })
    expect(paths).toEqual(['00.jpg', '01.jpg', '01.jpg', '02.jpg'])
    expect(await fleetStatus(connection)).toMatchObject({
      images: { total: 3, done: 3, failed: 1 },
      shards: { done: 1 },
    })
    expect((await linesOf(out)).map(({ status }) => status)).toEqual(['done', 'failed', 'done'])
    await connection.close()
  })

  it.each(['all', 'one'])('ends reading the last words when %s of them vanish meanwhile', async (which) => {
    const { connection, send } = await fleet(`vanish-${which}`, 1)
    await send()
    const { name, manager, stream } = connection
    const log = `${name}-log`
    const word = { state: 'waiting', images: 1, at: '2026-01-01T00:00:00.000Z' } as const
    const first = await writeRecord(connection, { shard: 'first', ...word })
    const consumer = await stream.consumers.get(log, {})
    const { fetch } = consumer
    vi.spyOn(consumer, 'fetch').mockImplementationOnce(async (options) => {
      // The words are counted by now.
      await (which === 'all' ? manager.streams.purge(log) : manager.streams.deleteMessage(log, first!))
      return fetch.call(consumer, options)
    })
    vi.spyOn(stream.consumers, 'get').mockResolvedValueOnce(consumer)
    const records = await allRecords(connection)
    expect(records.map(({ shard }) => shard === 'first')).toEqual(which === 'all' ? [] : [false])
    await connection.close()
  })

  it('keeps a shard for others when this machine cannot do it', async () => {
    const { connection, out, send } = await fleet('elsewhere', 2)
    await send()
    await expect(worked(connection, { root: '/none' })).rejects.toThrow(
      /the folder \/none of the photos is not on this machine/,
    )
    expect((await fleetStatus(connection)).shards).toMatchObject({ waiting: 1, done: 0 })
    await writeTinyModel(tiny, { metadata: { predictSize: '96x64' } })
    await expect(worked(connection)).rejects.toThrow(/another than the one that was submitted/)
    await writeTinyModel(tiny)
    expect(await worked(connection)).toHaveLength(2)
    expect(await linesOf(out)).toHaveLength(2)
    await connection.close()
  })
})
