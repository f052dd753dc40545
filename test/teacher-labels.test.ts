/** scripts/teacher: what it writes is a folder data set, and what is there is not made twice. */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { labelPhotos, type Teacher } from '../scripts/teacher/labels.ts'
import { folderDataset, photosDataset } from '../src/data/index.ts'
import { peerBox } from '../src/eval/protocol.ts'
import { encodePngRgb } from '../src/node/index.ts'
import { DarError } from '../src/support/errors.ts'
import { temporaryFolder } from './temporary-folder.ts'

const [WIDTH, HEIGHT] = [700, 525]
const BOX = peerBox(WIDTH, HEIGHT) // 638.4 × 478.8

/** White outside of what the teacher sees; inside black at the left and red at the right. */
const photo = () => {
  const data = new Uint8Array(3 * WIDTH * HEIGHT).fill(255)
  for (let y = Math.ceil(BOX.top); y < BOX.top + BOX.height - 1; y++)
    for (let x = Math.ceil(BOX.left); x < BOX.left + BOX.width - 1; x++)
      data.set([x < WIDTH / 2 ? 0 : 255, 0, 0], 3 * (y * WIDTH + x))
  return { width: WIDTH, height: HEIGHT, data }
}

/** Black is 1 m and red 3 m away, and whatever is at the left 0.4 m more; what is in the uppermost row is too near. */
function teacherOf(weights = 'abc'): Teacher & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    name: 'a test',
    weights,
    asked,
    predict: async ({ name, image }) => {
      asked.push(name)
      const red = (x: number) => image.data[3 * (Math.floor(HEIGHT / 2) * WIDTH + x)] / 255
      const [left, right] = [1.4 + 2 * red(WIDTH / 4), 1 + 2 * red((3 * WIDTH) / 4)]
      const data = new Float32Array(8 * 6).map((_, i) => (i < 8 ? 0.05 : i % 8 < 4 ? left : right))
      return { width: 8, height: 6, data, covers: BOX }
    },
  }
}

describe('labels of a teacher', () => {
  let root = ''
  let out = ''
  beforeEach(async () => {
    root = await temporaryFolder()
    out = join(root, 'taught')
    await mkdir(join(root, 'photos'))
    for (const name of ['a', 'b', 'c'])
      await writeFile(join(root, 'photos', `${name}.png`), await encodePngRgb(photo()))
  })
  const photos = () => photosDataset(join(root, 'photos'))

  it('are a data set of what the teacher sees: the mean of the photo and its mirror image', async () => {
    expect(await labelPhotos(await photos(), teacherOf(), out)).toEqual({ written: 3, resumed: 0 })
    const set = await folderDataset(out)
    expect(set.names).toEqual(['a', 'b', 'c'])
    const { image, depth, intrinsics } = await set.get(1)
    expect(intrinsics).toBeNull()
    expect([image.width, image.height, depth?.width, depth?.height]).toEqual([512, 384, 512, 384])
    const pixel = (x: number, y: number) => [...image.data.subarray(3 * (y * 512 + x), 3 * (y * 512 + x) + 3)]
    expect(pixel(2, 2)).toEqual([0, 0, 0])
    expect(pixel(509, 381)).toEqual([255, 0, 0])
    const metres = (x: number, y: number) => depth?.data[y * 512 + x]
    expect(metres(20, 200)).toBeCloseTo(1.2, 3)
    expect(metres(490, 200)).toBeCloseTo(3.2, 3)
    expect(metres(20, 5)).toBe(0)
  })

  it('go on where they were stopped, and touch nothing that is there', async () => {
    await labelPhotos(await photos(), teacherOf(), out)
    await rm(join(out, 'rgb', 'b.png'))
    const before = await stat(join(out, 'rgb', 'a.png'), { bigint: true })
    const again = teacherOf()
    const told: (string | number)[][] = []
    const onProgress = (...args: (string | number)[]) => told.push(args)
    expect(await labelPhotos(await photos(), again, out, { onProgress })).toEqual({ written: 1, resumed: 2 })
    expect(again.asked).toEqual(['photos/b', 'photos/b'])
    expect(told).toEqual([[3, 2, 'b']])
    expect(await stat(join(out, 'rgb', 'a.png'), { bigint: true })).toEqual(before)
    expect((await folderDataset(out)).length).toBe(3)
  })

  it('of another teacher replace them only when told to', async () => {
    await labelPhotos(await photos(), teacherOf(), out)
    const other = teacherOf('def')
    await expect(labelPhotos(await photos(), other, out)).rejects.toThrow(/labels of weights abc, not def; .*--force/)
    expect(other.asked).toEqual([])
    expect(await labelPhotos(await photos(), other, out, { force: true })).toEqual({ written: 3, resumed: 0 })
    expect(JSON.parse(await readFile(join(out, 'meta.json'), 'utf8'))).toMatchObject({
      weights: 'def',
      depth_scale: 1000,
    })
  })

  it('are not written over anything else, told or not', async () => {
    await mkdir(join(out, 'depth'), { recursive: true })
    await writeFile(join(out, 'depth', 'a.png'), 'measured')
    for (const meta of [null, '{"depth_scale": 1000}', 'torn']) {
      if (meta !== null) await writeFile(join(out, 'meta.json'), meta)
      const labelling = labelPhotos(await photos(), teacherOf(), out, { force: true })
      await expect(labelling).rejects.toThrow(DarError)
      await expect(labelling).rejects.toThrow(/is not empty and holds no teacher's labels; choose an empty folder/)
    }
    expect(await readFile(join(out, 'depth', 'a.png'), 'utf8')).toBe('measured')
  })
})
