import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import sharp, { type Sharp } from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import type { RgbImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { decodeDepthPng, decodeImage } from './decode.ts'
import { pngOfSize } from './testing.ts'

const WIDTH = 24
const HEIGHT = 16

/** Smooth, so that JPEG keeps it, and different in every corner and channel. */
const pixels = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH)]
  return [40 + 8 * x, 30 + 12 * y, 220 - 4 * x - 5 * y][i % 3]
})
const photo = (): Sharp => sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })

function meanDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i])
  return sum / a.length
}

/** The failure's message, which must be a user's error of one line. */
async function refusal(decoding: Promise<unknown>): Promise<string> {
  const error = await decoding.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof DarError)) throw new Error(`expected a DarError, got ${error}`)
  expect(error.message).not.toContain('\n')
  return error.message
}

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})

async function file(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return path
}

describe('decodeImage', () => {
  it('reads PNG exactly, from a path and from bytes', async () => {
    const png = await photo().png().toBuffer()
    const expected: RgbImage = { width: WIDTH, height: HEIGHT, data: pixels }
    expect(await decodeImage(png)).toEqual(expected)
    expect(await decodeImage(await file('a photo.png', png))).toEqual(expected)
  })

  it('goes by the contents, not by the extension', async () => {
    const { width, data } = await decodeImage(await file('wrong.png', await photo().jpeg({ quality: 95 }).toBuffer()))
    expect(width).toBe(WIDTH)
    expect(meanDifference(data, pixels)).toBeLessThan(3)
  })

  it('returns plain bytes that a worker can take over', async () => {
    const { data } = await decodeImage(await photo().png().toBuffer())
    expect(Buffer.isBuffer(data)).toBe(false)
    structuredClone(data, { transfer: [data.buffer as ArrayBuffer] })
    expect(data.length).toBe(0)
  })

  it('sees a file that was replaced since it was last read', async () => {
    const path = await file('changing.png', await photo().png().toBuffer())
    await decodeImage(path)
    await file('changing.png', await photo().flop().png().toBuffer())
    expect((await decodeImage(path)).data.subarray(0, 3)).toEqual(pixels.subarray(3 * (WIDTH - 1), 3 * WIDTH))
  })

  // Where the stored pixel (x, y) of a file with each EXIF orientation belongs in the upright picture.
  const upright: Record<number, (x: number, y: number) => [x: number, y: number]> = {
    1: (x, y) => [x, y],
    2: (x, y) => [WIDTH - 1 - x, y],
    3: (x, y) => [WIDTH - 1 - x, HEIGHT - 1 - y],
    4: (x, y) => [x, HEIGHT - 1 - y],
    5: (x, y) => [y, x],
    6: (x, y) => [HEIGHT - 1 - y, x],
    7: (x, y) => [HEIGHT - 1 - y, WIDTH - 1 - x],
    8: (x, y) => [y, WIDTH - 1 - x],
  }
  it.each(Object.keys(upright).map(Number))('turns EXIF orientation %i upright', async (orientation) => {
    const image = await decodeImage(await photo().withMetadata({ orientation }).png().toBuffer())
    const turned = orientation >= 5
    expect([image.width, image.height]).toEqual(turned ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT])
    const expected = new Uint8Array(pixels.length)
    for (let y = 0; y < HEIGHT; y++)
      for (let x = 0; x < WIDTH; x++) {
        const [u, v] = upright[orientation](x, y)
        const from = 3 * (y * WIDTH + x)
        expected.set(pixels.subarray(from, from + 3), 3 * (v * image.width + u))
      }
    expect(image.data).toEqual(expected)
  })

  it('turns a JPEG too', async () => {
    const image = await decodeImage(await photo().withMetadata({ orientation: 6 }).jpeg().toBuffer())
    expect([image.width, image.height]).toEqual([HEIGHT, WIDTH])
  })

  describe('colour', () => {
    it.each([
      ['WebP', () => photo().webp({ quality: 95 }), 6],
      ['progressive JPEG', () => photo().jpeg({ quality: 95, progressive: true }), 3],
      ['CMYK JPEG', () => photo().toColourspace('cmyk').jpeg({ quality: 100 }), 12],
      ['Display P3 JPEG', () => photo().withIccProfile('p3').jpeg({ quality: 100, chromaSubsampling: '4:4:4' }), 3],
      ['palette PNG', () => photo().png({ palette: true }), 12],
    ] as const)('reads a %s as sRGB', async (_, encoded, tolerance) => {
      const { data } = await decodeImage(await encoded().toBuffer())
      expect(meanDifference(data, pixels)).toBeLessThan(tolerance)
    })

    it('means by Display P3 other numbers than by sRGB, so that the test above shows a conversion', async () => {
      const p3 = await photo().withIccProfile('p3').png().toBuffer()
      const stored = await sharp(p3, { ignoreIcc: true }).raw().toBuffer()
      expect(meanDifference(stored, pixels)).toBeGreaterThan(3)
      expect(meanDifference((await decodeImage(p3)).data, pixels)).toBeLessThan(1.5)
    })

    it('reads 16-bit colour and 16-bit grey by their upper byte', async () => {
      const raw = { width: WIDTH, height: HEIGHT }
      const wide = Uint16Array.from(pixels, (value) => value * 257)
      const colour = await sharp(wide, { raw: { ...raw, channels: 3 } })
        .toColourspace('rgb16')
        .png()
        .toBuffer()
      expect((await decodeImage(colour)).data).toEqual(pixels)
      const one = wide.subarray(0, WIDTH * HEIGHT)
      const grey = await sharp(one, { raw: { ...raw, channels: 1 } })
        .toColourspace('grey16')
        .png()
        .toBuffer()
      expect(grey[24]).toBe(16)
      expect((await decodeImage(grey)).data).toEqual(Uint8Array.from(pixels, (_, i) => pixels[Math.floor(i / 3)]))
    })

    it.each(['png', 'jpeg'] as const)('spreads a grey %s over three channels', async (format) => {
      const grey = await photo().greyscale().toFormat(format).toBuffer()
      const { data } = await decodeImage(grey)
      expect(data).toHaveLength(pixels.length)
      expect(data.every((value, i) => value === data[i - (i % 3)])).toBe(true)
      expect(new Set(data).size).toBeGreaterThan(10)
    })

    it('drops alpha and keeps the colours under transparent pixels', async () => {
      const rgba = Uint8Array.from({ length: WIDTH * HEIGHT * 4 }, (_, i) =>
        i % 4 === 3 ? 0 : pixels[3 * Math.floor(i / 4) + (i % 4)],
      )
      const png = await sharp(rgba, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } })
        .png()
        .toBuffer()
      expect((await decodeImage(png)).data).toEqual(pixels)
    })
  })

  describe('focal length', () => {
    const withFocal = (value: string) => photo().withExif({ IFD2: { FocalLengthIn35mmFilm: value } })

    it.each(['jpeg', 'png', 'webp'] as const)('reads the 35 mm equivalent from the EXIF of a %s', async (format) => {
      expect((await decodeImage(await withFocal('26').toFormat(format).toBuffer())).focal35).toBe(26)
    })

    it('is absent when EXIF says 0 for unknown, says nothing, or is broken', async () => {
      expect(await decodeImage(await withFocal('0').jpeg().toBuffer())).not.toHaveProperty('focal35')
      expect(
        await decodeImage(
          await photo()
            .withExif({ IFD0: { Model: 'x' } })
            .jpeg()
            .toBuffer(),
        ),
      ).not.toHaveProperty('focal35')
      const broken = await withFocal('26').jpeg().toBuffer()
      broken.fill(0xff, broken.indexOf('Exif') + 6, broken.indexOf('Exif') + 30)
      expect(await decodeImage(broken)).not.toHaveProperty('focal35')
    })
  })

  describe('refuses in one line that names the file', () => {
    it('a path that is not there, also below a file', async () => {
      expect(await refusal(decodeImage('/no/such/photo.jpg'))).toBe('/no/such/photo.jpg was not found; check the path')
      const path = await file('plain.txt', 'x')
      expect(await refusal(decodeImage(`${path}/photo.jpg`))).toContain('was not found')
    })

    it('a data URL, without repeating it', async () => {
      const url = `data:image/png;base64,${'A'.repeat(100_000)}`
      expect(await refusal(decodeImage(url))).toBe(
        "a data URL (data:image/png;base64,AA…) is not read; give its bytes: Buffer.from(base64, 'base64')",
      )
    })

    it('a folder', async () => {
      expect(await refusal(decodeImage(folder))).toBe(`${folder} is a folder; name the files in it`)
    })

    it('a device', async () => {
      expect(await refusal(decodeImage('/dev/null'))).toBe(
        '/dev/null is not a regular file (a pipe, a socket or a device); save its contents to a file first',
      )
    })

    it('an empty file, and no bytes', async () => {
      const path = await file('empty.jpg', '')
      expect(await refusal(decodeImage(path))).toContain(`${path} is empty (0 bytes)`)
      expect(await refusal(decodeImage(new Uint8Array(0), { name: 'upload.jpg' }))).toContain('upload.jpg is empty')
    })

    it('a text file', async () => {
      const path = await file('notes.jpg', 'not an image at all\n')
      expect(await refusal(decodeImage(path))).toBe(`${path} is not an image that can be read; give JPEG, PNG or WebP`)
    })

    it.each([
      ['a GIF file', () => photo().gif().toBuffer()],
      ['a TIFF file', () => photo().tiff().toBuffer()],
      ['an AVIF file', () => photo().avif().toBuffer()],
      ['an SVG file', async () => Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>')],
      ['a HEIC file', async () => Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')],
      ['a BMP file', async () => Buffer.from('BM\x46\0\0\0\0\0\0\0\x36\0\0\0', 'latin1')],
      ['a PDF file', async () => Buffer.from('%PDF-1.7\n')],
      ['a video', async () => Buffer.from('\0\0\0\x18ftypisom\0\0\0\0', 'latin1')],
    ])('%s, with what to convert it to', async (what, bytes) => {
      const message = await refusal(decodeImage(await bytes(), { name: 'it' }))
      expect(message).toBe(`it is ${what}, which cannot be read here; convert it to JPEG, PNG or WebP`)
    })

    it.each([
      ['JPEG', () => photo().jpeg().toBuffer()],
      ['JPEG', () => photo().jpeg({ progressive: true }).toBuffer()],
      ['PNG', () => photo().png().toBuffer()],
      ['WebP', () => photo().webp().toBuffer()],
    ])('a truncated %s, wherever it ends', async (format, encoded) => {
      const bytes = await encoded()
      const path = await file('cut', bytes)
      for (const share of [0.1, 0.5, 0.9]) {
        await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)))
        expect(await refusal(decodeImage(path))).toMatch(`${path} is a damaged or incomplete ${format}`)
      }
      await writeFile(path, bytes.subarray(0, 12))
      expect(await refusal(decodeImage(path))).toContain('damaged or incomplete')
    })

    it('a JPEG that lacks only its last byte', async () => {
      const bytes = await photo().jpeg().toBuffer()
      expect(await refusal(decodeImage(bytes.subarray(0, -1)))).toContain('damaged or incomplete JPEG')
    })

    it('a JPEG whose second half is zeros, even with a whole thumbnail in its EXIF', async () => {
      const thumbnail = await photo().resize(8, 8).jpeg().toBuffer()
      const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 2 + thumbnail.length]), thumbnail])
      segment.writeUInt16BE(2 + thumbnail.length, 2)
      const whole = await photo().resize(400).jpeg().toBuffer()
      const bytes = Buffer.concat([whole.subarray(0, 2), segment, whole.subarray(2)])
      expect(await decodeImage(bytes)).toMatchObject({ width: 400 })
      expect(await refusal(decodeImage(bytes.fill(0, bytes.length - 900)))).toContain('no end-of-image marker')
    })

    it('20,000 × 20,000 pixels, from the header alone', async () => {
      const path = await file('huge.png', pngOfSize(20000, 20000))
      expect(await refusal(decodeImage(path))).toBe(
        `${path} has 20000×20000 pixels, more than the 100 megapixels accepted; scale it down, or give decodeImage a larger maxPixels`,
      )
      // Past the limit the decoder is asked, and finds the pixels missing.
      expect(await refusal(decodeImage(path, { maxPixels: 1e9 }))).toContain('damaged or incomplete PNG')
    })

    it('more than maxPixels, and not one pixel less', async () => {
      const png = await photo().png().toBuffer()
      expect(await decodeImage(png, { maxPixels: WIDTH * HEIGHT })).toMatchObject({ width: WIDTH })
      expect(await refusal(decodeImage(png, { maxPixels: WIDTH * HEIGHT - 1 }))).toContain(
        `has ${WIDTH}×${HEIGHT} pixels`,
      )
    })

    it('one that is long, and one that is large as stored', async () => {
      expect(await refusal(decodeImage(pngOfSize(40_000, 2)))).toMatch(/is 40000×2, longer than the 32768 pixels/)
      expect(await refusal(decodeImage(pngOfSize(2, 40_000)))).toMatch(/is 2×40000, longer/)
      expect(await refusal(decodeImage(pngOfSize(10_000, 10_000, [16, 6])))).toMatch(
        /10000×10000 pixels of 4 channels \(ushort\), 800 MB unpacked; save it with 8 bits or scale it down/,
      )
      expect(await refusal(decodeImage(pngOfSize(7000, 7000, [16, 6])))).toMatch(/damaged or incomplete/)
    })

    it('a PNG without pixels', async () => {
      expect(await refusal(decodeImage(pngOfSize(0, 10)))).toMatch(/^the image /)
    })
  })

  it('reads a JPEG with something appended, as phones write motion photos', async () => {
    const bytes = Buffer.concat([await photo().jpeg().toBuffer(), Buffer.from('MotionPhoto_Data ftypmp42')])
    expect(await decodeImage(bytes)).toMatchObject({ width: WIDTH, height: HEIGHT })
  })
})

