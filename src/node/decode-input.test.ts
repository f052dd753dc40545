/** Every form in which a photo may be given has the same pixels. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import type { RgbImage } from '../image/types.ts'
import type { ImageInput } from '../predict/types.ts'
import { decodeImage } from './decode.ts'
import { decodeInput } from './decode-input.ts'

const ROOM = new URL('../../examples/room/rgb/room.jpg', import.meta.url)
const [WIDTH, HEIGHT] = [40, 30]

let path = ''
let file: Buffer
let photo: RgbImage
beforeAll(async () => {
  path = join(await temporaryFolder(), 'small photo.png')
  await sharp(await readFile(ROOM))
    .resize(WIDTH, HEIGHT)
    .png()
    .toFile(path)
  file = await readFile(path)
  photo = await decodeImage(path)
})

/** The pixels with other channels. */
function channels(count: number): Uint8Array {
  const out = new Uint8Array(count * WIDTH * HEIGHT).fill(77)
  for (let i = 0; i < WIDTH * HEIGHT; i++)
    for (let c = 0; c < Math.min(3, count); c++) out[count * i + c] = photo.data[3 * i + c]
  return out
}

const size = { width: WIDTH, height: HEIGHT }

describe('decodeInput', () => {
  it.each<[string, () => ImageInput]>([
    ['a path', () => path],
    ['a file URL as text', () => pathToFileURL(path).href],
    ['a file URL', () => pathToFileURL(path)],
    ['a Buffer', () => file],
    ['a Uint8Array', () => new Uint8Array(file)],
    ['an ArrayBuffer', () => new Uint8Array(file).buffer],
    ['a Blob', () => new Blob([new Uint8Array(file)])],
    ['a File', () => new File([new Uint8Array(file)], 'photo.png')],
    ['a sharp object', () => sharp(path)],
    ['a sharp object that writes JPEG', () => sharp(path).jpeg()],
    ['RGB pixels', () => photo],
    ['RGB pixels with their channels', () => ({ ...size, data: channels(3), channels: 3 })],
    ['RGBA pixels', () => ({ ...size, data: channels(4) })],
    ['ImageData', () => ({ ...size, data: new Uint8ClampedArray(channels(4)), colorSpace: 'srgb' })],
  ])('reads %s', async (_, input) => {
    const { width, height, data } = await decodeInput(input())
    expect([width, height]).toEqual([WIDTH, HEIGHT])
    expect(Buffer.compare(data, photo.data)).toBe(0)
    expect(data.buffer.byteLength).toBe(data.length) // it is transferred whole
    expect(data.buffer).not.toBe(photo.data.buffer)
  })

  it('reads grey pixels, with alpha or without', async () => {
    const grey = channels(1)
    const expected = Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => grey[Math.floor(i / 3)])
    expect((await decodeInput({ ...size, data: grey })).data).toEqual(expected)
    const withAlpha = Uint8Array.from({ length: 2 * WIDTH * HEIGHT }, (_, i) => (i % 2 === 0 ? grey[i / 2] : 9))
    expect((await decodeInput({ ...size, data: withAlpha })).data).toEqual(expected)
    const picture = sharp(grey, { raw: { ...size, channels: 1 } })
    expect((await decodeInput(picture)).data).toEqual(expected)
  })

  it('keeps the lens of a sharp object while its shape is kept, and turns it upright', async () => {
    const turned = await sharp(await readFile(ROOM))
      .resize(64, 48)
      .withExif({ IFD2: { FocalLengthIn35mmFilm: '50' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer()
    const whole = await decodeInput(turned)
    expect([whole.width, whole.height, whole.focal35]).toEqual([48, 64, 50])
    const asItIs = await decodeInput(sharp(turned))
    expect(asItIs).toEqual(whole)
    const smaller = await decodeInput(sharp(turned).autoOrient().resize(24))
    expect([smaller.width, smaller.height, smaller.focal35]).toEqual([24, 32, 50])
    const cut = await decodeInput(sharp(turned).autoOrient().resize(30, 30))
    expect([cut.width, cut.height, cut.focal35]).toEqual([30, 30, undefined])
  })

  it('names a File in its messages, and takes no part of the disk for an address', async () => {
    await expect(decodeInput(new File(['no image'], 'notes.txt'))).rejects.toThrow(/^notes\.txt is not an image/)
    const odd = join(await temporaryFolder(), 'https')
    await writeFile(odd, file)
    expect((await decodeInput(odd)).width).toBe(WIDTH)
  })
})
