import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { encodeDepthPng, encodePngRgb } from '../node/png16.ts'
import { DarError } from '../support/errors.ts'
import { folderDataset, photosDataset } from './folder.ts'

let root = ''
beforeEach(async () => {
  root = await temporaryFolder()
})

const camera = { fx: 10, fy: 11, cx: 2, cy: 1.5, width: 4, height: 3 }

/** A red 4×3 photo, and depth 0, 1, 2, … 11 m. */
async function addFrame(name: string, { photo = `${name}.png`, depth = true } = {}): Promise<void> {
  const data = Uint8Array.from({ length: 36 }, (_, i) => (i % 3 === 0 ? 200 : 10))
  await mkdir(join(root, 'rgb'), { recursive: true })
  await mkdir(join(root, 'depth'), { recursive: true })
  await writeFile(join(root, 'rgb', photo), await encodePngRgb({ width: 4, height: 3, data }))
  if (!depth) return
  const metres = Float32Array.from({ length: 12 }, (_, i) => i)
  await writeFile(join(root, 'depth', `${name}.png`), await encodeDepthPng({ width: 4, height: 3, data: metres }))
}
const writeJson = (name: string, value: unknown) => writeFile(join(root, name), JSON.stringify(value))

describe('folderDataset', () => {
  it('reads photo and depth in metres, in the order of the names', async () => {
    await addFrame('b')
    await addFrame('a')
    const dataset = await folderDataset(root, { name: 'mine' })
    expect(dataset.names).toEqual(['a', 'b'])
    expect(dataset.length).toBe(2)
    const frame = await dataset.get(1)
    expect(frame.name).toBe('mine/b')
    expect([frame.image.width, frame.image.height]).toEqual([4, 3])
    expect([...frame.image.data.subarray(0, 3)]).toEqual([200, 10, 10])
    expect([...(frame.depth?.data ?? [])]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(frame.intrinsics).toBeNull()
    const names: string[] = []
    for await (const { name } of dataset) names.push(name)
    expect(names).toEqual(['mine/a', 'mine/b'])
  })

  it('takes its name from the folder', async () => {
    await addFrame('a')
    expect((await folderDataset(`${root}/`)).name).toBe(root.split('/').at(-1))
  })

  it('takes the depth scale from the option, else from meta.json', async () => {
    await addFrame('a')
    const last = async (options?: { depthScale: number }) =>
      (await (await folderDataset(root, options)).get(0)).depth?.data[11]
    await writeJson('meta.json', { depth_scale: 500, unit: 'half millimetres', intrinsics: null })
    expect(await last()).toBe(22)
    expect(await last({ depthScale: 250 })).toBe(44)
  })

  it('drops depths outside the wanted range', async () => {
    await addFrame('a')
    const { depth } = await (await folderDataset(root, { minimum: 2, maximum: 9 })).get(0)
    expect([...(depth?.data ?? [])]).toEqual([0, 0, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0])
  })

  it('reads only the frames asked for', async () => {
    for (const name of ['a', 'b', 'c']) await addFrame(name)
    expect((await folderDataset(root, { names: ['c', 'a'] })).names).toEqual(['a', 'c'])
    await expect(folderDataset(root, { names: ['a', 'd'] })).rejects.toThrow(/no photo named d/)
    await expect(folderDataset(root, { names: [] })).rejects.toThrow(/empty/)
  })

  describe('intrinsics', () => {
    const intrinsics = async (index = 0) => (await (await folderDataset(root)).get(index)).intrinsics

    it('come from meta.json', async () => {
      await addFrame('a')
      await writeJson('meta.json', { intrinsics: camera })
      expect(await intrinsics()).toEqual({ fx: 10, fy: 11, cx: 2, cy: 1.5 })
    })

    it('come from intrinsics.json first, for all frames or by name', async () => {
      await addFrame('a')
      await addFrame('b')
      await writeJson('meta.json', { intrinsics: camera })
      await writeJson('intrinsics.json', { ...camera, fx: 20 })
      expect((await intrinsics())?.fx).toBe(20)
      await writeJson('intrinsics.json', { b: { ...camera, fx: 30 } })
      expect((await intrinsics(0))?.fx).toBe(10)
      expect((await intrinsics(1))?.fx).toBe(30)
    })

    it('are scaled to the photo', async () => {
      await addFrame('a')
      await writeJson('intrinsics.json', { fx: 100, fy: 110, cx: 19.5, cy: 14.5, width: 40, height: 30 })
      // The middle of the picture stays the middle: 40 pixels reach from −0.5 to 39.5, 4 from −0.5 to 3.5.
      expect(await intrinsics()).toEqual({ fx: 10, fy: 11, cx: 1.5, cy: 1 })
    })

    it('for an image of another shape are refused', async () => {
      await addFrame('a')
      await writeJson('intrinsics.json', { ...camera, width: 30, height: 30 })
      await expect(intrinsics()).rejects.toThrow(/a\.png is 4x3, its intrinsics are for 30x30/)
    })
  })

  describe('names the file when', () => {
    it('a photo has no depth map', async () => {
      await addFrame('a')
      await addFrame('b', { depth: false })
      const opening = folderDataset(root)
      await expect(opening).rejects.toThrow(DarError)
      await expect(opening).rejects.toThrow(join(root, 'depth', 'b.png'))
    })

    it('two photos have one name', async () => {
      await addFrame('a')
      await addFrame('a', { photo: 'a.jpg' })
      await expect(folderDataset(root)).rejects.toThrow(/a\.jpg and a\.png have the same name/)
    })

    it('there are no photos, or no such folder', async () => {
      await mkdir(join(root, 'rgb'))
      await expect(folderDataset(root)).rejects.toThrow(/no JPEG, PNG or WebP photo in .*rgb/)
      await expect(folderDataset(join(root, 'nowhere'))).rejects.toThrow(/cannot list .*nowhere/)
    })

    it('a file is empty or broken', async () => {
      await addFrame('a')
      await addFrame('b')
      await writeFile(join(root, 'rgb', 'a.png'), '')
      await writeFile(join(root, 'depth', 'b.png'), 'not a picture')
      const dataset = await folderDataset(root)
      await expect(dataset.get(0)).rejects.toThrow(DarError)
      await expect(dataset.get(0)).rejects.toThrow(join(root, 'rgb', 'a.png'))
      await expect(dataset.get(1)).rejects.toThrow(join(root, 'depth', 'b.png'))
    })

    it('meta.json is not JSON or holds nonsense', async () => {
      await addFrame('a')
      await writeFile(join(root, 'meta.json'), '{')
      await expect(folderDataset(root)).rejects.toThrow(/meta\.json is not JSON/)
      await writeJson('meta.json', { depth_scale: -1 })
      await expect(folderDataset(root)).rejects.toThrow(/meta\.json: "depth_scale"/)
    })
  })

  it('has no frame beyond its end', async () => {
    await addFrame('a')
    await expect((await folderDataset(root)).get(1)).rejects.toThrow(RangeError)
  })
})

describe('photosDataset', () => {
  it('reads photos without depth, from the folder or from its rgb/', async () => {
    await addFrame('a', { depth: false })
    const inside = await photosDataset(root)
    const direct = await photosDataset(join(root, 'rgb'), { name: 'photos' })
    expect(inside.names).toEqual(['a'])
    const frame = await direct.get(0)
    expect(frame.name).toBe('photos/a')
    expect(frame.depth).toBeNull()
    expect(frame.image.data).toEqual((await inside.get(0)).image.data)
    expect(inside.notes).toEqual([])
  })

  it('notes a folder that may hold the depth under a name that is not known', async () => {
    await addFrame('a')
    await rename(join(root, 'depth'), join(root, 'gt'))
    await mkdir(join(root, 'labels'))
    await writeFile(join(root, 'labels', 'other.png'), '')
    expect((await photosDataset(root)).notes).toEqual([
      'gt/ may hold depth maps (photos of the same name: 1); if so, rename it to depth/',
    ])
  })
})
