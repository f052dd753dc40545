import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roomsDataset } from '../data/index.ts'
import { DarError } from '../support/errors.ts'
import type { FolderData } from './recipe.ts'
import { resolveData } from './sources.ts'
import { plainFrame, writeFrame } from './testing.ts'

describe('resolveData', () => {
  let root = ''
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'dar-sources-'))
    for (let i = 0; i < 10; i++) await writeFrame(join(root, 'walk'), `f${i}`, ...plainFrame(4, 3, 100, 2))
  })
  afterAll(() => rm(root, { recursive: true }))
  const walk: FolderData = { kind: 'folder', name: 'walk', path: 'walk', weight: 2 }

  it('takes held-out frames out of training and validates on them', async () => {
    const split = { kind: 'tail', fraction: 0.3, gap: 2 } as const
    const { sources, validation } = await resolveData({ data: [{ ...walk, split }] }, root)
    expect(sources).toEqual([
      { kind: 'folder', root: join(root, 'walk'), name: 'walk', weight: 2, names: ['f0', 'f1', 'f2', 'f3', 'f4'] },
    ])
    expect(validation).toHaveLength(1)
    expect(validation[0].name).toBe('walk')
    const names: string[] = []
    for await (const { name } of validation[0]) names.push(name)
    expect(names).toEqual(['walk/f7', 'walk/f8', 'walk/f9'])
  })

  it('validates on nothing when nothing is held out', async () => {
    const rooms = { kind: 'rooms', seed: 1, weight: 1, width: 16, height: 16 } as const
    const { sources, validation } = await resolveData({ data: [walk, rooms] }, root)
    expect(sources).toHaveLength(2)
    expect(validation).toEqual([])
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
