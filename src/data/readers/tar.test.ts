import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeNpy } from '../../image/npy.ts'
import { DarError } from '../../support/errors.ts'
import { h5Dataset } from './h5-frames.ts'
import { indexTar, readMember, type TarIndex } from './tar.ts'
import { metresAt, photoPng, pixelAt, put, storedPng, temporaryFolder, writeHdf5, writeTar } from './testing.ts'
import { webDataset } from './webdataset.ts'

const folder = temporaryFolder()
const size = { width: 8, height: 6 }
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** A pax header of this record, for the member that comes next. */
function paxHeader(record: string): Buffer {
  const header = Buffer.alloc(512)
  header.write('x')
  header.write(record.length.toString(8).padStart(11, '0'), 124)
  header.write('x', 156)
  header.fill(' ', 148, 156)
  header.write(
    header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0'),
    148,
  )
  const block = Buffer.alloc(512 * Math.ceil(record.length / 512))
  block.write(record)
  return Buffer.concat([header, block])
}

describe('indexTar', () => {
  it('finds files of any size and name by their place', async () => {
    const long = `${'folder/'.repeat(30)}ünï.txt` // beyond ustar's 100 + 155 bytes: a pax header
    const path = await writeTar(join(folder.path, 'a.tar'), { 'a.txt': 'one', [long]: 'x'.repeat(1000), empty: '' })
    const { members, problem } = await indexTar(path)
    expect(problem).toBeNull()
    expect(members.map(({ name, size }) => [name, size])).toEqual([
      ['a.txt', 3],
      [long, 1000],
      ['empty', 0],
    ])
    expect(text(await readMember(path, members[0]))).toBe('one')
    expect(text(await readMember(path, members[1]))).toBe('x'.repeat(1000))
  })

  it('ends at a name that no path can have, before readers look for keys in it', async () => {
    const path = await writeTar(join(folder.path, 'a.tar'), { '0.jpg': 'one' })
    const record = ` path=${'a.a/'.repeat(200_000)}\n\n`
    const [first, end] = [(await readFile(path)).subarray(0, 1024), await readFile(path)]
    await writeFile(path, Buffer.concat([first, paxHeader(`${record.length + 6}${record}`), end]))
    const { members, problem } = await indexTar(path)
    expect(members.map(({ name }) => name)).toEqual(['0.jpg'])
    expect(problem).toMatch(/a\.tar breaks off: the name before byte \d+ has 800001 characters/)
    await expect(webDataset(path)).rejects.toThrow(/breaks off/)
  })

  it('keeps the whole files of a tar that breaks off, and says where', async () => {
    const path = await writeTar(join(folder.path, 'a.tar'), { 'a.txt': 'one', 'b.bin': new Uint8Array(2000) })
    await truncate(path, 1024 + 512 + 700)
    const { members, problem } = await indexTar(path)
    expect(members.map(({ name }) => name)).toEqual(['a.txt'])
    expect(problem).toMatch(/a\.tar breaks off: b\.bin reaches past the end of the file/)
    const damaged = await readFile(path)
    damaged[1024 + 3] ^= 1
    await writeFile(path, damaged)
    expect((await indexTar(path)).problem).toMatch(/the header at byte 1024 is damaged/)
  })

  it('refuses what is no tar, naming it', async () => {
    for (const bytes of [new Uint8Array(0), Uint8Array.of(0x1f, 0x8b, 8), new Uint8Array(2000).fill(65)]) {
      const path = await put(join(folder.path, 'b.tar'), bytes)
      await expect(indexTar(path)).rejects.toThrow(DarError)
      await expect(indexTar(path)).rejects.toThrow(/b\.tar is no tar file/)
    }
    await expect(indexTar(join(folder.path, 'nowhere.tar'))).rejects.toThrow(/nowhere\.tar/)
  })
})

