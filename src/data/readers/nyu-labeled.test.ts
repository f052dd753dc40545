import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { DarError } from '../../support/errors.ts'
import { nyuLabeledDataset } from './nyu-labeled.ts'
import { officialNyuSplit, readNyuSplit } from './nyu-split.ts'
import { metresAt, PLAIN_MAT, pixelAt, put, SPLITS_MAT, temporaryFolder, writeHdf5 } from './testing.ts'

const folder = temporaryFolder()

/** Frame n at (x, y): colour (10n + x, y, channel), measured 1 + n + x/10 + y/100 m, filled ten times that; (0, 0) is a hole. */
async function writeMat({
  frames = 4,
  width = 8,
  height = 6,
  name = 'nyu_depth_v2_labeled.mat',
} = {}): Promise<string> {
  const pixels = width * height
  const images = new Uint8Array(frames * 3 * pixels)
  const rawDepths = new Float32Array(frames * pixels)
  for (let n = 0; n < frames; n++)
    for (let x = 0; x < width; x++)
      for (let y = 0; y < height; y++) {
        // MATLAB's order: the row is the fastest axis.
        rawDepths[n * pixels + x * height + y] = x + y === 0 ? 0 : 1 + n + x / 10 + y / 100
        ;[10 * n + x, y, 200].forEach((value, c) => {
          images[(3 * n + c) * pixels + x * height + y] = value
        })
      }
  return writeHdf5(join(folder.path, name), {
    images: { data: images, shape: [frames, 3, width, height], chunks: [1, 3, width, height] },
    rawDepths: { data: rawDepths, shape: [frames, width, height], chunks: [1, width, height] },
    depths: { data: rawDepths.map((d) => 10 * d), shape: [frames, width, height], chunks: [1, width, height] },
  })
}

