import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { decodeNpy } from '../image/npy.ts'
import type { DepthMap } from '../predict/types.ts'
import { DarError } from '../support/errors.ts'
import { decodeDepthPng, decodeImage } from './decode.ts'
import { DEFAULT_KINDS, OUTPUT_KINDS, suffixesOf } from './output-kinds.ts'
import { checkWritable, encodeOutputs, needsPhoto, type OutputStyle, writeOutputs } from './outputs.ts'

const [WIDTH, HEIGHT] = [48, 32]
const DEFAULT_SUFFIXES = suffixesOf(DEFAULT_KINDS, { steps: 0 })
const write = async (place: string, style: OutputStyle = {}) =>
  writeOutputs(await encodeOutputs(map(), style), place, 'kitchen')

/** Depth from 1 m at the left to 3 m at the right; earlier steps are flat. */
function map({ steps = 0 } = {}): DepthMap {
  const depth = Float32Array.from({ length: WIDTH * HEIGHT }, (_, i) => 1 + (2 * (i % WIDTH)) / (WIDTH - 1))
  const sigma = depth.map((metres) => 0.1 * metres)
  const size = { width: WIDTH, height: HEIGHT }
  const two = new Float32Array(WIDTH * HEIGHT).fill(2)
  const flat = { ...size, depth: two, data: two, sigma }
  return {
    ...size,
    depth,
    data: depth,
    sigma,
    steps: Array.from({ length: steps }, (_, i) => (i === steps - 1 ? { ...size, depth, data: depth, sigma } : flat)),
    focal: { relative: 0.6, source: 'default', millimetres35: 26 },
    networkSize: size,
    milliseconds: { decode: 0, compile: 0, prepare: 0, run: 0, finish: 0 },
    warnings: [],
  }
}

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

describe('encodeOutputs', () => {
  it('makes a picture with a legend, millimetres and float32 metres', async () => {
    const files = await encodeOutputs(map())
    expect([...files.keys()]).toEqual(DEFAULT_SUFFIXES)
    const picture = await decodeImage(files.get('color.png')!)
    expect(picture.width).toBeGreaterThan(WIDTH)
    const millimetres = await decodeDepthPng(files.get('depth.png')!)
    expect([millimetres.width, millimetres.height]).toEqual([WIDTH, HEIGHT])
    const { depth } = map()
    expect(millimetres.data.every((metres, i) => Math.abs(metres - depth[i]) <= 0.0005001)).toBe(true)
    expect(decodeNpy(files.get('depth.npy')!)).toEqual({ shape: [HEIGHT, WIDTH], data: depth })
  })

  it('adds every step, sigma and a sheet of all for a map with steps', async () => {
    const files = await encodeOutputs(map({ steps: 3 }))
    expect([...files.keys()].sort()).toEqual(suffixesOf([...DEFAULT_KINDS, 'steps', 'sigma'], { steps: 3 }).sort())
    expect((await decodeDepthPng(files.get('step1.depth.png')!)).data[0]).toBe(2)
    expect(files.get('step3.depth.png')).toEqual(files.get('depth.png'))
    expect(decodeNpy(files.get('sigma.npy')!).data).toEqual(map().sigma)
    // Three steps and sigma in three columns, with a legend below.
    const sheet = await sharp(files.get('steps.png')!).metadata()
    expect(sheet.width).toBeGreaterThan(3 * WIDTH)
    expect(sheet.height).toBeGreaterThan(2 * HEIGHT)
  })

  it('gives a distance the same colour in every picture unless it is asked to stretch', async () => {
    const shifted = { ...map(), depth: map().depth.map((metres) => metres + 1) }
    const firstRow = async (depthMap: DepthMap, stretch: boolean) =>
      (await decodeImage((await encodeOutputs(depthMap, { stretch })).get('color.png')!)).data.subarray(0, 3 * WIDTH)
    // 2 m is in the middle of the one map and at the left of the other.
    const middle = Math.round((WIDTH - 1) / 2)
    const [a, b] = [await firstRow(map(), false), await firstRow(shifted, false)]
    for (let c = 0; c < 3; c++) expect(Math.abs(a[3 * middle + c] - b[c])).toBeLessThan(12)
    const [left, right] = [(await firstRow(map(), true)).subarray(0, 3), (await firstRow(shifted, true)).subarray(0, 3)]
    expect(left).toEqual(right)
  })

  it('uses the map and range that it is given', async () => {
    const picture = async (style: object) => (await encodeOutputs(map(), style)).get('color.png')
    const [plain, inferno, narrow] = [await picture({}), await picture({ map: 'inferno' }), await picture({ far: 4 })]
    expect(plain).not.toEqual(inferno)
    expect(plain).not.toEqual(narrow)
    await expect(picture({ near: 5, far: 4 })).rejects.toThrow(DarError)
  })
})

