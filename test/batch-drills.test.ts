/**
 * Batches and fleets that are killed. Every process here is a real `dar`, ended as a user's machine would end it, and the server a real
 * nats-server. Waits are for what processes print or write, never for a time.
 */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { hasNatsServer, startNats } from '../src/batch/fleet/testing.ts'
import { connectFleet, fleetStatus, type ManifestEntry, readManifests } from '../src/batch/index.ts'
import { writePhoto, writePhotos } from '../src/batch/testing.ts'
import { decodeDepthPng } from '../src/node/index.ts'
import { Random } from '../src/support/random.ts'
import { DAR } from './compiled.ts'
import { crashingEnvironment, makeFatal } from './crashing-decoder.ts'
import { asNobody, canRead, openFolder } from './nobody.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { writeTinyModel } from './tiny-model.ts'

vi.setConfig({ testTimeout: 900_000, hookTimeout: 600_000 })

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const execute = promisify(execFile)

/** `dar batch …`, with what it has printed so far. */
class Dar {
  readonly child: ChildProcess
  readonly ended: Promise<number | NodeJS.Signals | null>
  out = ''
  err = ''
  private readonly watchers = new Set<() => void>()

  constructor(
    args: readonly string[],
    { limit, ...given }: { readonly limit?: number } & Pick<SpawnOptions, 'env' | 'uid' | 'gid'> = {},
  ) {
    const all = [DAR, 'batch', ...args]
    // A limit on the size of files in units of 1024 bytes, as of a full disk.
    const limited = ['-c', `trap '' XFSZ; ulimit -f ${limit}; exec "$0" "$@"`, process.execPath, ...all]
    this.child =
      limit === undefined
        ? spawn(process.execPath, all, { cwd: ROOT, ...given })
        : spawn('bash', limited, { cwd: ROOT })
    this.child.stdout?.on('data', (bytes) => this.heard(() => (this.out += bytes)))
    this.child.stderr?.on('data', (bytes) => this.heard(() => (this.err += bytes)))
    this.ended = once(this.child, 'close').then(([code, signal]) => signal ?? code)
    void this.ended.then(() => this.heard(() => {}))
  }

  private heard(note: () => unknown): void {
    note()
    for (const watch of this.watchers) watch()
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Photos that it has reported. */
  get photos(): number {
    return this.out.split('"status":').length - 1
  }

  /** Calls `look` now and whenever something happens, until the function returned is called. */
  watch(look: () => void): () => void {
    this.watchers.add(look)
    look()
    return () => this.watchers.delete(look)
  }

  /** Resolves when the process has reported so many photos, or has ended. */
  reported(photos: number): Promise<void> {
    return new Promise((resolve) => this.watch(() => (this.photos >= photos || !this.isRunning) && resolve()))
  }
}

let folder = ''
let tiny = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  await chmod(folder, 0o755)
  tiny = await writeTinyModel(join(folder, 'tiny.safetensors'))
})

const visible = async (path: string) => (await readdir(path)).filter((name) => !name.startsWith('.')).sort()

/** The photos of which `out` has an output; each is checked to be a whole depth map. */
async function wholeOutputs(out: string): Promise<string[]> {
  const names = (await visible(out)).filter((name) => name.endsWith('.png'))
  for (const name of names) expect((await decodeDepthPng(join(out, name))).width, name).toBe(64)
  return names.map((name) => name.replace('.depth.png', '.jpg'))
}

