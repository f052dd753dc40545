import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { pngText } from '../data/readers/png-text.ts'
import { encodePngRgb } from '../node/png16.ts'
import { withPngText } from './png-text.ts'
import { photo } from './testing.ts'

describe('withPngText', () => {
  it('adds texts, and leaves the picture as it was', async () => {
    const plain = await encodePngRgb(photo())
    const noted = withPngText(plain, { near: '0.25', Title: 'é' })
    expect([...pngText(noted)]).toEqual([
      ['near', '0.25'],
      ['Title', 'é'],
    ])
    const [before, after] = await Promise.all(
      [plain, noted].map((bytes) => sharp(bytes, { failOn: 'warning' }).raw().toBuffer()),
    )
    expect(after).toEqual(before)
  })

  it('refuses what is no PNG, and letters beyond Latin-1', async () => {
    expect(() => withPngText(photo().data, { a: 'b' })).toThrow(/belongs into a PNG/)
    expect(() => withPngText(Uint8Array.of(0x89, 0x50), { a: 'b' })).toThrow(/belongs into a PNG/)
    const png = await encodePngRgb(photo())
    expect(() => withPngText(png, { a: '深度' })).toThrow(/Latin-1/)
  })
})
