import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { createBatchMaker, renderRoom, roomsDataset } from '../data/index.ts'
import { encodeDepthPng, encodePngRgb } from '../node/index.ts'
import { writeCatalogue } from '../rooms/catalogue/testing.ts'
import { DarError } from '../support/errors.ts'
import { type DatasetData, parseRecipe } from './recipe.ts'
import { resolveData } from './sources.ts'
import { plainFrame, tinyRecipe, writeFrame } from './testing.ts'

describe('resolveData', () => {
  let root = ''
  beforeAll(async () => {
    root = await temporaryFolder()
    for (let i = 0; i < 10; i++) await writeFrame(join(root, 'walk'), `f${i}`, ...plainFrame(4, 3, 100, 2))
  })
  const walk: DatasetData = { kind: 'dataset', name: 'walk', path: 'walk', weight: 2 }

  it('takes held-out frames out of training and validates on them', async () => {
    const split = { kind: 'tail', fraction: 0.3, gap: 2 } as const
    const { sources, validation } = await resolveData({ data: [{ ...walk, split }] }, root)
    expect(sources).toEqual([
      {
        kind: 'dataset',
        root: join(root, 'walk'),
        name: 'walk',
        weight: 2,
        options: { layout: 'folder' },
        names: ['f0', 'f1', 'f2', 'f3', 'f4'],
      },
    ])
    expect(validation).toHaveLength(1)
    expect(validation[0].name).toBe('walk')
    const names: string[] = []
    for await (const { name } of validation[0]) names.push(name)
    expect(names).toEqual(['walk/f7', 'walk/f8', 'walk/f9'])
  })

  it('says whose depth is a teacher’s, and does not validate on it', async () => {
    const split = { kind: 'tail', fraction: 0.3, gap: 2 } as const
    const taught = { ...walk, name: 'taught', split, teacher: true }
    const { sources, validation } = await resolveData({ data: [walk, taught] }, root)
    expect(sources).toMatchObject([{ name: 'walk' }, { name: 'taught', teacher: true }])
    expect(sources[0]).not.toHaveProperty('teacher', true)
    expect(sources[1]).toMatchObject({ names: ['f0', 'f1', 'f2', 'f3', 'f4'] })
    expect(validation).toEqual([])
  })

  it('reads a data set in its own layout, and validates on other options of it', async () => {
    const sync = join(root, 'nyu', 'sync', 'hall')
    const [image, depth] = plainFrame(4, 3, 100, 2)
    for (const [i, n] of ['00001', '00002', '00003'].entries()) {
      await mkdir(sync, { recursive: true })
      await writeFile(join(sync, `rgb_${n}.jpg`), await encodePngRgb(image))
      const own = { ...depth, data: depth.data.map((d) => d + i) }
      await writeFile(join(sync, `sync_depth_${n}.png`), await encodeDepthPng(own))
    }
    const line = (n: string) => `hall/rgb_${n}.jpg hall/sync_depth_${n}.png 518.8579\n`
    await writeFile(join(root, 'nyu', 'train.txt'), line('00001') + line('00002'))
    await writeFile(join(root, 'nyu', 'test.txt'), line('00003'))
    const data: DatasetData = {
      kind: 'dataset',
      name: 'nyu',
      path: 'nyu',
      weight: 1,
      options: { list: 'nyu/train.txt' },
      validation: { list: 'nyu/test.txt' },
    }
    const { sources, validation } = await resolveData({ data: [data] }, root)
    expect(sources).toMatchObject([
      { kind: 'dataset', options: { layout: 'nyu-folder', list: join(root, 'nyu/train.txt') } },
    ])
    expect((await validation[0].get(0)).name).toBe('nyu/hall/rgb_00003')
    expect(validation[0].length).toBe(1)
    // What the loader's threads make of the source: batches of its two frames, 2 and 3 m.
    const maker = await createBatchMaker({ sources, batch: 2, width: 4, height: 3, seed: 1 }, renderRoom)
    const batch = await maker.make(0)
    expect([...batch.names].sort()).toEqual(['nyu/hall/rgb_00001', 'nyu/hall/rgb_00002'])
    const metres = batch.names.map((_, j) => Math.round(10 * (batch.depth[j * 12 + 6] / batch.scales[j])) / 10)
    expect(metres.sort()).toEqual([2, 3])

    const tail = { kind: 'tail', fraction: 0.34, gap: 0 } as const
    const held = await resolveData(
      { data: [{ ...data, options: undefined, validation: undefined, split: tail }] },
      root,
    )
    expect(held.sources).toMatchObject([{ names: ['sync/hall/rgb_00001', 'sync/hall/rgb_00002'] }])
    expect((await held.validation[0].get(0)).name).toBe('nyu/sync/hall/rgb_00003')
  })

  it('validates on nothing when nothing is held out', async () => {
    const rooms = { kind: 'rooms', seed: 1, weight: 1, width: 16, height: 16 } as const
    const { sources, validation } = await resolveData({ data: [walk, rooms] }, root)
    expect(sources).toHaveLength(2)
    expect(validation).toEqual([])
  })

  it('has rooms of two kinds under two names', async () => {
    const rooms = { kind: 'rooms', weight: 1, width: 16, height: 12, validation: 1 } as const
    const data = parseRecipe(
      tinyRecipe({
        data: [
          { ...rooms, seed: 1 },
          { ...rooms, seed: 9, name: 'plain' },
        ],
      }),
      'two',
    ).data
    const { contents, sources, validation } = await resolveData({ data }, root)
    expect(contents.map(({ name }) => name)).toEqual(['rooms', 'plain'])
    expect(sources.map(({ name }) => name)).toEqual(['rooms', 'plain'])
    expect(validation.map(({ name }) => name)).toEqual(['rooms', 'plain'])
    const [one, other] = await Promise.all(validation.map((set) => set.get(0)))
    expect(one.image).not.toEqual(other.image)
  })

  it('validates on rooms of another seed than the training rooms', async () => {
    const size = { width: 16, height: 16 }
    const rooms = { kind: 'rooms', seed: 1, weight: 1, ...size, validation: 2 } as const
    const { sources, validation } = await resolveData({ data: [rooms] }, root)
    expect(sources).toMatchObject([{ kind: 'rooms', seed: 1 }])
    expect(validation[0].length).toBe(2)
    const held = await validation[0].get(0)
    expect(held.image).toEqual((await roomsDataset({ seed: 2, count: 2, ...size }).get(0)).image)
    expect(held.image).not.toEqual((await roomsDataset({ seed: 1, count: 2, ...size }).get(0)).image)
  })

  it('furnishes rooms from a folder below the data folder, for training and validation', async () => {
    await mkdir(join(root, 'shop'))
    await writeCatalogue(join(root, 'shop', 'test.sh3f'))
    const size = { width: 16, height: 16 }
    const rooms = { kind: 'rooms', seed: 1, weight: 1, ...size, validation: 1, furniture: 'shop' } as const
    const { sources, validation } = await resolveData({ data: [rooms] }, root)
    const furniture = join(root, 'shop')
    expect(sources).toMatchObject([{ kind: 'rooms', furniture }])
    const held = await validation[0].get(0)
    expect(held.image).toEqual((await roomsDataset({ seed: 2, count: 1, ...size, furniture }).get(0)).image)
    await expect(resolveData({ data: [{ ...rooms, furniture: 'none' }] }, root)).rejects.toThrow(/cannot list .*none/)
  })

  it.each([
    ['a folder that is not there, with no split', { path: 'nowhere' }, /nowhere/],
    ['a folder that is not there, with a split', { path: 'nowhere', split: { kind: 'tail' } }, /nowhere/],
    [
      'a split that leaves nothing',
      { split: { kind: 'prefix', heldOut: ['f'] } },
      /walk: the split leaves no frame to train/,
    ],
  ] as const)('refuses %s', async (_, change, message) => {
    const resolving = resolveData({ data: [{ ...walk, ...change }] }, root)
    await expect(resolving).rejects.toThrow(DarError)
    await expect(resolving).rejects.toThrow(message)
  })
})