describe('encodeOutputs, of chosen kinds', () => {
  const photo = { width: WIDTH, height: HEIGHT, data: new Uint8Array(3 * WIDTH * HEIGHT).fill(90) }

  it('makes exactly the files that suffixesOf names, for every kind', async () => {
    for (const kind of OUTPUT_KINDS) {
      const files = await encodeOutputs(map({ steps: 3 }), { kinds: [kind] }, { photo })
      expect([...files.keys()].sort(), kind).toEqual(suffixesOf([kind], { steps: 3 }).sort())
    }
  })

  it('counts what is too far as no measurement, in every file', async () => {
    const files = await encodeOutputs(map(), { kinds: ['depth', 'npy', 'ply'], maxDepth: 2 }, { photo })
    const { data } = decodeNpy(files.get('depth.npy')!)
    const near = map().depth.filter((metres) => metres <= 2).length
    expect([data.filter((metres) => metres > 0).length, Math.max(...data) <= 2]).toEqual([near, true])
    expect((await decodeDepthPng(files.get('depth.png')!)).data.filter((metres) => metres > 0).length).toBe(near)
    expect(new TextDecoder('latin1').decode(files.get('ply')!)).toContain(`element vertex ${near}\n`)
  })

  it('says what a relative map cannot be', async () => {
    await expect(encodeOutputs(map(), { unit: 'relative', kinds: ['color', 'glb'] })).rejects.toThrow(
      /a relative model gives no metres, which 'glb' needs; choose among color, npy, npz, exr, json/,
    )
    const files = await encodeOutputs(map(), { unit: 'relative' })
    expect([...files.keys()]).toEqual(['color.png', 'depth.npy'])
  })

  it('needs the photo for points, surfaces and pictures beside it', () => {
    expect(needsPhoto({})).toBe(false)
    expect(needsPhoto({ kinds: ['npy', 'ply'] })).toBe(true)
    expect(needsPhoto({ picture: 'beside' })).toBe(true)
    expect(needsPhoto({ picture: 'beside', kinds: ['npy'] })).toBe(false)
  })

  it('puts notes and another camera into the JSON', async () => {
    const intrinsics = { fx: 40, fy: 41, cx: 23, cy: 15 }
    const style: OutputStyle = { kinds: ['json'], intrinsics, notes: { image: 'a.jpg' } }
    const json = JSON.parse(new TextDecoder().decode((await encodeOutputs(map(), style)).get('json')))
    expect(json).toMatchObject({ image: 'a.jpg', intrinsics, focal: { source: 'default' }, min: 1, max: 3 })
  })
})

describe('writeOutputs', () => {
  it('writes all files and returns their paths', async () => {
    const place = join(folder, 'new', 'deep')
    const files = await write(place)
    expect(files).toEqual(Object.fromEntries(DEFAULT_SUFFIXES.map((name) => [name, join(place, `kitchen.${name}`)])))
    expect((await readdir(place)).sort()).toEqual(DEFAULT_SUFFIXES.map((name) => `kitchen.${name}`).sort())
  })

  it('leaves the files of an earlier run as they were when one cannot be written', async () => {
    const place = join(folder, 'again')
    await write(place)
    const before = await readFile(join(place, 'kitchen.color.png'))
    await rm(join(place, 'kitchen.depth.npy'))
    await mkdir(join(place, 'kitchen.depth.npy'))
    await expect(write(place, { map: 'inferno' })).rejects.toThrow(/depth\.npy: it is a folder/)
    expect(await readFile(join(place, 'kitchen.color.png'))).toEqual(before)
    expect((await readdir(place)).sort()).toEqual(['kitchen.color.png', 'kitchen.depth.npy', 'kitchen.depth.png'])
  })

  it('takes back what it wrote when a later file cannot be written', async () => {
    const place = join(folder, 'blocked')
    await mkdir(join(place, 'kitchen.depth.npy'), { recursive: true })
    await expect(write(place)).rejects.toThrow(DarError)
    expect(await readdir(place)).toEqual(['kitchen.depth.npy'])
  })
})

describe('checkWritable', () => {
  it('makes the folder and leaves it empty', async () => {
    const place = join(folder, 'fresh')
    await checkWritable(place)
    expect(await readdir(place)).toEqual([])
  })

  it('names a folder that is a file, and leaves that file alone', async () => {
    const path = join(folder, 'a-file')
    await writeFile(path, 'mine')
    await expect(checkWritable(path)).rejects.toThrow(
      /a-file: a file of this name is in the way; move it away, or choose another folder/,
    )
    expect(await readFile(path, 'utf8')).toBe('mine')
  })
})
