import { readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { lockFolder } from '../support/folder-lock.ts'
import type { ManifestEntry } from './manifest.ts'
import { readPhotos } from './photo-list.ts'
import { ModelPool } from './pool.ts'
import { type BatchRun, runBatch } from './run-batch.ts'
import { writePhoto, writePhotos } from './testing.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 }) // every batch starts threads, which compile their TypeScript anew

let tiny = ''
let pool: ModelPool
beforeAll(async () => {
  tiny = await writeTinyModel(join(await temporaryFolder(), 'tiny.safetensors'))
  pool = await ModelPool.open(tiny, { workers: 1 })
})
afterAll(() => pool.dispose())

async function batch(photos: string, out: string, more: Partial<BatchRun> = {}): Promise<ManifestEntry[]> {
  const entries: ManifestEntry[] = []
  const list = await readPhotos(photos)
  const options = { kinds: ['depth'] as const }
  for await (const entry of runBatch({ photos: list, out, model: tiny, options, pool, ...more })) entries.push(entry)
  return entries
}
const pathsOf = (entries: readonly ManifestEntry[]) => entries.map(({ path }) => path).sort()

async function folders(count: number) {
  const folder = await temporaryFolder()
  const photos = join(folder, 'photos')
  await writePhotos(photos, count)
  return { photos, out: join(folder, 'out') }
}

describe('a batch', () => {
  it('is done once: a second run skips it, and does again what changed', async () => {
    const { photos, out } = await folders(4)
    const first = await batch(photos, out, { order: 'given' })
    expect(pathsOf(first)).toEqual(['00.jpg', '01.jpg', '02.jpg', '03.jpg'])
    expect(first[0]).toMatchObject({ status: 'done', width: 64, height: 48, focal: { source: 'default' } })
    const file = join(out, '00.depth.png')
    expect(first[0].outputs).toEqual({ 'depth.png': { file: '00.depth.png', bytes: (await stat(file)).size } })
    const lines = (await readFile(join(out, 'manifest.jsonl'), 'utf8')).trim().split('\n')
    const byPath = (a: ManifestEntry, b: ManifestEntry) => a.path.localeCompare(b.path)
    expect(lines.map((line) => JSON.parse(line) as ManifestEntry).sort(byPath)).toEqual(first)

    const skipped: string[] = []
    expect(await batch(photos, out, { onSkip: (path) => skipped.push(path) })).toEqual([])
    expect(skipped).toHaveLength(4)

    await rm(file) // an output that is gone
    await truncate(join(out, '01.depth.png'), 10) // one that is not whole
    await writePhoto(join(photos, '02.jpg'), { colour: 77 }) // another photo
    await utimes(join(photos, '03.jpg'), 1, 1) // touched only
    await writePhoto(join(photos, '04.jpg')) // a new one
    expect(pathsOf(await batch(photos, out))).toEqual(['00.jpg', '01.jpg', '02.jpg', '04.jpg'])

    const more = { kinds: ['depth', 'npy', 'color'] } as const
    expect(await batch(photos, out, { options: more })).toHaveLength(5)
    expect((await readdir(out)).filter((name) => name.startsWith('00.'))).toEqual([
      '00.color.png',
      '00.depth.npy',
      '00.depth.png',
    ])
    const other = await writeTinyModel(join(photos, '..', 'other.safetensors'), { metadata: { predictSize: '96x64' } })
    const another = { options: more, model: other, pool: undefined, workers: 1 } as const
    expect(await batch(photos, out, another)).toHaveLength(5)
    expect(await batch(photos, out, { ...another, check: 'content' })).toEqual([])
  })

  it('sees a change of content behind the same size and time when it is asked to', async () => {
    const { photos, out } = await folders(1)
    const path = join(photos, '00.jpg')
    await batch(photos, out)
    const bytes = await readFile(path)
    const { atime, mtime } = await stat(path)
    await utimes(path, atime, mtime) // what utimes can say is coarser than what a write says
    await batch(photos, out)
    bytes[bytes.length - 10] ^= 4
    await writeFile(path, bytes)
    await utimes(path, atime, mtime)
    expect(await batch(photos, out, { check: 'content' })).toHaveLength(1)
  })

  it('goes on past a photo that cannot be read, and tries it again', async () => {
    const { photos, out } = await folders(2)
    await writeFile(join(photos, 'bad.jpg'), 'no image')
    const entries = await batch(photos, out)
    expect(entries.filter(({ status }) => status === 'failed')).toMatchObject([
      { path: 'bad.jpg', bytes: 8, error: expect.stringMatching(/bad\.jpg is not an image/) },
    ])
    expect(entries).toHaveLength(3)
    expect(pathsOf(await batch(photos, out))).toEqual(['bad.jpg'])
    await writePhoto(join(photos, 'bad.jpg'))
    expect(await batch(photos, out)).toMatchObject([{ path: 'bad.jpg', status: 'done' }])
  })

  it('in shards does each photo once; another number of shards skips what they have done', async () => {
    const { photos, out } = await folders(8)
    const shards = [0, 1, 2].map((index) => batch(photos, out, { shard: { index, count: 3 } }))
    const done = (await Promise.all(shards)).flat()
    expect(pathsOf(done)).toHaveLength(8)
    expect(new Set(pathsOf(done)).size).toBe(8)
    expect((await readdir(out)).filter((name) => name.startsWith('manifest'))).toHaveLength(3)
    expect(await batch(photos, out, { shard: { index: 1, count: 2 } })).toEqual([])
    expect(await batch(photos, out)).toEqual([])
  })

  it('refuses a shard of a folder where another process works on it', async () => {
    const { photos, out } = await folders(1)
    const lock = lockFolder(join(out, '.dar-batch', '0-of-2'), 'a test')
    await expect(batch(photos, out, { shard: { index: 0, count: 2 } })).rejects.toThrow(/in use by process/)
    await lock.dispose()
  })
})