describe('decodeDepthPng', () => {
  const values = Uint16Array.of(0, 1, 255, 256, 1234, 65535)
  const raw = { raw: { width: 3, height: 2, channels: 1 } } as const
  const depthPng = () => sharp(values, raw).toColourspace('grey16').png()

  it('reads millimetres as metres and keeps 0 for no measurement', async () => {
    const depth = await decodeDepthPng(await file('depth.png', await depthPng().toBuffer()))
    expect(depth).toEqual({ width: 3, height: 2, data: Float32Array.from(values, (value) => value / 1000) })
  })

  it('reads KITTI files, 256 units a metre', async () => {
    const depth = await decodeDepthPng(await depthPng().toBuffer(), { unitsPerMetre: 256 })
    expect([...depth.data]).toEqual([...values].map((value) => value / 256))
  })

  it('takes values as stored whatever gamma, profile or orientation the file names', async () => {
    const png = await depthPng()
      .withExif({ IFD0: { Orientation: '3' } })
      .toBuffer()
    const gamma = Buffer.from('0000000467414d410000b18f0bfc6105', 'hex') // gAMA 0.45455
    for (const bytes of [png, Buffer.concat([png.subarray(0, 33), gamma, png.subarray(33)])])
      expect([...(await decodeDepthPng(bytes, { unitsPerMetre: 1 })).data]).toEqual([...values])
  })

  it('refuses what cannot hold metric depth and says why', async () => {
    const eight = await sharp(Uint8Array.of(1, 2, 3, 4, 5, 6), raw)
      .toColourspace('b-w')
      .png()
      .toBuffer()
    expect(await refusal(decodeDepthPng(await file('eight.png', eight)))).toMatch(
      /eight\.png is an 8-bit PNG, and 256 levels cannot hold metric depth; save depth as a 16-bit grey PNG/,
    )
    const colour = await sharp(new Uint16Array(18), { raw: { ...raw.raw, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer()
    expect(await refusal(decodeDepthPng(colour))).toContain('16-bit PNG with 3 channels')
    expect(await refusal(decodeDepthPng(await photo().jpeg().toBuffer()))).toContain(
      'is a JPEG file, which cannot be read here; convert it to a 16-bit grey PNG',
    )
    expect(await refusal(decodeDepthPng(pngOfSize(20000, 20000)))).toContain('megapixels')
    expect(await refusal(decodeDepthPng((await depthPng().toBuffer()).subarray(0, 60)))).toContain(
      'damaged or incomplete PNG',
    )
    expect(await refusal(decodeDepthPng(await depthPng().toBuffer(), { unitsPerMetre: 0 }))).toContain(
      'unitsPerMetre is 0',
    )
  })
})

it('decoding does not keep native memory: a long data set must not fill the machine', async () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const side = 1200
  const jpeg = await sharp({ create: { width: side, height: side, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer()
  const decode = async (times: number) => {
    for (let i = 0; i < times; i++) await decodeImage(jpeg)
    collect()
    return process.memoryUsage().rss
  }
  const before = await decode(10) // what threads and allocators keep for good
  const grown = (await decode(60)) - before
  expect(grown).toBeLessThan((60 * 3 * side * side) / 2)
})
