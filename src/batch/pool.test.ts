import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { loadModel } from '../node/load-model.ts'
import { live } from '../runtime/thread.ts'
import { DarError } from '../support/errors.ts'
import { HOST } from '../support/temporary.ts'
import { ModelPool } from './pool.ts'
import { writePhoto, writePhotos } from './testing.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 }) // every batch starts threads, which compile their TypeScript anew

let folder = ''
let tiny = ''
beforeAll(async () => {
  folder = await temporaryFolder()
  tiny = await writeTinyModel(join(folder, 'tiny.safetensors'))
})

const programsLeft = () =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`.dar-programs.${HOST}-${process.pid}-`))

async function collected<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const result of results) all.push(result)
  return all
}

describe('a pool of workers', () => {
  it('gives the maps that one model gives, bit for bit, in the order of the list, and leaves nothing behind', async () => {
    const photos = (await writePhotos(join(folder, 'same'), 6)).map((name) => join(folder, 'same', name))
    photos.push(await writePhoto(join(folder, 'same', 'portrait.jpg'), { width: 40, height: 90 }))
    // At 128×88 the engine leaves packed weights where its kernels do not stand them (runtime/align-weights.ts).
    photos.push(await writePhoto(join(folder, 'same', 'odd.jpg'), { width: 60, height: 40 }))
    const before = live.engines
    const model = await loadModel(tiny, { threads: 1 })
    const expected = await Promise.all(photos.map((photo) => model.predict(photo, { focal: 60 })))
    await model.dispose()
    const pool = await ModelPool.open(tiny, { workers: 2 })
    expect(pool.workers).toBe(2)
    expect(programsLeft()).toHaveLength(1)
    const maps = await collected(
      pool.run(photos, (photo, worker) => worker.predict(photo, { focal: 60 }), { order: 'given' }),
    )
    await pool.dispose()
    expect(maps.map(({ depth }) => depth)).toEqual(expected.map(({ depth }) => depth))
    expect(maps.map(({ focal }) => focal)).toEqual(expected.map(({ focal }) => focal))
    expect(live.engines).toBe(before)
    expect(programsLeft()).toEqual([])
  })

  it('replaces a worker that dies: its photo is lost, and no other', async () => {
    const photos = (await writePhotos(join(folder, 'dying'), 8)).map((name) => join(folder, 'dying', name))
    await writePhoto(photos[3], { width: 33 })
    await writePhoto(photos[6], { width: 33 })
    await using pool = await ModelPool.open(tiny, { workers: 1, thread: { fatalWidth: 33 } })
    const attempt = (photo: string, worker: Parameters<Parameters<typeof pool.run>[1]>[1]) =>
      worker.predict(photo).then(
        () => 'done',
        (error: unknown) => (error instanceof DarError ? `${error.name} ${error.kind}` : String(error)),
      )
    const results = await collected(pool.run(photos, attempt, { order: 'given' }))
    const [good, lost] = ['done', 'DarError gone']
    expect(results).toEqual([good, good, good, lost, good, good, lost, good])
  })

  it('gives a worker up that dies at one photo after another', async () => {
    const photo = await writePhoto(join(folder, 'fatal.jpg'), { width: 33 })
    await using pool = await ModelPool.open(tiny, { workers: 1, thread: { fatalWidth: 33 } })
    const run = pool.run(Array(9).fill(photo), (one: string, worker) =>
      worker.predict(one).catch((error) => error.name),
    )
    expect((await collected(run)).slice(0, 3)).toEqual(['DarError', 'DarError', 'WorkerLost'])
  })

  it('refuses a model that is none, and a number of workers that makes no sense', async () => {
    await expect(ModelPool.open('dar-huge')).rejects.toThrow(/no model 'dar-huge'/)
    await expect(ModelPool.open(tiny, { workers: 0 })).rejects.toThrow(/workers is 0/)
    expect(programsLeft()).toEqual([])
  })
})
