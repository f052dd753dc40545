import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeDepthPng, decodeImage } from './decode.ts'
import { encodeDepthPng, encodePngRgb } from './png16.ts'

describe('encodeDepthPng', () => {
  it('writes rounded millimetres, 0 for what is no depth, and the largest value for what is too far', async () => {
    const metres = [0, -1, Number.NaN, Infinity, -Infinity, 0.0004, 0.0006, 1.2344, 1.2346, 65.535, 65.6, 1e9]
    const png = await encodeDepthPng({ width: 4, height: 3, data: Float32Array.from(metres) })
    const { data, info } = await sharp(png)
      .toColourspace('grey16')
      .raw({ depth: 'ushort' })
      .toBuffer({ resolveWithObject: true })
    const stored = new Uint16Array(data.buffer, data.byteOffset, data.length / 2)
    expect([...stored]).toEqual([0, 0, 0, 0, 0, 0, 1, 1234, 1235, 65535, 65535, 65535])
    expect(info).toMatchObject({ width: 4, height: 3, channels: 1 })
  })

  it('is a 16-bit grey PNG without gamma or colour profile, as other tools expect', async () => {
    const png = await encodeDepthPng({ width: 2, height: 1, data: Float32Array.of(1, 2) })
    // IHDR: bit depth 16 and colour type 0 stand at bytes 24 and 25.
    expect([png[24], png[25]]).toEqual([16, 0])
    const text = Buffer.from(png).toString('latin1')
    for (const chunk of ['gAMA', 'iCCP', 'sRGB']) expect(text).not.toContain(chunk)
  })

  it('gives back all 65,536 values exactly, in millimetres and in KITTI units', async () => {
    for (const unitsPerMetre of [1000, 256]) {
      const data = Float32Array.from({ length: 65536 }, (_, i) => i / unitsPerMetre)
      const png = await encodeDepthPng({ width: 256, height: 256, data }, { unitsPerMetre })
      const back = await decodeDepthPng(png, { unitsPerMetre })
      expect(back.data.every((metres, i) => metres === data[i])).toBe(true)
      expect([back.width, back.height]).toEqual([256, 256])
    }
  })

  it('refuses data of another size', async () => {
    await expect(encodeDepthPng({ width: 2, height: 2, data: new Float32Array(3) })).rejects.toThrow('the depth map of')
  })
})

describe('encodePngRgb', () => {
  it('gives back every byte', async () => {
    const image = { width: 5, height: 4, data: Uint8Array.from({ length: 60 }, (_, i) => (i * 37) % 256) }
    expect(await decodeImage(await encodePngRgb(image))).toEqual(image)
  })

  it('refuses an empty picture', async () => {
    await expect(encodePngRgb({ width: 0, height: 0, data: new Uint8Array(0) })).rejects.toThrow('check the size')
  })
})
