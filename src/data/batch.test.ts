import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { encodeDepthPng, encodePngRgb } from '../node/png16.ts'
import { DarError } from '../support/errors.ts'
import { type BatchOptions, checkBatchOptions, createBatchMaker } from './batch.ts'
import type { RenderRoom } from './sources.ts'

let root = ''
beforeAll(async () => {
  root = await temporaryFolder()
  await mkdir(join(root, 'rgb'))
  await mkdir(join(root, 'depth'))
  for (const value of [1, 2, 3, 4, 5]) {
    const image = { width: 20, height: 15, data: new Uint8Array(900).fill(40 * value) }
    const depth = { width: 20, height: 15, data: new Float32Array(300).fill(value) }
    await writeFile(join(root, 'rgb', `${value}.png`), await encodePngRgb(image))
    await writeFile(join(root, 'depth', `${value}.png`), await encodeDepthPng(depth))
  }
})

/** A wall at a depth that tells the seed; counts how often it is asked. */
function fakeRooms(): { render: RenderRoom; seeds: number[] } {
  const seeds: number[] = []
  const render: RenderRoom = ({ seed, width, height }) => {
    seeds.push(seed)
    const data = new Uint8Array(3 * width * height).fill(seed % 256)
    const depth = { width, height, data: new Float32Array(width * height).fill(1 + (seed % 8)) }
    return { image: { width, height, data }, depth, intrinsics: { fx: 20, fy: 20, cx: 10, cy: 7 } }
  }
  return { render, seeds }
}

const mixed = (): BatchOptions => ({
  sources: [
    { kind: 'dataset', root, name: 'real', weight: 1 },
    { kind: 'rooms', seed: 7, weight: 1, width: 24, height: 18, reuse: 4, pool: 8 },
  ],
  batch: 4,
  width: 16,
  height: 12,
  seed: 5,
})

describe('batch', () => {
  it('has the stated shapes and half of its samples from each source', async () => {
    const maker = await createBatchMaker(mixed(), fakeRooms().render)
    const batch = await maker.make(3)
    expect(batch.index).toBe(3)
    expect(batch.image.length).toBe(4 * 3 * 12 * 16)
    expect(batch.depth.length).toBe(4 * 12 * 16)
    expect(batch.names.filter((name) => name.startsWith('real/'))).toHaveLength(2)
    expect(batch.names.filter((name) => name.startsWith('rooms/'))).toHaveLength(2)
  })

  it('labels every sample with its own frame’s depth in canonical metres', async () => {
    const maker = await createBatchMaker(mixed(), fakeRooms().render)
    const { depth, names, scales } = await maker.make(0)
    names.forEach((name, j) => {
      const [source, frame] = name.split('/')
      const metres = source === 'real' ? Number(frame) : 1 + (Number(frame) % 8)
      expect(depth[j * 16 * 12 + 100] / scales[j]).toBeCloseTo(metres, 4)
    })
  })

  it('says which samples have their depth from a teacher, and is the same otherwise', async () => {
    const { sources, ...rest } = mixed()
    const taught = { ...rest, sources: sources.map((one) => (one.kind === 'rooms' ? one : { ...one, teacher: true })) }
    const plain = await (await createBatchMaker(mixed(), fakeRooms().render)).make(2)
    const batch = await (await createBatchMaker(taught, fakeRooms().render)).make(2)
    expect([...batch.teacher]).toEqual(batch.names.map((name) => Number(name.startsWith('real/'))))
    expect(batch.teacher).toContain(1)
    expect({ ...batch, teacher: null }).toEqual({ ...plain, teacher: null })
    expect([...plain.teacher]).toEqual([0, 0, 0, 0])
  })

  it('i is the same whatever was made before it, and by whom', async () => {
    const straight = await createBatchMaker(mixed(), fakeRooms().render)
    const batches = [await straight.make(0), await straight.make(1), await straight.make(2), await straight.make(9)]
    const jumping = await createBatchMaker(mixed(), fakeRooms().render)
    for (const index of [9, 2, 0, 1]) {
      const known = batches.find((batch) => batch.index === index)
      expect(await jumping.make(index)).toEqual(known)
    }
  })

  it('differs by index and by seed', async () => {
    const maker = await createBatchMaker(mixed(), fakeRooms().render)
    const other = await createBatchMaker({ ...mixed(), seed: 6 }, fakeRooms().render)
    const first = await maker.make(0)
    expect((await maker.make(1)).image).not.toEqual(first.image)
    expect((await other.make(0)).image).not.toEqual(first.image)
  })

  it('has in the parts of an update the samples of one whole batch, rooms included', async () => {
    const whole = await createBatchMaker(mixed(), fakeRooms().render)
    const halves = await createBatchMaker({ ...mixed(), batch: 2, perUpdate: 2 }, fakeRooms().render)
    for (const update of [0, 1, 2, 3, 4, 5]) {
      const parts = [await halves.make(2 * update), await halves.make(2 * update + 1)]
      const { image, depth, names } = await whole.make(update)
      expect(parts.flatMap((part) => part.names)).toEqual(names)
      expect(parts.flatMap((part) => [...part.image])).toEqual([...image])
      expect(parts.flatMap((part) => [...part.depth])).toEqual([...depth])
    }
  })

  it('brings random numbers of each sample, and the pictures are those without', async () => {
    const plain = await createBatchMaker(mixed(), fakeRooms().render)
    const maker = await createBatchMaker({ ...mixed(), draws: 3 }, fakeRooms().render)
    const halves = await createBatchMaker({ ...mixed(), batch: 2, perUpdate: 2, draws: 3 }, fakeRooms().render)
    const all: number[] = []
    for (const index of [2, 0, 1]) {
      const { draws, ...rest } = await maker.make(index)
      const { draws: none, ...same } = await plain.make(index)
      expect([draws.length, none.length]).toEqual([12, 0])
      expect(rest).toEqual(same)
      const parts = [await halves.make(2 * index), await halves.make(2 * index + 1)]
      expect(parts.flatMap((part) => [...part.draws])).toEqual([...draws])
      all.push(...draws)
    }
    expect(all.every((u) => u >= 0 && u < 1)).toBe(true)
    expect(new Set(all).size).toBe(36)
  })

  it('does not depend on what the cache holds', async () => {
    const kept = await createBatchMaker(mixed(), fakeRooms().render)
    const forgetful = await createBatchMaker({ ...mixed(), cacheMegabytes: 0 }, fakeRooms().render)
    for (const index of [0, 1, 2, 3]) expect(await forgetful.make(index)).toEqual(await kept.make(index))
  })

  it('visits every frame of a folder once per epoch', async () => {
    const sources = [{ kind: 'dataset', root, name: 'real', weight: 3 }] as const
    const maker = await createBatchMaker({ ...mixed(), sources, batch: 5 }, fakeRooms().render)
    for (const index of [0, 1, 2])
      expect((await maker.make(index)).names.toSorted()).toEqual(['real/1', 'real/2', 'real/3', 'real/4', 'real/5'])
  })

  it('keeps to the names of the split', async () => {
    const sources = [{ kind: 'dataset', root, name: 'real', weight: 1, names: ['2', '4'] }] as const
    const maker = await createBatchMaker({ ...mixed(), sources }, fakeRooms().render)
    expect(new Set((await maker.make(0)).names)).toEqual(new Set(['real/2', 'real/4']))
  })

  it('names the file of a frame that cannot be read', async () => {
    const broken = await temporaryFolder()
    for (const folder of ['rgb', 'depth']) {
      await mkdir(join(broken, folder))
      await writeFile(join(broken, folder, 'bad.png'), 'no picture')
    }
    const sources = [{ kind: 'dataset', root: broken, name: 'broken', weight: 1 }] as const
    const maker = await createBatchMaker({ ...mixed(), sources }, fakeRooms().render)
    await expect(maker.make(0)).rejects.toThrow(/bad\.png/)
  })
})