describe('a batch', () => {
  const COUNT = 16
  let photos = ''
  let names: string[] = []
  beforeAll(async () => {
    photos = join(folder, 'photos')
    names = await writePhotos(photos, COUNT)
  })
  const run = (out: string) => new Dar(['run', photos, '-o', out, '--model', tiny, '--workers', '1', '--json'])

  it('that is killed at random moments has a true manifest, and is done by the next run', async () => {
    const out = join(folder, 'killed')
    const random = new Random(17)
    for (let kill = 0; kill < 2; kill++) {
      const before = (await readManifests(out)).size
      const child = run(out)
      await child.reported(1 + Math.floor(4 * random.uniform()))
      child.child.kill('SIGKILL')
      expect(await child.ended, child.err).toBe('SIGKILL')
      const done = await readManifests(out)
      expect(done.size).toBeGreaterThan(before)
      const there = await wholeOutputs(out)
      for (const { path, outputs } of done.values()) {
        expect(there).toContain(path)
        for (const { file, bytes } of Object.values(outputs ?? {}))
          expect((await stat(join(out, file))).size).toBe(bytes)
      }
    }
    const known = (await readManifests(out)).size
    const last = run(out)
    expect(await last.ended, last.err).toBe(0)
    expect(last.photos).toBe(COUNT - known)
    expect(await wholeOutputs(out)).toEqual(names)
    expect((await readdir(out)).sort()).toEqual(
      ['.dar-batch', 'manifest.jsonl', ...names.map((name) => name.replace('.jpg', '.depth.png'))].sort(),
    )
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('that gets %s finishes the photos at hand and ends with %d', async (signal, code) => {
    const out = join(folder, signal)
    const child = run(out)
    await child.reported(1)
    child.child.kill(signal)
    expect(await child.ended, child.err).toBe(code)
    const done = [...(await readManifests(out)).keys()].sort()
    expect(done.length).toBeLessThan(COUNT)
    expect(await wholeOutputs(out)).toEqual(done)
    expect(child.photos).toBe(done.length)
  })

  it.skipIf(process.platform === 'win32')('loses one photo, in one line, to a decoder that crashes at it', async () => {
    const [some, out] = [join(folder, 'some'), join(folder, 'crashed')]
    await writePhotos(some, 8)
    await makeFatal(join(some, '02.jpg'))
    const args = ['run', some, '-o', out, '--model', tiny, '--workers', '1', '--json']
    const child = new Dar(args, { env: crashingEnvironment() })
    expect(await child.ended, child.err).toBe(1)
    const entries = [...(await readManifests(out)).values()]
    expect(entries).toHaveLength(8)
    expect(entries.filter(({ status }) => status !== 'done')).toMatchObject([
      { path: '02.jpg', status: 'failed', error: expect.stringMatching(/02\.jpg ended its decoder \(SIGSEGV\)/) },
    ])
    expect(child.photos).toBe(8)
    expect(await wholeOutputs(out)).toHaveLength(7)
  })

  it.skipIf(process.platform === 'win32')(
    'ends quietly when its reader has enough, and is done by the next run',
    async () => {
      const out = join(folder, 'piped')
      const args = ['batch', 'run', photos, '-o', out, '--model', tiny, '--workers', '1', '--json']
      const line = `"$0" "$@" | head -1; exit "\${PIPESTATUS[0]}"`
      const { stdout, stderr } = await execute('bash', ['-c', line, process.execPath, DAR, ...args], { cwd: ROOT })
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toMatchObject({ status: 'done' })
      const done = [...(await readManifests(out)).keys()]
      expect(done.length).toBeGreaterThan(0)
      const there = await wholeOutputs(out)
      expect(there).toEqual(expect.arrayContaining(done))
      const last = run(out)
      expect(await last.ended, last.err).toBe(0)
      expect(last.photos).toBe(COUNT - done.length)
      expect(await wholeOutputs(out)).toEqual(names)
    },
  )

  it.skipIf(process.platform === 'win32')(
    'stops in one line when the folder of its outputs is taken away',
    async () => {
      const [out, elsewhere] = [join(folder, 'taken'), join(folder, 'taken-away')]
      const child = run(out)
      await child.reported(1)
      await rename(out, elsewhere)
      expect(await child.ended, child.err).toBe(73)
      expect(child.err).toMatch(/^dar: cannot write into [^\n]*taken: the folder is gone; bring it back, [^\n]*$/m)
      expect(existsSync(out)).toBe(false)
      const done = [...(await readManifests(elsewhere)).keys()].sort()
      expect(done.length).toBeLessThan(COUNT)
      expect(await wholeOutputs(elsewhere)).toEqual(done)
      await rename(elsewhere, out)
      const last = run(out)
      expect(await last.ended, last.err).toBe(0)
      expect(last.photos).toBe(COUNT - done.length)
      expect(await wholeOutputs(out)).toEqual(names)
    },
  )

  it.skipIf(!canRead)(
    'without permission to read a photo loses it; to write, it says so before the first',
    async () => {
      const [some, out] = [join(folder, 'unreadable'), join(folder, 'unreadable-out')]
      await writePhotos(some, 3)
      await chmod(join(some, '01.jpg'), 0)
      await openFolder(out, 0o755)
      const args = ['run', some, '--model', tiny, '--workers', '1']
      const child = new Dar([...args, '-o', out, '--json'], asNobody)
      expect(await child.ended, child.err).toBe(1)
      const failed = [...(await readManifests(out)).values()].filter(({ status }) => status === 'failed')
      expect(failed).toMatchObject([
        { path: '01.jpg', error: expect.stringMatching(/01\.jpg may not be read; check its permissions/) },
      ])
      expect(await wholeOutputs(out)).toEqual(['00.jpg', '02.jpg'])

      const closed = join(folder, 'unwritable')
      await openFolder(closed, 0o555)
      const refused = new Dar([...args, '-o', closed], asNobody)
      expect(await refused.ended, refused.err).toBe(73)
      expect(refused.err).toMatch(/^dar: cannot write [^\n]*unwritable[^\n]*EACCES[^\n]*\n$/)
    },
  )

  it.skipIf(process.platform === 'win32')(
    'without room on the disk ends with one line, and leaves no half file',
    async () => {
      const [big, out] = [join(folder, 'big'), join(folder, 'no-room')]
      await writePhoto(join(big, 'big.jpg'), { width: 1600, height: 1200 })
      // A map of float32 takes 7.7 MB.
      const args = ['run', big, '-o', out, '--model', tiny, '--workers', '1', '--maps', 'npy']
      const child = new Dar(args, { limit: 6000 })
      expect(await child.ended, child.err).toBe(73)
      expect(child.err).toMatch(/^dar: cannot write .*big\.depth\.npy: EFBIG.*\(ulimit -f\)/m)
      expect(await visible(out)).toEqual(['manifest.jsonl'])
      expect(await readFile(join(out, 'manifest.jsonl'), 'utf8')).toBe('')
    },
  )
})

describe.skipIf(!hasNatsServer)('a fleet', () => {
  const COUNT = 48
  /** Of all photos that workers report: when a worker is killed. The server is restarted at the second. */
  const KILLS = 4

  it('of four workers that are killed at random moments, with a server that restarts, does every photo once', async () => {
    const [photos, out] = [join(folder, 'fleet', 'photos'), join(folder, 'fleet', 'out')]
    const names = await writePhotos(photos, COUNT)
    const server = await startNats(join(folder, 'fleet', 'streams'))
    const stream = ['--stream', `nats://${server.address}/drill`]
    const sent = new Dar([
      'submit',
      photos,
      '-o',
      out,
      '--model',
      tiny,
      ...stream,
      '--shard-size',
      '4',
      '--lease',
      '2',
      '--tries',
      '20',
    ])
    expect(await sent.ended, sent.err).toBe(0)

    const random = new Random(41)
    const all: Dar[] = []
    let change = () => {}
    const start = () => {
      const worker = new Dar(['work', ...stream, '--workers', '1', '--until-done', '--json'])
      all.push(worker)
      worker.watch(() => change())
    }
    for (let i = 0; i < 4; i++) start()
    const reported = () => all.reduce((sum, worker) => sum + worker.photos, 0)
    const running = () => all.filter((worker) => worker.isRunning)
    for (let kill = 0; kill < KILLS; kill++) {
      const due = Math.floor((COUNT / 2) * ((kill + random.uniform()) / KILLS))
      await new Promise<void>((resolve) => {
        change = () => (reported() >= due || running().length === 0) && resolve()
        change()
      })
      const victims = running()
      const victim = victims[Math.floor(victims.length * random.uniform())]
      expect(victim, 'a worker that still runs').toBeDefined()
      victim.child.kill('SIGKILL')
      expect(await victim.ended).toBe('SIGKILL')
      start()
      if (kill === 1) await server.restart()
    }
    for (const worker of running()) expect(await worker.ended, worker.err).toBe(0)

    expect(await wholeOutputs(out)).toEqual(names)
    const results = await readdir(join(out, 'results'))
    expect(results.filter((name) => !name.startsWith('.'))).toHaveLength(COUNT / 4)
    const texts = await Promise.all(results.map((name) => readFile(join(out, 'results', name), 'utf8')))
    const entries = texts.flatMap((text) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as ManifestEntry),
    )
    expect(entries.map(({ path }) => path).sort()).toEqual(names)
    expect(entries.every(({ status }) => status === 'done')).toBe(true)
    const connection = await connectFleet({ url: `nats://${server.address}/drill` })
    const status = await fleetStatus(connection)
    await connection.close()
    expect(status).toMatchObject({
      shards: { waiting: 0, working: 0, done: COUNT / 4, dead: 0 },
      images: { total: COUNT, done: COUNT, failed: 0 },
    })
    await server.stop()
  })

  it('gets a shard back from a worker that is told to stop, or has no room on its disk', async () => {
    const [photos, out] = [join(folder, 'back', 'photos'), join(folder, 'back', 'out')]
    await writePhoto(join(photos, 'big.jpg'), { width: 1600, height: 1200 })
    for (let i = 0; i < 12; i++) await writePhoto(join(photos, `${i}.jpg`), { colour: i })
    const server = await startNats(join(folder, 'back', 'streams'))
    const stream = ['--stream', `nats://${server.address}/back`]
    const args = ['submit', photos, '-o', out, '--model', tiny, ...stream, '--maps', 'npy', '--lease', '600']
    const sent = new Dar(args)
    expect(await sent.ended, sent.err).toBe(0)
    const work = ['work', ...stream, '--workers', '1', '--until-done', '--json']
    const connection = await connectFleet({ url: `nats://${server.address}/back` })
    const waiting = { waiting: 1, working: 0, done: 0, dead: 0 }

    const stopped = new Dar(work)
    await stopped.reported(1)
    stopped.child.kill('SIGTERM')
    expect(await stopped.ended, stopped.err).toBe(143)
    expect((await fleetStatus(connection)).shards).toEqual(waiting)

    const full = new Dar(work, { limit: 6000 })
    expect(await full.ended, full.err).toBe(73)
    expect(full.err).toMatch(/^dar: cannot write .*big\.depth\.npy: EFBIG.*\(ulimit -f\)/m)
    expect((await fleetStatus(connection)).shards).toEqual(waiting)

    // What the two have done is kept.
    const last = new Dar(work)
    expect(await last.ended, last.err).toBe(0)
    expect(last.photos).toBe(13 - stopped.photos - full.photos)
    expect((await fleetStatus(connection)).shards).toEqual({ ...waiting, waiting: 0, done: 1 })
    expect(existsSync(join(out, 'big.depth.npy'))).toBe(true)
    await connection.close()
    await server.stop()
    await rm(join(folder, 'back'), { recursive: true })
  })
})