describe('webDataset', () => {
  it('joins members of one key, in shards, with scale and camera of the JSON', async () => {
    const frame = async (v: number) => ({ jpg: await photoPng(size, v), png: await storedPng(size, (x) => v * x) })
    const [a, b] = [await frame(100), await frame(200)]
    const shard = (i: number) => join(folder.path, `set-00${i}.tar`)
    await writeTar(shard(0), {
      'x/000.jpg': a.jpg,
      'x/000.depth.png': a.png,
      'x/000.json': JSON.stringify({
        depth_scale: 100,
        intrinsics: [
          [9, 0, 4],
          [0, 8, 3],
          [0, 0, 1],
        ],
        caption: 'a desk',
      }),
      'x/001.jpg': b.jpg,
      'x/001.depth.npy': encodeNpy(new Float32Array(48).fill(1.5), [6, 8]),
    })
    await writeTar(shard(1), { 'x/000.png': b.jpg, 'x/000.depth.png': b.png, 'x/000.json': '{}', 'x/002.jpg': a.jpg })
    const dataset = await webDataset(folder.path, { name: 'web' })
    expect(dataset.names).toEqual(['x/000', 'x/001', 'set-001/x/000', 'x/002'])
    const frames = await Promise.all([0, 1, 2, 3].map((i) => dataset.get(i)))
    expect(frames.map((one) => (one.depth ? metresAt(one, 3, 0) : null))).toEqual([3, 1.5, 0.6, null])
    expect(frames[0].intrinsics).toEqual({ fx: 9, fy: 8, cx: 4, cy: 3 })
    expect(pixelAt(frames[2], 2, 1)).toEqual([2, 1, 200])
    expect(dataset.notes).toEqual(['1 of 4 photos have no depth map'])
    expect((await webDataset(folder.path, { withoutDepth: 'drop' })).length).toBe(3)
  })

  it('ends whatever lengths a header states', async () => {
    const path = await writeTar(join(folder.path, 'a.tar'), {
      '0.jpg': await photoPng(size),
      '1.jpg': 'x'.repeat(5000),
    })
    const good = await readFile(path)
    // A pax header before the first member, with a record whose length, or a size, is no whole number of bytes.
    for (const record of ['0.5 path=x\n', '1e-9 a=b\n', '-3 a=b\n', '99999999999 a=b\n', '3\n', ' '.repeat(900)])
      await checkEnds(path, good, record)
    for (const stated of ['0.25', '-512', '1e3', '0x10', 'Infinity', '99999999999999999999', '']) {
      const record = ` size=${stated}\n`
      await checkEnds(path, good, `${record.length + 2}${record}`)
    }
  })

  async function checkEnds(path: string, good: Buffer, record: string): Promise<void> {
    await writeFile(path, Buffer.concat([paxHeader(record), good]))
    // However it is read, it is read to an end: as a tar without that record, as one that breaks off, or as none.
    const index = await indexTar(path).catch((error: unknown) => error)
    if (index instanceof Error) expect(index).toBeInstanceOf(DarError)
    else for (const { size } of (index as TarIndex).members) expect(Number.isSafeInteger(size)).toBe(true)
  }

  it('reads no member that is too large for a part of a frame', async () => {
    const path = await writeTar(join(folder.path, 'a.tar'), { '0.jpg': 'x' })
    await truncate(path, 2 ** 33)
    await expect(readMember(path, { name: '0.jpg', offset: 512, size: 2 ** 32 })).rejects.toThrow(/too many for a part/)
  })

  it('names the shard and member that is broken', async () => {
    const path = await writeTar(join(folder.path, 'a.tar'), {
      '0.jpg': await photoPng(size),
      '0.depth.png': await photoPng(size),
      '1.jpg': 'not a photo',
      '2.jpg': await photoPng(size),
      '2.json': '{',
    })
    const dataset = await webDataset(path)
    await expect(dataset.get(0)).rejects.toThrow(/a\.tar: 0\.depth\.png is an 8-bit PNG/)
    await expect(dataset.get(1)).rejects.toThrow(/a\.tar: 1\.jpg is not an image/)
    await expect(dataset.get(2)).rejects.toThrow(/a\.tar: 2\.json is not JSON/)
    await truncate(path, 3000)
    await expect(webDataset(path)).rejects.toThrow(/breaks off/)
    await expect(writeTar(path, { 'readme.txt': 'x' }).then((tar) => webDataset(tar))).rejects.toThrow(/holds no frame/)
  })
})

describe('h5Dataset', () => {
  const frame = (path: string, metres: number) =>
    writeHdf5(path, {
      rgb: { data: Uint8Array.from({ length: 144 }, (_, i) => i), shape: [3, 6, 8] },
      depth: { data: new Float32Array(48).fill(metres).fill(Number.NaN, 0, 1), shape: [6, 8] },
    })

  it('reads files of a tree and members of shards alike', async () => {
    const one = await frame(join(folder.path, 'tree/train/kitchen/00001.h5'), 2)
    const two = await frame(join(folder.path, 'tree/val/official/00002.h5'), 3)
    const bytes = { 'train/a/00001.h5': await readFile(one), 'train/b/00001.h5': await readFile(two) }
    await writeTar(join(folder.path, 'shards/train-000000.tar'), bytes)
    await writeTar(join(folder.path, 'shards/train-000001.tar'), bytes)
    const tree = await h5Dataset(join(folder.path, 'tree'))
    expect(tree.names).toEqual(['train/kitchen/00001', 'val/official/00002'])
    const shards = await h5Dataset(join(folder.path, 'shards'))
    expect(shards.names).toEqual(
      ['000000', '000001'].flatMap((n) => [`train-${n}/train/a/00001`, `train-${n}/train/b/00001`]),
    )
    const onDisk = await tree.get(1)
    const inTar = await shards.get(3)
    expect(metresAt(onDisk, 3, 3)).toBe(3)
    expect(metresAt(onDisk, 0, 0)).toBe(0)
    expect(pixelAt(onDisk, 1, 0)).toEqual([1, 49, 97])
    expect(inTar).toEqual({ ...onDisk, name: 'shards/train-000001/train/b/00001' })
    // Frames asked for together do not disturb each other.
    const all = await Promise.all([0, 1, 2, 3].map((i) => shards.get(i)))
    expect(all.map((one) => metresAt(one, 3, 3))).toEqual([2, 3, 2, 3])
  })

  it('names a file of other shapes, cut off, or no HDF5 at all', async () => {
    const wrong = await writeHdf5(join(folder.path, 'wrong.h5'), {
      rgb: { data: new Uint8Array(144), shape: [6, 8, 3] },
      depth: { data: new Float32Array(48), shape: [6, 8] },
    })
    await expect((await h5Dataset(wrong)).get(0)).rejects.toThrow(/wrong\.h5: 'rgb' is 6×8×3 and 'depth' 6×8/)
    const whole = await frame(join(folder.path, 'whole.h5'), 1)
    const tar = await writeTar(join(folder.path, 'a.tar'), {
      'cut.h5': (await readFile(whole)).subarray(0, 900),
      'text.h5': 'no HDF5',
    })
    const dataset = await h5Dataset(tar)
    await expect(dataset.get(0)).rejects.toThrow(/a\.tar: cut\.h5 is a damaged or incomplete HDF5 file/)
    await expect(dataset.get(1)).rejects.toThrow(/a\.tar: text\.h5 is a damaged or incomplete HDF5 file/)
    await appendFile(tar, 'rest')
    await expect(h5Dataset(join(folder.path, 'nowhere'))).rejects.toThrow(DarError)
  })
})
