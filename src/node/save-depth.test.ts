import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { validateBytes } from 'gltf-validator'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { decodeLogDepthPng } from '../data/readers/moge.ts'
import { boxBeforeWall, camera, photo } from '../formats/testing.ts'
import { decodeNpy } from '../image/npy.ts'
import { DarError } from '../support/errors.ts'
import { decodeDepthPng, decodeImage } from './decode.ts'
import { SAVE_EXTENSIONS, saveDepth } from './save-depth.ts'

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

const map = { ...boxBeforeWall(), intrinsics: camera, sigma: boxBeforeWall().data.map((metres) => metres / 10) }

async function saved(name: string, options = {}, what: Parameters<typeof saveDepth>[0] = map): Promise<Uint8Array> {
  const path = join(folder, name)
  await saveDepth(what, path, options)
  return readFile(path)
}

const text = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes)

describe('saveDepth', () => {
  it('writes millimetres, a logarithmic scale or colours as PNG, by the name or as told', async () => {
    expect((await decodeDepthPng(await saved('a.png'))).data).toEqual(map.data)
    const log = await decodeLogDepthPng(await saved('a.log.png'))
    expect(log.data[0]).toBeCloseTo(2, 4)
    expect(await saved('told.png', { png: 'log' })).toEqual(await saved('a.log.png'))
    expect((await decodeImage(await saved('a.color.png'))).width).toBeGreaterThan(24)
    expect((await decodeImage(await saved('b.color.png', { picture: 'plain' }))).width).toBe(24)
    const beside = await decodeImage(await saved('c.color.png', { picture: 'beside', image: photo() }))
    expect(beside.width).toBeGreaterThan(48)
  })

  it('writes npy, npz and EXR', async () => {
    expect(decodeNpy(await saved('a.npy'))).toEqual({ shape: [16, 24], data: map.data })
    expect(Object.keys(unzipSync(await saved('a.npz')))).toEqual(['depth.npy', 'sigma.npy', 'intrinsics.npy'])
    expect([...(await saved('a.exr')).subarray(0, 4)]).toEqual([0x76, 0x2f, 0x31, 0x01])
  })

  it('writes points and a surface, with the photo where it is given', async () => {
    expect(text(await saved('a.ply', { image: photo() }))).toMatch(/element vertex 384\n[\s\S]*uchar red/)
    expect(text(await saved('b.PLY', { stride: 2 }))).toMatch(/element vertex 96\n/)
    const { issues } = await validateBytes(await saved('a.glb', { image: photo() }))
    expect(issues.messages.filter(({ code }) => code !== 'IMAGE_NPOT_DIMENSIONS')).toEqual([])
    expect(text(await saved('b.glb')).slice(0, 4)).toBe('glTF')
  })

  it('writes what is known about the map as JSON', async () => {
    expect(JSON.parse(text(await saved('a.json')))).toEqual({
      width: 24,
      height: 16,
      unit: 'metre',
      min: 1,
      max: 2,
      validPixels: 384,
      intrinsics: camera,
    })
  })

  it('takes the camera from the focal length of a result', async () => {
    const focal = { relative: 0.6, source: 'exif', millimetres35: 26 } as const
    const { intrinsics, ...rest } = map
    const json = JSON.parse(text(await saved('focal.json', {}, { ...rest, focal })))
    expect(json.intrinsics).toMatchObject({ fx: 0.6 * Math.hypot(24, 16), cx: 11.5, cy: 7.5 })
    await expect(saved('none.ply', {}, rest)).rejects.toThrow(/points need a camera.*add intrinsics/)
  })

  it.each([
    ['a.jpg', /a\.jpg has the extension \.jpg.*use one of \.png, \.npy, \.npz, \.exr, \.ply, \.glb, \.json/],
    ['depth', /has no extension/],
    ['absent/a.png', /cannot write .*there is no folder .*absent; make it first/],
  ])('refuses %s in one line', async (name, message) => {
    await expect(saved(name)).rejects.toThrow(DarError)
    await expect(saved(name)).rejects.toThrow(message)
  })

  it.each(['.png', '.ply', '.glb'])('refuses %s of a relative map, which has no metres', async (extension) => {
    await expect(saved(`relative${extension}`, {}, { ...map, unit: 'relative' })).rejects.toThrow(/has no metres/)
    expect((await readdir(folder)).filter((name) => name.startsWith('relative'))).toEqual([])
  })

  it('leaves the old file where the new one cannot be made or written, and nothing beside it', async () => {
    const place = join(folder, 'old')
    await mkdir(join(place, 'a.npy'), { recursive: true })
    await writeFile(join(place, 'a.png'), 'old')
    await expect(saveDepth({ ...map, width: 5 }, join(place, 'a.png'))).rejects.toThrow(DarError)
    await expect(saveDepth(map, join(place, 'a.npy'))).rejects.toThrow(/cannot write/)
    expect(await readFile(join(place, 'a.png'), 'utf8')).toBe('old')
    expect((await readdir(place)).sort()).toEqual(['a.npy', 'a.png'])
  })

  it('knows every extension that its message lists', async () => {
    for (const extension of SAVE_EXTENSIONS) expect((await saved(`every${extension}`)).length).toBeGreaterThan(0)
  })
})
