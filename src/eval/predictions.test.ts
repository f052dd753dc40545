import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { zipSync } from 'fflate'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import type { Frame } from '../data/types.ts'
import { encodeNpy } from '../image/index.ts'
import { encodeDepthPng, encodeOutputs, OUTPUT_KINDS, writeOutputs } from '../node/index.ts'
import { predictionFolder } from './predictions.ts'

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})

const put = async (name: string, bytes: Uint8Array) => {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
}
const frameOf = (name: string, width = 3, height = 2): Frame => ({
  name,
  image: { width, height, data: new Uint8Array(3 * width * height) },
  depth: null,
  intrinsics: null,
})
const DATA = Float32Array.of(1, 2, 3, 4, 5, 6)
const NPY = encodeNpy(DATA, [2, 3])
const read = async (name = 'made/a', options = {}, input: 'whole' | 'kb' | 'centre' = 'whole', frame = frameOf(name)) =>
  (await predictionFolder(folder, options)).predictor({ input })(frame)

describe('predicted depth maps', () => {
  it('refuses a .npz whose array is not what its CRC says', async () => {
    const bytes = zipSync({ 'depth.npy': NPY }, { level: 0 })
    bytes[Buffer.from(bytes).indexOf(Buffer.from(NPY)) + NPY.length - 2] ^= 1
    await put('a.npz', bytes)
    await expect(read()).rejects.toThrow(
      /a\.npz is not a whole \.npz \(the CRC of depth\.npy is wrong\); copy or save it again/,
    )
  })

  it.each<[string, () => Uint8Array | Promise<Uint8Array>, object]>([
    ['a.npy', () => NPY, {}],
    ['a.npy', () => encodeNpy(DATA, [1, 1, 2, 3]), {}],
    [
      'a.npy',
      () =>
        encodeNpy(
          DATA.map((d) => 256 * d),
          [2, 3, 1],
        ),
      { scale: 256 },
    ],
    ['a.npz', () => zipSync({ 'anything.npy': NPY }), {}],
    ['a.npz', () => zipSync({ 'mask.npy': encodeNpy(DATA, [6]), 'depth.npy': NPY }), {}],
    ['a.png', () => encodeDepthPng({ width: 3, height: 2, data: DATA }), {}],
    ['a.png', () => encodeDepthPng({ width: 3, height: 2, data: DATA }, { unitsPerMetre: 256 }), { scale: 256 }],
    [
      'a.npy',
      () =>
        encodeNpy(
          DATA.map((d) => 1 / d),
          [2, 3],
        ),
      { kind: 'inverse' },
    ],
  ])('%s is read in metres', async (name, bytes, options) => {
    await put(name, await bytes())
    const { width, height, data, covers } = await read('made/a', options)
    expect([width, height, covers]).toEqual([3, 2, undefined])
    data.forEach((d, i) => {
      expect(d).toBeCloseTo(DATA[i], 5)
    })
  })

  it('is found by the path of the frame first, then by its name alone', async () => {
    await put('scene/a.npy', NPY)
    await put(
      'other/b.npy',
      encodeNpy(
        DATA.map((d) => 10 * d),
        [2, 3],
      ),
    )
    expect((await read('made/scene/a')).data[0]).toBe(1)
    expect((await read('made/b')).data[0]).toBe(10)
    await put('other/a.npy', NPY)
    expect((await read('made/scene/a')).data[0]).toBe(1)
    await expect(read('made/a')).rejects.toThrow(/could both be the prediction of a/)
  })

  it('reads what dar predict wrote, steps, pictures and all', async () => {
    const map = { width: 3, height: 2, depth: DATA, data: DATA, sigma: DATA }
    const focal = { relative: 0.6, source: 'default', millimetres35: 26 } as const
    const milliseconds = { decode: 0, compile: 0, prepare: 0, run: 0, finish: 0 }
    const rest = { focal, networkSize: { width: 3, height: 2 }, milliseconds, warnings: [] }
    const kinds = OUTPUT_KINDS.filter((kind) => kind !== 'glb') // which six pixels are too few for
    const whole = { ...map, ...rest, steps: [{ ...map, data: DATA.map((d) => 2 * d) }, map] }
    const photo = { width: 3, height: 2, data: new Uint8Array(18) }
    await writeOutputs(await encodeOutputs(whole, { kinds }, { photo }), folder, 'a')
    const maps = await predictionFolder(folder)
    expect(maps.files).toBe(3)
    expect(maps.found(['a', 'a.step1', 'a.sigma'])).toEqual(['a'])
    expect((await read()).data).toEqual(DATA)
  })

  it('takes the array where a PNG of the same frame lies beside it', async () => {
    await put('a.png', await encodeDepthPng({ width: 3, height: 2, data: DATA.map((d) => 2 * d) }))
    expect((await read()).data[0]).toBe(2)
    await put('a.npy', NPY)
    expect((await read()).data[0]).toBe(1)
  })

  it('is found under the name of the photo where the data set leaves out a part of it', async () => {
    await put('rgb_00012.depth.npy', NPY)
    expect((await read('nyu/cafe/00012')).data[0]).toBe(1)
    expect((await read('nyu/cafe/00012_colors')).data[0]).toBe(1)
  })

  it('shows the input of the protocol, unless it has the size of the whole image', async () => {
    await put('a.npy', encodeNpy(new Float32Array(16), [4, 4]))
    const { covers } = await read('made/a', {}, 'centre', frameOf('made/a', 640, 480))
    // 0.912 of 480 rows, not rounded to pixels.
    expect([covers?.left, covers?.top, covers?.width, covers?.height].map((edge) => edge?.toFixed(2))).toEqual([
      '28.16',
      '21.12',
      '583.68',
      '437.76',
    ])
    await put('a.npy', encodeNpy(new Float32Array(640 * 480), [480, 640]))
    expect((await read('made/a', {}, 'centre', frameOf('made/a', 640, 480))).covers).toBeUndefined()
  })

  it('tells which frames of a set it has, and refuses when there is none', async () => {
    await put('a.npy', NPY)
    const maps = await predictionFolder(folder)
    expect(maps.found(['a'])).toEqual(['a'])
    expect(maps.found(['c', 'a', 'b'])).toEqual(['a'])
    expect(() => maps.found(['b', 'c'])).toThrow(/none of the 2 frames has a prediction in .*; name the files b\.npy/)
    await expect(read('made/b')).rejects.toThrow(/made\/b has no prediction/)
  })

  it.each<[string, string, Uint8Array, RegExp]>([
    ['a transposed map', 'a.npy', encodeNpy(DATA, [3, 2]), /a\.npy is 2x3, the transpose of made\/a/],
    ['a stack of maps', 'a.npy', encodeNpy(new Float32Array(12), [2, 2, 3]), /has the shape \[2,2,3\]/],
    ['a vector', 'a.npy', encodeNpy(DATA, [6]), /has the shape \[6\]/],
    ['a cut file', 'a.npy', NPY.subarray(0, 140), /a\.npy has 12 bytes of data/],
    ['a cut archive', 'a.npz', zipSync({ 'depth.npy': NPY }).subarray(0, 60), /a\.npz is not a whole \.npz/],
    ['an archive of many', 'a.npz', zipSync({ 'x.npy': NPY, 'y.npy': NPY }), /holds 2 arrays \(x\.npy, y\.npy\)/],
    ['an archive of none', 'a.npz', zipSync({ 'readme.txt': NPY }), /holds no array/],
  ])('refuses %s and names the file', async (_, name, bytes, message) => {
    await put(name, bytes)
    await expect(read()).rejects.toThrow(message)
  })

  it('refuses a folder without maps, two maps of one frame, and a scale of nothing', async () => {
    await expect(predictionFolder(folder)).rejects.toThrow(/no \.png, \.npy, \.npz file/)
    await expect(predictionFolder(join(folder, 'nowhere'))).rejects.toThrow(/cannot list the predictions/)
    await put('a.npy', NPY)
    await expect(predictionFolder(folder, { scale: 0 })).rejects.toThrow(/scale of the predictions is 0/)
    await put('a.npz', NPY)
    await expect(predictionFolder(folder)).rejects.toThrow(/two predictions of one frame/)
  })
})
