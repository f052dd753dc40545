import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImage } from '../node/decode.ts'
import { type Orientation, upright, xmpOrientation } from './orient.ts'

const ALL: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8]
const raw = { width: 5, height: 3, channels: 3 } as const
const data = Uint8Array.from({ length: 45 }, (_, i) => i)
const stored = () => sharp(data, { raw })
const packet = (inner: string) =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" ${inner}</rdf:RDF></x:xmpmeta>`

describe('upright', () => {
  it.each(ALL)('turns orientation %i as the decoder turns EXIF', async (orientation) => {
    const exif = await stored().png().withMetadata({ orientation }).toBuffer()
    expect(upright({ width: 5, height: 3, data }, orientation)).toEqual(await decodeImage(exif))
  })
})

describe('orientation in XMP', () => {
  const attribute = (n: number) => packet(`tiff:Orientation="${n}"/>`)
  const element = (n: number) => packet(`><tiff:Orientation>${n}</tiff:Orientation></rdf:Description>`)

  it.each(ALL)('%i is obeyed in a PNG', async (orientation) => {
    for (const xmp of [attribute(orientation), element(orientation)]) {
      const png = await stored().png().withXmp(xmp).toBuffer()
      expect(await decodeImage(png)).toEqual(upright({ width: 5, height: 3, data }, orientation))
    }
  })

  it('gives way to that of EXIF', async () => {
    const png = await stored().png().withXmp(attribute(6)).withMetadata({ orientation: 3 }).toBuffer()
    expect(await decodeImage(png)).toEqual(upright({ width: 5, height: 3, data }, 3))
  })

  it('is none where there is none, and ends on what is long', () => {
    expect(xmpOrientation(attribute(9))).toBeNull()
    expect(xmpOrientation('')).toBeNull()
    expect(xmpOrientation(`tiff:Orientation${' '.repeat(1e6)}`.repeat(3))).toBeNull()
  })
})
