import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeCatalogue } from '../rooms/catalogue/testing.ts'
import { createRoomRenderer } from '../rooms/index.ts'
import { DarError } from '../support/errors.ts'
import { type Batch, createBatchMaker } from './batch.ts'
import { createLoader, type Loader, type LoaderOptions } from './loader.ts'

const options: LoaderOptions = {
  sources: [{ kind: 'rooms', seed: 3, weight: 1, width: 24, height: 18, pool: 4 }],
  batch: 2,
  width: 16,
  height: 12,
  seed: 1,
}

const started: Loader[] = []
const start = (change: Partial<LoaderOptions> = {}): Loader => {
  const loader = createLoader({ ...options, ...change })
  started.push(loader)
  return loader
}
afterEach(async () => {
  for (const loader of started.splice(0)) await loader.dispose()
})

async function take(loader: Loader, count: number): Promise<Batch[]> {
  const batches: Batch[] = []
  for await (const batch of loader) {
    batches.push(batch)
    if (batches.length === count) break
  }
  return batches
}
const threads = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length

describe('loader', () => {
  it('gives the same batches with one worker, with two, when it starts in the middle, and when it leaves some out', async () => {
    const one = await take(start(), 6)
    expect(one.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
    expect(one[0].image.length).toBe(2 * 3 * 12 * 16)
    expect(one[0].depth.some((d) => d > 0)).toBe(true)
    expect(one[0].image).not.toEqual(one[1].image)
    const two = await take(start({ workers: 2, prefetch: 3 }), 6)
    expect(two).toEqual(one)
    const resumed = await take(start({ start: 4 }), 2)
    expect(resumed).toEqual(one.slice(4))
    const odd = await take(start({ workers: 2, start: 1, numberOf: (place) => 2 * place + 1 }), 2)
    expect(odd).toEqual([one[3], one[5]])
  })

  it('gives furnished rooms as they are made without a worker', async () => {
    const furniture = await temporaryFolder()
    await writeCatalogue(join(furniture, 'test.sh3f'))
    const sources = [{ kind: 'rooms', seed: 3, weight: 1, width: 24, height: 18, pool: 4, furniture }] as const
    const [batch] = await take(start({ sources, prefetch: 1 }), 1)
    const render = createRoomRenderer()
    expect(batch).toEqual(await (await createBatchMaker({ ...options, sources }, render)).make(0))
    const plain = await (await createBatchMaker(options, render)).make(0)
    expect(batch.image).not.toEqual(plain.image)
  })

  it('answers several consumers that wait at once, in order', async () => {
    const loader = start({ prefetch: 1 })
    const results = await Promise.all([loader.next(), loader.next(), loader.next()])
    expect(results.map(({ value }) => value?.index)).toEqual([0, 1, 2])
  })

  it('stops its threads when disposed, tells those who wait, and may be disposed twice', async () => {
    const before = threads()
    const loader = start({ workers: 2 })
    expect(threads()).toBeGreaterThan(before)
    const waiting = loader.next()
    await loader.dispose()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await loader.next()).toEqual({ done: true, value: undefined })
    await loader.dispose()
    expect(threads()).toBe(before)
  })

  it('rejects with the message of the worker when a source is wrong, and then is at its end', async () => {
    const loader = start({ sources: [{ kind: 'dataset', root: '/nowhere', name: 'none', weight: 1 }] })
    const failing = loader.next()
    await expect(failing).rejects.toThrow(DarError)
    await expect(failing).rejects.toThrow(/\/nowhere/)
    expect((await loader.next()).done).toBe(true)
  })

  it('refuses options that make no sense before it starts anything', () => {
    expect(() => createLoader({ ...options, workers: 0 })).toThrow(/workers is 0/)
    expect(() => createLoader({ ...options, prefetch: 0.5 })).toThrow(/prefetch is 0.5/)
    expect(() => createLoader({ ...options, batch: -1 })).toThrow(/batch is -1/)
  })
})
