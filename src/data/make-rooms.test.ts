import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeCatalogue } from '../rooms/catalogue/testing.ts'
import { folderDataset } from './folder.ts'
import { makeRooms } from './make-rooms.ts'
import { roomsDataset } from './rooms-dataset.ts'

let root = ''
beforeEach(async () => {
  root = await temporaryFolder()
})
const size = { width: 32, height: 24, seed: 5 }

describe('makeRooms', () => {
  it('writes a folder that reads back as the same rooms, to the millimetre', async () => {
    const out = join(root, 'new')
    expect(await makeRooms(out, { ...size, count: 2 })).toEqual({ written: 2, resumed: 0 })
    const set = await folderDataset(out)
    const rooms = roomsDataset({ ...size, count: 2 })
    expect(set.names).toEqual(['000000', '000001'])
    for (const i of [0, 1]) {
      const [read, made] = [await set.get(i), await rooms.get(i)]
      expect(read.image).toEqual(made.image)
      expect(read.intrinsics?.fx).toBeCloseTo(made.intrinsics?.fx ?? 0, 9)
      read.depth?.data.forEach((d, k) => {
        expect(Math.abs(d - (made.depth?.data[k] ?? 0))).toBeLessThanOrEqual(0.000501)
      })
    }
    expect((await readdir(out)).sort()).toEqual(['depth', 'intrinsics.json', 'meta.json', 'rgb'])
  })

  it('goes on where it was interrupted, and extends a finished set, with the same files', async () => {
    const [whole, parts] = [join(root, 'whole'), join(root, 'parts')]
    await makeRooms(whole, { ...size, count: 3 })
    const stopped = makeRooms(parts, {
      ...size,
      count: 3,
      onProgress: (done) => {
        if (done === 2) throw new Error('interrupted')
      },
    })
    await expect(stopped).rejects.toThrow('interrupted')
    // As when the machine stops inside a line.
    await appendFile(join(parts, '.rooms.jsonl'), '{"name":"0000')
    expect(await makeRooms(parts, { ...size, count: 2 })).toEqual({ written: 0, resumed: 2 })
    expect(await makeRooms(parts, { ...size, count: 3 })).toEqual({ written: 1, resumed: 2 })
    for (const file of ['intrinsics.json', 'meta.json', 'rgb/000002.png', 'depth/000002.png'])
      expect(await readFile(join(parts, file)), file).toEqual(await readFile(join(whole, file)))
    expect(await readdir(parts)).not.toContain('.rooms.jsonl')
  })

  it('touches no folder that holds anything else, or other rooms', async () => {
    await writeFile(join(root, 'letter.txt'), 'dear')
    await expect(makeRooms(root, { ...size, count: 1 })).rejects.toThrow(/is not empty and holds no set of rooms/)
    await writeFile(join(root, 'meta.json'), '{"depth_scale": 1000}')
    await expect(makeRooms(root, { ...size, count: 1 })).rejects.toThrow(/holds another data set/)
    expect((await readdir(root)).sort()).toEqual(['letter.txt', 'meta.json'])
    await makeRooms(join(root, 'a'), { ...size, count: 1 })
    await expect(makeRooms(join(root, 'a'), { ...size, seed: 6, count: 1 })).rejects.toThrow(/rooms of seed 5, not 6/)
    await expect(makeRooms(join(root, 'b'), { ...size, count: 0 })).rejects.toThrow(/count is 0/)
  })

  it('furnishes rooms from a catalogue, says which, and mixes them with no others', async () => {
    await mkdir(join(root, 'shop'))
    await writeCatalogue(join(root, 'shop', 'a.sh3f'))
    const [out, plain, furniture] = [join(root, 'furnished'), join(root, 'plain'), join(root, 'shop')]
    await makeRooms(out, { ...size, count: 1, furniture })
    await makeRooms(plain, { ...size, count: 1 })
    const set = await folderDataset(out)
    expect((await set.get(0)).image).toEqual((await roomsDataset({ ...size, count: 1, furniture }).get(0)).image)
    expect((await set.get(0)).image).not.toEqual((await (await folderDataset(plain)).get(0)).image)
    expect(JSON.parse(await readFile(join(out, 'meta.json'), 'utf8')).furniture).toMatch(/^[0-9a-f]{64}$/)
    expect(JSON.parse(await readFile(join(plain, 'meta.json'), 'utf8'))).not.toHaveProperty('furniture')
    expect(await makeRooms(out, { ...size, count: 2, furniture })).toEqual({ written: 1, resumed: 1 })
    await expect(makeRooms(out, { ...size, count: 2 })).rejects.toThrow(/holds rooms with other furniture/)
    await expect(makeRooms(plain, { ...size, count: 2, furniture })).rejects.toThrow(/holds rooms with other furniture/)
    await writeCatalogue(join(furniture, 'b.sh3f'))
    await expect(makeRooms(out, { ...size, count: 2, furniture })).rejects.toThrow(/holds rooms with other furniture/)
    await expect(makeRooms(out, { ...size, count: 2, furniture: root })).rejects.toThrow(/holds no \.sh3f file/)
  })
})
