import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { metresAt, photoPng, put, storedPng, temporaryFolder } from './testing.ts'
import { associate, tumDataset } from './tum.ts'

const folder = temporaryFolder()
const size = { width: 8, height: 6 }

describe('tumDataset', () => {
  it('pairs the nearest times of the two lists, ÷ 5000', async () => {
    for (const time of ['1.00', '1.03', '2.00']) await put(join(folder.path, `rgb/${time}.png`), await photoPng(size))
    for (const [time, v] of [
      ['1.01', 5000],
      ['1.032', 10_000],
    ] as const)
      await put(join(folder.path, `depth/${time}.png`), await storedPng(size, () => v))
    await put(
      join(folder.path, 'rgb.txt'),
      '# color images\n# timestamp filename\n1.00 rgb/1.00.png\n1.03 rgb/1.03.png\n2.00 rgb/2.00.png\n',
    )
    await put(join(folder.path, 'depth.txt'), '# depth\n1.01 depth/1.01.png\n1.032 depth/1.032.png\n')
    const dataset = await tumDataset(folder.path, { name: 'desk' })
    expect(dataset.names).toEqual(['1.00', '1.03'])
    expect(dataset.notes).toEqual(['1 of 3 photos have no depth within 0.02 s'])
    const [first, second] = [await dataset.get(0), await dataset.get(1)]
    expect([metresAt(first, 1, 1), metresAt(second, 1, 1)]).toEqual([1, 2])
    // The driver's default of 525 at 640 pixels.
    expect(first.intrinsics?.fx).toBeCloseTo(525 / 80, 9)
  })

  it('knows the camera of a published sequence by its name', async () => {
    const root = join(folder.path, 'rgbd_dataset_freiburg3_office')
    await put(join(root, 'rgb/1.png'), await photoPng(size))
    await put(join(root, 'depth/1.png'), await storedPng(size, () => 5000))
    await put(join(root, 'rgb.txt'), '1 rgb/1.png')
    await put(join(root, 'depth.txt'), '1 depth/1.png')
    expect((await (await tumDataset(root)).get(0)).intrinsics?.fx).toBeCloseTo(535.4 / 80, 9)
  })

  it('names a list that is missing, malformed, hostile or of another sequence', async () => {
    await put(join(folder.path, 'depth.txt'), '1 depth/1.png')
    await expect(tumDataset(folder.path)).rejects.toThrow(/rgb\.txt was not found/)
    const opening = async (text: string) => {
      await put(join(folder.path, 'rgb.txt'), text)
      return tumDataset(folder.path)
    }
    await expect(opening('# nothing\n')).rejects.toThrow(/rgb\.txt lists no file/)
    await expect(opening('noon rgb/1.png')).rejects.toThrow(/rgb\.txt, line 1: "noon rgb\/1\.png"/)
    await expect(opening('1 ../../x.png')).rejects.toThrow(/line 1: the path .* leaves/)
    await expect(opening('9 rgb/9.png')).rejects.toThrow(/no two times .* within 0\.02 s/)
  })
})

describe('associate', () => {
  it('refuses times that are all alike, which would pair each with each', () => {
    const alike = Array.from({ length: 100_000 }, () => 7)
    expect(() => associate(alike, alike, 0.02)).toThrow(/too many times lie within 0.02 s/)
    const close = Array.from({ length: 100_000 }, (_, i) => i * 1e-9)
    expect(() => associate(close, close, 0.02)).toThrow(/too many times/)
  })

  it('takes a few that are', () => {
    expect(associate([1, 1, 2], [1, 1, 2.01], 0.02)).toHaveLength(3)
  })

  it('agrees with trying every pair, nearest first', () => {
    const a = Array.from({ length: 40 }, (_, i) => (i * 37) % 101)
    const b = Array.from({ length: 40 }, (_, i) => ((i * 53) % 103) + 0.3)
    const all = a
      .flatMap((s, i) => b.map((t, j) => ({ i, j, apart: Math.abs(s - t) })))
      .filter(({ apart }) => apart < 2)
    const [usedA, usedB, slow] = [new Set<number>(), new Set<number>(), [] as [number, number][]]
    for (const { i, j } of all.sort((p, q) => p.apart - q.apart)) {
      if (usedA.has(i) || usedB.has(j)) continue
      usedA.add(i)
      usedB.add(j)
      slow.push([i, j])
    }
    expect(associate(a, b, 2)).toEqual(slow.sort((p, q) => a[p[0]] - a[q[0]]))
    expect(slow.length).toBeGreaterThan(30)
  })
})
