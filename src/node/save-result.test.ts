/** `result.save` from a loaded model; what each format holds is tried in save-depth.test.ts. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { decodeNpy } from '../image/npy.ts'
import type { DepthModel } from '../predict/depth-model.ts'
import { DarError } from '../support/errors.ts'
import { loadModel } from './load-model.ts'

const [WIDTH, HEIGHT] = [40, 30]
let folder = ''
let photo = ''
let model: DepthModel
beforeAll(async () => {
  folder = await temporaryFolder()
  photo = join(folder, 'photo.png')
  await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#ff8000' } }).toFile(photo)
  model = await loadModel(await writeTinyModel(join(folder, 'tiny.safetensors')), { threads: 1 })
})
afterAll(() => model.dispose())

describe('save', () => {
  it('writes every kind, points and surfaces with the colours of the photo', async () => {
    const out = await temporaryFolder()
    const result = await model.predict(photo)
    const names = ['x.png', 'x.color.png', 'x.log.png', 'x.npy', 'x.npz', 'x.exr', 'x.ply', 'x.glb', 'x.json']
    for (const name of names) await result.save(join(out, name))
    expect((await readdir(out)).sort()).toEqual([...names].sort())
    expect(decodeNpy(await readFile(join(out, 'x.npy'))).data).toEqual(result.depth)
    const ply = await readFile(join(out, 'x.ply'))
    const body = ply.subarray(ply.indexOf('end_header\n') + 'end_header\n'.length)
    expect(body.length / (WIDTH * HEIGHT)).toBe(15) // three floats and three bytes
    expect([...body.subarray(12, 15)]).toEqual([255, 128, 0])
  })

  it('of a step of stream is the same, and beside the photo', async () => {
    const path = join(await temporaryFolder(), 'beside.png')
    for await (const map of model.stream(photo))
      if (map.final) await map.save(path, { png: 'color', picture: 'beside' })
    expect((await sharp(path).metadata()).width).toBeGreaterThan(2 * WIDTH)
  })

  it('says in a line what is wrong, and leaves no file', async () => {
    const out = await temporaryFolder()
    const copy = join(out, 'copy.png')
    await writeFile(copy, await readFile(photo))
    const result = await model.predict(copy)
    await expect(result.save(join(out, 'x.tiff'))).rejects.toThrow(DarError)
    await expect(result.save(join(out, 'x.png'), { format: 'exr' } as object)).rejects.toThrow(
      /save has no option 'format'/,
    )
    await writeFile(copy, 'no image any more')
    await expect(result.save(join(out, 'x.ply'))).rejects.toThrow(/copy\.png is not an image/)
    await result.save(join(out, 'x.npy')) // which shows no photo
    expect((await readdir(out)).sort()).toEqual(['copy.png', 'x.npy'])
  })
})
