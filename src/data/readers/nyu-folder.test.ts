import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DarError } from '../../support/errors.ts'
import { insideRoot } from './files.ts'
import { nyuFolderDataset } from './nyu-folder.ts'
import { parseSplit } from './split-file.ts'
import { metresAt, photoPng, put, storedPng, temporaryFolder } from './testing.ts'

const folder = temporaryFolder()
const size = { width: 8, height: 6 }

async function addFrame(scene: string, number: string, millimetres = 1000, { depth = true } = {}): Promise<void> {
  await put(join(folder.path, scene, `rgb_${number}.jpg`), await photoPng(size))
  if (depth)
    await put(join(folder.path, scene, `sync_depth_${number}.png`), await storedPng(size, (x) => x * millimetres))
}
const list = (text: string) => put(join(folder.path, 'list.txt'), text)

describe('nyuFolderDataset', () => {
  it('finds the pairs of every scene, in order, in metres', async () => {
    await addFrame('sync/kitchen', '00010', 2000)
    await addFrame('sync/bath', '00002')
    const dataset = await nyuFolderDataset(folder.path, { name: 'nyu' })
    expect(dataset.names).toEqual(['sync/bath/rgb_00002', 'sync/kitchen/rgb_00010'])
    const frame = await dataset.get(1)
    expect(frame.name).toBe('nyu/sync/kitchen/rgb_00010')
    expect(metresAt(frame, 3, 2)).toBe(6)
    expect(metresAt(frame, 0, 2)).toBe(0)
    expect(frame.intrinsics?.fy).toBeCloseTo(519.469611 / 80, 9)
  })

  it('reads a list from any of the usual places: leading slashes, None, other focal lengths', async () => {
    await addFrame('sync/kitchen', '00010')
    await addFrame('official_splits/test/bath', '00045')
    await addFrame('sync/hall', '00001', 1000, { depth: false })
    const file = await list(
      '/kitchen/rgb_00010.jpg /kitchen/sync_depth_00010.png 518.8579\r\n\nbath/rgb_00045.jpg bath/sync_depth_00045.png 100\nhall/rgb_00001.jpg None 518.8579\n',
    )
    const dataset = await nyuFolderDataset(folder.path, { list: file })
    expect(dataset.names).toEqual(['kitchen/rgb_00010', 'bath/rgb_00045', 'hall/rgb_00001'])
    expect(dataset.notes).toEqual(['1 of 3 listed frames have no depth map'])
    const [kitchen, bath, hall] = await Promise.all([0, 1, 2].map((i) => dataset.get(i)))
    expect(metresAt(kitchen, 3, 2)).toBe(3)
    expect(kitchen.intrinsics?.fx).toBeCloseTo(518.857901 / 80, 9)
    expect(bath.intrinsics).toEqual({ fx: 100, fy: 100, cx: 3.5, cy: 2.5 })
    expect(hall.depth).toBeNull()
    expect((await nyuFolderDataset(folder.path, { list: file, withoutDepth: 'drop' })).length).toBe(2)
  })

  it('refuses 8-bit depth with the reason, naming the file', async () => {
    await addFrame('sync/kitchen', '00010')
    const path = await put(join(folder.path, 'sync/kitchen/sync_depth_00010.png'), await photoPng(size))
    const reading = (await nyuFolderDataset(folder.path)).get(0)
    await expect(reading).rejects.toThrow(DarError)
    await expect(reading).rejects.toThrow(`${path} is an 8-bit PNG, and 256 levels cannot hold metric depth`)
  })

  it('names a photo without depth, or notes it', async () => {
    await addFrame('a', '1')
    await addFrame('a', '2', 1000, { depth: false })
    await put(join(folder.path, 'a/sync_depth_3.png'), await storedPng(size, () => 1))
    await expect(nyuFolderDataset(folder.path)).rejects.toThrow(/1 of 2 photos have no depth map, first .*rgb_2\.jpg/)
    const { names, notes } = await nyuFolderDataset(folder.path, { incomplete: 'note' })
    expect(names).toEqual(['a/rgb_1'])
    expect(notes).toEqual([
      expect.stringMatching(/^1 of 2 photos have no depth map/),
      expect.stringMatching(/^1 depth maps have no photo, first .*sync_depth_3\.png/),
    ])
  })

  it('names the line of a list that is wrong', async () => {
    await addFrame('a', '1')
    const opening = async (text: string) => nyuFolderDataset(folder.path, { list: await list(text) })
    await expect(opening('# nothing\n\n')).rejects.toThrow(/list\.txt lists no frame/)
    await expect(opening('a/rgb_1.jpg None 518.8\n').then((set) => set.get(0))).resolves.toBeDefined()
    await expect(opening('a/rgb 1.jpg a/b c 518.8\n')).rejects.toThrow(/list\.txt, line 1 has 5 words/)
    await expect(opening('a/rgb_1.jpg b.png -4\n')).rejects.toThrow(/line 1: the focal length -4/)
    await expect(opening('a/rgb_1.jpg None\na/rgb_1.jpg None\n')).rejects.toThrow(/line 2 lists a\/rgb_1\.jpg again/)
    await expect(opening('x\n../../etc/passwd None 1\n')).rejects.toThrow(
      /line 2: the path "..\/..\/etc\/passwd" leaves/,
    )
    await expect((await opening('a/rgb_9.jpg None 1\n')).get(0)).rejects.toThrow(
      /line 1: .*a\/rgb_9\.jpg was not found/,
    )
  })
})

describe('paths of lists', () => {
  it.each([
    ['a/b.png', '/data/a/b.png'],
    ['/a/b.png', '/data/a/b.png'],
    ['//etc/passwd', '/data/etc/passwd'],
    ['a/../b.png', '/data/b.png'],
  ])('%s stays inside the root', (path, inside) => {
    expect(insideRoot('/data', path, 'list')).toBe(inside)
  })

  it.each(['..', '../b.png', 'a/../../b.png', '/../b.png', 'a\\..\\b.png', 'a\0.png'])('%j is refused', (path) => {
    expect(() => insideRoot('/data', path, 'list')).toThrow(DarError)
  })

  it('of a line without depth or focal length are read', () => {
    expect(parseSplit('a.png\nb.png c.png None', 'list')).toMatchObject([
      { image: 'a.png', depth: null, focal: null, where: 'list, line 1' },
      { image: 'b.png', depth: 'c.png', focal: null, where: 'list, line 2' },
    ])
  })
})
