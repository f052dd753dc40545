import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { encodeNpy } from '../image/npy.ts'
import { encodeDepthPng, encodePngRgb } from '../node/png16.ts'
import { tiffOf } from '../node/testing.ts'
import { openDataset } from './readers/index.ts'

const size = { width: 4, height: 3 }
const METRES = Float32Array.from({ length: 12 }, (_, i) => 1 + i / 4)
const MILLIMETRES = METRES.map((d) => 1000 * d)

let root = ''
beforeEach(async () => {
  root = await temporaryFolder()
})

const photo = await encodePngRgb({ ...size, data: new Uint8Array(36).fill(80) })
/** The same map of metres in every kind of file. */
const MAPS: Readonly<Record<string, Uint8Array>> = {
  png: await encodeDepthPng({ ...size, data: METRES }, { unitsPerMetre: 1000 }),
  npy: encodeNpy(METRES, [3, 4]),
  'hwc.npy': encodeNpy(METRES, [3, 4, 1]),
  'f32.tiff': tiffOf(METRES, { ...size, bits: 32, format: 'float' }),
  'u16.tif': tiffOf(Uint16Array.from(MILLIMETRES), { ...size, bits: 16, format: 'uint' }),
  'u32.TIF': tiffOf(Uint32Array.from(MILLIMETRES), { ...size, bits: 32, format: 'uint' }),
}

async function put(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), bytes)
}

/** Names, and whether each frame has the map above. */
async function framesOf(path = root): Promise<readonly string[]> {
  const set = await openDataset(path)
  expect(set.layout).toBe('folder')
  for await (const { depth } of set) expect(depth).toEqual({ ...size, data: METRES })
  return set.names
}

describe('depth maps beside photos', () => {
  it.each(Object.keys(MAPS))('are read as %s', async (kind) => {
    await put('rgb/x.png', photo)
    await put(`depth/x.${kind.split('.').at(-1)}`, MAPS[kind])
    expect(await framesOf()).toEqual(['x'])
  })

  it.each([
    ['rgb', 'depth'],
    ['images', 'depths'],
    ['color', 'depth'],
    ['Image', 'DEPTH'],
    ['colour', 'depth'],
  ])('lie in %s/ and %s/', async (photos, depths) => {
    await put(`${photos}/x.png`, photo)
    await put(`${depths}/x.PNG`, MAPS.png)
    expect(await framesOf()).toEqual(['x'])
  })

  it.each([
    ['x.png', 'x_depth.npy'],
    ['x.jpg', 'x.npy'],
    ['x.JPG', 'x_DEPTH.PNG'],
    ['x.webp', 'x-depth.f32.tiff'.replace('.f32', '')],
  ])('lie in one folder: %s and %s', async (photoFile, depthFile) => {
    await put(photoFile, photo)
    const kind = depthFile.split('.').at(-1)?.toLowerCase() ?? ''
    await put(depthFile, kind === 'tiff' ? MAPS['f32.tiff'] : MAPS[kind])
    expect(await framesOf()).toEqual(['x'])
  })

  it('with a mask, as DIODE has them, three folders deep', async () => {
    const scan = 'indoors/scene_00019/scan_00183'
    await put(`${scan}/00019_00183_indoors_000_010.png`, photo)
    await put(`${scan}/00019_00183_indoors_000_010_depth.npy`, MAPS['hwc.npy'])
    await put(
      `${scan}/00019_00183_indoors_000_010_depth_mask.npy`,
      encodeNpy(
        METRES.map((_, i) => (i === 2 ? 0 : 1)),
        [3, 4],
      ),
    )
    const set = await openDataset(root)
    expect(set.names).toEqual(['00019_00183_indoors_000_010'])
    expect((await set.get(0)).depth?.data).toEqual(METRES.map((d, i) => (i === 2 ? 0 : d)))
  })

  it('under names with affixes', async () => {
    await put('rgb/0001_rgb.png', photo)
    await put('depth/0001_depth.npy', MAPS.npy)
    expect(await framesOf()).toEqual(['0001_rgb'])
  })

  it('one folder deeper than given, or in one folder for each scene', async () => {
    await put('README.txt', 'a set')
    await put('set/color/x.png', photo)
    await put('set/depth/x.png', MAPS.png)
    expect(await framesOf()).toEqual(['x'])
    await put('other/color/x.png', photo)
    await put('other/depth/x.png', MAPS.png)
    expect(await framesOf()).toEqual(['other/x', 'set/x'])
    expect((await openDataset(root)).notes?.[0]).toBe('2 folders of pairs, first other')
  })

  it('pair whatever form of Unicode a name is stored in', async () => {
    await put(`rgb/${'Küche'.normalize('NFD')}.png`, photo)
    await put(`depth/${'Küche'.normalize('NFC')}.npy`, MAPS.npy)
    expect(await framesOf()).toEqual(['Küche'.normalize('NFC')])
    await rename(join(root, 'depth'), join(root, 'depths'))
    expect(await framesOf()).toHaveLength(1)
  })

  it.each(['exr', 'pfm', 'npz'])('are named where .%s is not read', async (kind) => {
    const starts: Readonly<Record<string, string>> = { exr: 'v/1\x01', pfm: 'Pf\n4 3\n-1\n', npz: 'PK\x03\x04' }
    await put('rgb/x.png', photo)
    await put(`depth/x.${kind}`, Buffer.from(starts[kind], 'latin1'))
    const set = await openDataset(root, { layout: 'folder' })
    await expect(set.get(0)).rejects.toThrow(new RegExp(`x\\.${kind} is .*\\.npy`))
  })
})

describe('data sets of other layouts', () => {
  it('are found in a folder that holds nothing else', async () => {
    await put('download/desk/rgb.txt', '1 rgb/1.png')
    await put('download/desk/depth.txt', '1 depth/1.png')
    await put('download/desk/rgb/1.png', photo)
    await put('download/desk/depth/1.png', MAPS.png)
    expect((await openDataset(root)).layout).toBe('tum')
  })

  it('SUN RGB-D keeps its own rule, images and depths of one’s own are not taken for it', async () => {
    await put('image/x.png', photo)
    await put('depth/x.png', MAPS.png)
    expect(await framesOf()).toEqual(['x'])
    await put('intrinsics.txt', '1 0 1 0 1 1 0 0 1')
    expect((await openDataset(root)).layout).toBe('sunrgbd')
  })

  it('MoGe frames are found in any case', async () => {
    await put('a/IMAGE.JPG', photo)
    await put('a/DEPTH.PNG', MAPS.png)
    expect((await openDataset(root)).layout).toBe('moge')
  })
})