describe('rooms', () => {
  const rooms = (reuse: number): BatchOptions => ({
    ...mixed(),
    sources: [{ kind: 'rooms', seed: 7, weight: 1, width: 16, height: 12, reuse, pool: 16 }],
  })

  it('are rendered about once per `reuse` samples', async () => {
    const { render, seeds } = fakeRooms()
    const maker = await createBatchMaker(rooms(4), render)
    for (let i = 0; i < 100; i++) await maker.make(i)
    expect(seeds.length).toBeGreaterThan(0.7 * 100)
    expect(seeds.length).toBeLessThan(100 + 16)
    expect(new Set(seeds).size).toBe(seeds.length)
  })

  it('are not rendered by two makers that take turns', async () => {
    const [even, odd] = [fakeRooms(), fakeRooms()]
    const makers = [await createBatchMaker(rooms(4), even.render), await createBatchMaker(rooms(4), odd.render)]
    for (let i = 0; i < 60; i++) await makers[i % 2].make(i)
    expect(even.seeds.filter((seed) => odd.seeds.includes(seed))).toEqual([])
  })

  it('change with time: late batches share no room with early ones', async () => {
    const maker = await createBatchMaker(rooms(2), fakeRooms().render)
    const early = new Set((await maker.make(0)).names)
    expect((await maker.make(50)).names.some((name) => early.has(name))).toBe(false)
  })
})

it('checkBatchOptions names the option that makes no sense', () => {
  const wrong = (change: Partial<BatchOptions>) => () => checkBatchOptions({ ...mixed(), ...change })
  expect(wrong({})).not.toThrow()
  expect(wrong({ batch: 0 })).toThrow(DarError)
  expect(wrong({ batch: 0 })).toThrow(/batch is 0/)
  expect(wrong({ width: 1.5 })).toThrow(/width is 1.5/)
  expect(wrong({ perUpdate: 0 })).toThrow(/perUpdate is 0/)
  expect(wrong({ sources: [] })).toThrow(/no sources/)
  expect(wrong({ sources: [{ kind: 'dataset', root, name: 'real', weight: 0 }] })).toThrow(/real has weight 0/)
  expect(wrong({ sources: [{ kind: 'rooms', seed: 1, weight: 1, width: 8, height: 8, pool: 6 }] })).toThrow(/pool of 6/)
})
