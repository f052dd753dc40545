import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { colourise } from '../image/index.ts'
import { decodeImage } from '../node/index.ts'
import { DarError } from '../support/errors.ts'
import { Pictures, pictureFiles, picturesPath, readPictures, type SeenImage, validationFolder } from './pictures.ts'

const SIZE = { width: 16, height: 8 }
const PIXELS = SIZE.width * SIZE.height

/** An image of one colour, two steps, at a canonical scale of 2: maps are twice the metres. */
function seen(set: string, index: number, images: number): SeenImage {
  const plane = (value: number) => new Float32Array(PIXELS).fill(value)
  return {
    set,
    name: `${set}/${index}`,
    index,
    images,
    image: Float32Array.from({ length: 3 * PIXELS }, (_, i) => (i < PIXELS ? 1 : 0.2)),
    depth: plane(4).map((metres, i) => (i < PIXELS / 2 ? 0 : metres)),
    scale: 2,
    maps: [plane(2), plane(4)],
    abs_rel: [0.5, 0],
  }
}

describe('Pictures', () => {
  let run = ''
  beforeEach(async () => {
    run = join(await temporaryFolder(), 'run')
  })
  const drawn = (count: number, sets: readonly string[] = ['a', 'b']) =>
    new Pictures(run, { count, sets, ...SIZE, dMax: 10 })

  it('are the photo, the truth and every step in metres, with colours over one range', async () => {
    const pictures = drawn(1, ['a'])
    pictures.look(seen('a', 0, 1))
    await pictures.write(120)
    const [index] = await readPictures(run)
    expect(index).toEqual({
      step: 120,
      near: 0.3,
      far: 10,
      ...SIZE,
      images: [{ set: 'a', name: 'a/0', abs_rel: [0.5, 0] }],
    })
    const folder = join(picturesPath(run), 'update-000120')
    expect((await readdir(folder)).sort()).toEqual([...pictureFiles(index), 'index.json'].sort())
    const pixel = async (file: string, at: number) => {
      const { data } = await decodeImage(join(folder, file))
      return [...data.subarray(3 * at, 3 * at + 3)]
    }
    const colourOf = (metres: number) => [...colourise({ width: 1, height: 1, data: Float32Array.of(metres) }).data]
    const close = (got: readonly number[], wanted: readonly number[]) =>
      got.forEach((value, c) => {
        expect(Math.abs(value - wanted[c]), `${got} for ${wanted}`).toBeLessThan(12) // what JPEG loses
      })
    close(await pixel('0-photo.jpg', 5), [255, 51, 51])
    close(await pixel('0-truth.jpg', 5), [128, 128, 128]) // not measured
    close(await pixel('0-truth.jpg', PIXELS - 5), colourOf(2))
    close(await pixel('0-step1.jpg', 5), colourOf(1))
    close(await pixel('0-step2.jpg', 5), colourOf(2))
  })

  it('are shared out over the sets and spread over each', async () => {
    const pictures = drawn(5)
    for (const [set, images] of [
      ['a', 9],
      ['b', 1],
    ] as const)
      for (let i = 0; i < images; i++) pictures.look(seen(set, i, images))
    await pictures.write(1)
    const [{ images }] = await readPictures(run)
    expect(images.map(({ name }) => name)).toEqual(['a/0', 'a/3', 'a/6', 'b/0'])
  })

  it('of old validations go, and those of updates that a resumed run has yet to do', async () => {
    const steps = async () => (await readPictures(run)).map(({ step }) => step)
    for (const step of [10, 20, 30, 40, 50]) await drawn(1).write(step)
    expect(await steps()).toEqual([30, 40, 50])
    await drawn(1).write(40) // resumed before 40, and done again
    expect(await steps()).toEqual([30, 40])
    expect((await readdir(picturesPath(run))).sort()).toEqual([30, 40].map(validationFolder)) // nothing temporary is left
  })

  it('that cannot be read are left out, and none are none', async () => {
    expect(await readPictures(run)).toEqual([])
    await drawn(1).write(10)
    for (const [step, text] of [
      [20, '{'],
      [30, '{"step": -1}'],
    ] as const) {
      await mkdir(join(picturesPath(run), validationFolder(step)))
      await writeFile(join(picturesPath(run), validationFolder(step), 'index.json'), text)
    }
    await mkdir(join(picturesPath(run), 'update-000040'))
    expect((await readPictures(run)).map(({ step }) => step)).toEqual([10])
  })

  it('that cannot be written are an error that names the folder', async () => {
    await mkdir(run)
    await writeFile(picturesPath(run), 'a file in the way')
    const error = await drawn(1)
      .write(7)
      .catch((error: unknown) => error)
    expect(error).toBeInstanceOf(DarError)
    expect((error as DarError).message).toMatch(/^cannot make the folder .*pictures: a file .*; move it away/)
    expect(await readFile(picturesPath(run), 'utf8')).toBe('a file in the way')
    expect(existsSync(join(run, 'log.jsonl'))).toBe(false)
  })
})
