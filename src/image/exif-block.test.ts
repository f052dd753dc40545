import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { exifBlock } from '../../test/exif.ts'
import { readExifNumbers } from './exif.ts'
import { findExifBlock } from './exif-block.ts'
import { sniffFormat } from './sniff.ts'

const FOCAL35 = 0xa405
const picture = () => sharp({ create: { width: 20, height: 10, channels: 3, background: '#888' } })

describe('the EXIF block in a file', () => {
  it.each(['jpeg', 'png', 'webp'] as const)('is found in a %s', async (format) => {
    const withExif = picture().withExif({ IFD2: { FocalLengthIn35mmFilm: '33' } })
    const bytes = new Uint8Array(await withExif.toFormat(format).toBuffer())
    const block = findExifBlock(bytes, sniffFormat(bytes, 'it', [format]))
    expect(readExifNumbers(block!).get(FOCAL35)).toBe(33)
  })

  it.each(['jpeg', 'png', 'webp'] as const)('is null in a %s without one, and cut anywhere', async (format) => {
    const bytes = new Uint8Array(await picture().toFormat(format).toBuffer())
    for (let end = 0; end <= bytes.length; end++) expect(findExifBlock(bytes.subarray(0, end), format)).toBeNull()
  })

  it('is not read beyond the end of a file that was cut', async () => {
    const jpeg = new Uint8Array(await picture().jpeg().toBuffer())
    const block = exifBlock({ [FOCAL35]: [3, 33] })
    const segment = Uint8Array.of(0xff, 0xe1, (block.length + 2) >> 8, (block.length + 2) & 0xff, ...block)
    const whole = Uint8Array.of(...jpeg.subarray(0, 2), ...segment, ...jpeg.subarray(2))
    expect(readExifNumbers(findExifBlock(whole, 'jpeg')!).get(FOCAL35)).toBe(33)
    for (let end = 2; end < 2 + segment.length; end++) {
      const found = findExifBlock(whole.subarray(0, end), 'jpeg')
      expect(found === null || found.length <= end).toBe(true)
    }
  })
})
