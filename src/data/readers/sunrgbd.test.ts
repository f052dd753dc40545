import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sunRgbdDataset } from './sunrgbd.ts'
import { CELLS_MAT, metresAt, photoPng, put, storedPng, temporaryFolder } from './testing.ts'

const folder = temporaryFolder()
const size = { width: 6, height: 4 }
/** What the data set stores for millimetres: rotated left by three. */
const rotated = (mm: number) => ((mm << 3) | (mm >> 13)) & 0xffff

async function addFrame(frame: string, { measured = true } = {}) {
  const at = (file: string) => join(folder.path, frame, file)
  await put(at('image/0001.jpg'), await photoPng(size))
  if (measured) await put(at('depth/0001.png'), await storedPng(size, (x) => rotated(1001 * x)))
  await put(at('depth_bfx/0001.png'), await storedPng(size, (x) => rotated(1001 * x + 1)))
  await put(at('fullres/0001.jpg'), await photoPng(size))
  await put(at('intrinsics.txt'), '520.5 0 3.5 \n0 521 2.5\n0 0 1')
}

describe('sunRgbdDataset', () => {
  it('undoes the rotation of the bits, also of values above 8191', async () => {
    await addFrame('SUNRGBD/kv1/a')
    const dataset = await sunRgbdDataset(folder.path)
    expect(dataset.names).toEqual(['SUNRGBD/kv1/a'])
    const frame = await dataset.get(0)
    expect([0, 1, 5].map((x) => metresAt(frame, x, 0))).toEqual([0, 1.001, 5.005])
    expect(frame.intrinsics).toEqual({ fx: 520.5, fy: 521, cx: 3.5, cy: 2.5 })
    await put(join(folder.path, 'SUNRGBD/kv1/a/depth/0001.png'), await storedPng(size, () => rotated(40_000)))
    expect(metresAt(await dataset.get(0), 0, 0)).toBe(40)
  })

  it('reads the filled depth when asked', async () => {
    await addFrame('kv1/a', { measured: false })
    expect(metresAt(await (await sunRgbdDataset(folder.path, { truth: 'filled' })).get(0), 1, 0)).toBe(1.002)
    await expect(sunRgbdDataset(folder.path)).rejects.toThrow(/no frame with image\/ and depth\//)
  })

  it('is one frame when the folder is one', async () => {
    await addFrame('.')
    expect((await sunRgbdDataset(folder.path)).length).toBe(1)
  })

  it('takes a side of allsplit.mat', async () => {
    for (const frame of ['kv1/a', 'kv2/b', 'kv2/c', 'kv2/d']) await addFrame(`SUNRGBD/${frame}`)
    const list = await put(join(folder.path, 'allsplit.mat'), CELLS_MAT)
    const names = async (side: 'train' | 'test' | 'all') => (await sunRgbdDataset(folder.path, { list, side })).names
    expect(await names('test')).toEqual(['SUNRGBD/kv1/a', 'SUNRGBD/kv2/b'])
    expect(await names('train')).toEqual(['SUNRGBD/kv2/c'])
    expect(await names('all')).toHaveLength(3)
    await expect(sunRgbdDataset(folder.path, { side: 'test' })).rejects.toThrow(/allsplit\.mat/)
  })

  it('reads a split list with paths from above the data set', async () => {
    await addFrame('kv1/a')
    const line = 'SUNRGBD/kv1/a/image/0001.jpg SUNRGBD/kv1/a/depth_bfx/0001.png'
    const list = await put(join(folder.path, 'val.txt'), `${line}\n`)
    const frame = await (await sunRgbdDataset(folder.path, { list })).get(0)
    expect(metresAt(frame, 1, 0)).toBe(1.002)
    expect(frame.intrinsics?.fy).toBe(521)
  })

  it('names a frame without depth, or notes it', async () => {
    await addFrame('a')
    await addFrame('b', { measured: false })
    await expect(sunRgbdDataset(folder.path)).rejects.toThrow(/1 of 2 frames have no depth\/, first .*b;/)
    expect((await sunRgbdDataset(folder.path, { incomplete: 'note' })).names).toEqual(['a'])
    await put(join(folder.path, 'a/intrinsics.txt'), '520.5 x')
    const reading = (await sunRgbdDataset(folder.path, { incomplete: 'note' })).get(0)
    await expect(reading).rejects.toThrow(/intrinsics\.txt does not hold 9 numbers/)
  })
})
