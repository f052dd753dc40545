import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { writeTinyModel } from '../../test/tiny-model.ts'
import { decodeNpy } from '../image/index.ts'
import { registerPredict } from './predict.ts'
import { tilesOf } from './predict-tiles.ts'
import { createProgram } from './program.ts'
import { capturePrinted } from './testing.ts'

describe('--tiles', () => {
  capturePrinted()

  it('stands for the options of predict', () => {
    expect(tilesOf({}, { steps: true })).toBeUndefined()
    expect(tilesOf({ tiles: true }, { steps: undefined })).toBe(true)
    expect(tilesOf({ tilesAcross: '2.5' }, { steps: false })).toEqual({ across: 2.5 })
  })

  it.each([
    [{ tilesAcross: 'many' }, undefined, /--tiles-across many: give a number above 0/],
    [{ tilesAcross: '20' }, undefined, /across of tiles is 20; give a number from 1 to 8/],
    [{ tiles: true as const }, true, /--tiles gives no maps of the steps/],
  ])('refuses %j with steps %s', (flags, steps, message) => {
    expect(() => tilesOf(flags, { steps })).toThrow(message)
  })

  it('writes another map of a large photo', { timeout: 300_000 }, async () => {
    const folder = await temporaryFolder()
    const model = await writeTinyModel(join(folder, 'tiny.safetensors'))
    const photo = join(folder, 'photo.png')
    const [width, height] = [400, 300]
    const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i) % 251)
    await sharp(data, { raw: { width, height, channels: 3 } }).toFile(photo)
    const predicted = async (...flags: string[]) => {
      const line = [
        'predict',
        photo,
        '--model',
        model,
        '--threads',
        '1',
        '--out',
        join(folder, 'out'),
        '--overwrite',
        ...flags,
      ]
      await createProgram([registerPredict], '0.0.0').parseAsync(line, { from: 'user' })
      return decodeNpy(await readFile(join(folder, 'out', 'photo.depth.npy')))
    }
    const whole = await predicted()
    const tiled = await predicted('--tiles-across', '2')
    expect(tiled.shape).toEqual([height, width])
    expect(tiled.data).not.toEqual(whole.data)
  })
})