describe('nyuLabeledDataset', () => {
  it('reads the transposed layout: photo, measured depth in metres, NYU camera', async () => {
    const dataset = await nyuLabeledDataset(await writeMat())
    expect(dataset.names).toEqual(['00000', '00001', '00002', '00003'])
    const frame = await dataset.get(2)
    expect(frame.name).toBe('nyu/00002')
    expect([frame.image.width, frame.image.height]).toEqual([8, 6])
    expect(pixelAt(frame, 7, 1)).toEqual([27, 1, 200])
    expect(pixelAt(frame, 0, 5)).toEqual([20, 5, 200])
    expect(metresAt(frame, 7, 5)).toBe(3.75)
    expect(metresAt(frame, 1, 0)).toBe(3.1)
    expect(metresAt(frame, 0, 0)).toBe(0)
    expect(frame.intrinsics?.fx).toBeCloseTo(518.857901 / 80, 9)
  })

  it('reads the filled depth when asked, and a folder that holds the file', async () => {
    await writeMat()
    const frame = await (await nyuLabeledDataset(folder.path, { truth: 'filled' })).get(0)
    expect(metresAt(frame, 1, 0)).toBe(11)
  })

  it('takes a side by splits.mat beside the file, a named list, or test numbers as text', async () => {
    const file = await writeMat({ frames: 4 })
    await put(join(folder.path, 'other', 'splits.mat'), SPLITS_MAT)
    const numbers = await put(join(folder.path, 'test.txt'), 'bathroom/rgb_00002.jpg x.png 518.8\n0\n')
    const names = async (side: 'train' | 'test', list?: string) => (await nyuLabeledDataset(file, { side, list })).names
    expect(await names('test', numbers)).toEqual(['00000', '00002'])
    expect(await names('train', numbers)).toEqual(['00001', '00003'])
    await expect(names('test')).rejects.toThrow(/has 4 frames, and the official split is of 1449/)
    await expect(names('test', join(folder.path, 'other', 'splits.mat'))).rejects.toThrow(/names frame 299/)
    await writeFile(join(folder.path, 'splits.mat'), PLAIN_MAT)
    expect(await names('test')).toEqual(['00001', '00003'])
    expect(await names('train')).toEqual(['00000', '00002'])
  })

  it('reads a file of one frame, whose first axis MATLAB drops', async () => {
    const pixels = { data: new Float32Array(48).fill(2), shape: [8, 6] }
    const file = await writeHdf5(join(folder.path, 'one.mat'), {
      images: { data: new Uint8Array(3 * 48).fill(9), shape: [3, 8, 6] },
      rawDepths: pixels,
    })
    const dataset = await nyuLabeledDataset(file)
    expect(dataset.length).toBe(1)
    expect(metresAt(await dataset.get(0), 3, 3)).toBe(2)
  })

  it('reads one frame without reading the file', async () => {
    const [frames, width, height] = [24, 64, 48]
    const noise = (length: number) =>
      Uint8Array.from({ length }, (_, i) => (Math.imul(i ^ (i >> 7), 2654435761) >>> 24) & 255)
    const file = await writeHdf5(join(folder.path, 'big.mat'), {
      images: {
        data: noise(frames * 3 * width * height),
        shape: [frames, 3, width, height],
        chunks: [1, 3, width, height],
      },
      rawDepths: {
        data: Float32Array.from(noise(frames * width * height), (v) => 1 + v),
        shape: [frames, width, height],
        chunks: [1, width, height],
      },
    })
    const dataset = await nyuLabeledDataset(file)
    const fs = await import('node:fs')
    const reading = vi.spyOn(fs.default, 'readSync')
    await dataset.get(20)
    const bytes = reading.mock.results.reduce((sum, { value }) => sum + (value as number), 0)
    reading.mockRestore()
    const { length } = await readFile(file)
    expect(bytes).toBeGreaterThan(3 * width * height)
    expect(bytes).toBeLessThan(length / 4)
  })

  it('names a file that is missing, cut off, another one, or of other shapes', async () => {
    const file = await writeMat()
    const opening = (path: string) => nyuLabeledDataset(path)
    await expect(opening(join(folder.path, 'nowhere.mat'))).rejects.toThrow(/nowhere\.mat was not found/)
    const splits = await put(join(folder.path, 'splits.mat'), SPLITS_MAT)
    await expect(opening(splits)).rejects.toThrow(/splits\.mat is a MATLAB 5 file, not MATLAB 7.3/)
    const shapes = await writeHdf5(join(folder.path, 'shapes.mat'), {
      images: { data: new Uint8Array(2 * 3 * 48), shape: [2, 3, 6, 8] },
      rawDepths: { data: new Float32Array(2 * 48), shape: [2, 8, 6] },
    })
    await expect(opening(shapes)).rejects.toThrow(/'images' is 2×3×6×8 and 'rawDepths' 2×8×6/)
    const other = await writeHdf5(join(folder.path, 'other.mat'), { x: { data: new Float32Array(1), shape: [1] } })
    await expect(opening(other)).rejects.toThrow(/other\.mat has no 'images'/)
    const { length } = await readFile(file)
    await truncate(file, Math.floor(length / 2))
    await expect(opening(file)).rejects.toThrow(DarError)
    await expect(opening(file)).rejects.toThrow(/labeled\.mat is a damaged or incomplete HDF5 file \(truncated file/)
  })

  it('names a frame whose chunk is damaged, and reads the others', async () => {
    const file = await writeMat({ frames: 2, width: 64, height: 48 })
    const bytes = await readFile(file)
    // Deflate streams begin with 78; break the last one's body.
    const at = bytes.lastIndexOf(Uint8Array.of(0x78, 0x5e))
    bytes.fill(0xaa, at + 10, at + 200)
    await writeFile(file, bytes)
    const dataset = await nyuLabeledDataset(file, { truth: 'filled' })
    await expect(dataset.get(1)).rejects.toThrow(DarError)
    expect(metresAt(await dataset.get(0), 1, 0)).toBe(11)
  })
})

describe('the official split', () => {
  it('has 795 and 654 frames that do not meet, the first and last as published', () => {
    const { train, test } = officialNyuSplit()
    expect([train.length, test.length]).toEqual([795, 654])
    expect(new Set([...train, ...test]).size).toBe(1449)
    // testNdxs of splits.mat begins 1, 2, 9, 14, 15, 16, 17, 18, 21, 28 and ends 1447, 1448, 1449, counted from 1.
    expect(test.slice(0, 10)).toEqual([0, 1, 8, 13, 14, 15, 16, 17, 20, 27])
    expect(test.slice(-3)).toEqual([1446, 1447, 1448])
  })

  it('refuses lists that name nothing or frames that are not there', async () => {
    const write = (text: string) => put(join(folder.path, 'test.txt'), text)
    await expect(readNyuSplit(await write(''), 9)).rejects.toThrow(/names no frame/)
    await expect(readNyuSplit(await write('9\n'), 9)).rejects.toThrow(/names frame 9/)
    await expect(readNyuSplit(await write('kitchen\n'), 9)).rejects.toThrow(/"kitchen" is not a frame number/)
  })
})
