import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { type ExifTags, exifBlock, withExifBlock } from '../../test/exif.ts'
import { decodeImage } from '../node/decode.ts'
import { lensOfExif } from './exif-focal.ts'

const FOCAL = 0x920a
const [PIXELS_X, PIXELS_Y] = [0xa002, 0xa003]
const [PLANE_X, PLANE_Y, UNIT] = [0xa20e, 0xa20f, 0xa210]
const ZOOM = 0xa404
const FOCAL35 = 0xa405
const RELATED = [0x1001, 0x1002] as const

/** A camera of 3888×2592 pixels on 22.2×14.8 mm with a 50 mm lens, as most of its kind tell it: 80 or 81 mm equivalent. */
const CAMERA: ExifTags = {
  [FOCAL]: [5, 50],
  [PIXELS_X]: [3, 3888],
  [PIXELS_Y]: [3, 2592],
  [PLANE_X]: [5, 4438.356],
  [PLANE_Y]: [5, 4445.969],
  [UNIT]: [3, 2],
}
const FULL = { width: 3888, height: 2592 }

const focal = (tags: ExifTags, file = FULL) => lensOfExif(exifBlock(tags), file)

describe('the focal length of EXIF', () => {
  it('is the 35 mm equivalent as it stands, whatever else there is', () => {
    expect(focal({ [FOCAL35]: [3, 26] })).toEqual({ focal35: 26, focalNote: '35 mm equivalent 26 mm' })
    expect(focal({ ...CAMERA, [FOCAL35]: [3, 80] }).focal35).toBe(80)
  })

  it.each([
    ['inches', 2, 1],
    ['centimetres', 3, 1 / 2.54],
    ['millimetres', 4, 1 / 25.4],
    ['micrometres', 5, 1 / 25400],
  ])('follows from the sensor, with the resolution in pixels per unit of %s', (_, unit, per) => {
    const { focal35, focalNote } = focal({
      ...CAMERA,
      [PLANE_X]: [12, 4438.356 * per],
      [PLANE_Y]: [12, 4445.969 * per],
      [UNIT]: [3, unit],
    })
    expect(focal35).toBeCloseTo(80.9, 0)
    expect(focalNote).toBe('FocalLength 50 mm on a sensor 22.3 mm wide, 35 mm equivalent 80.9 mm')
  })

  it('takes a resolution without a unit for one per inch, and one of an unknown unit for none', () => {
    const { [UNIT]: _, ...noUnit } = CAMERA
    expect(focal(noUnit).focal35).toBeCloseTo(80.9, 0)
    expect(focal({ ...CAMERA, [UNIT]: [3, 9] })).toEqual({ focalNote: 'FocalLength 50 mm found, sensor not known' })
  })

  it.each([
    ['left everything in EXIF as it was', {}],
    ['changed the size and the resolution', { [PIXELS_X]: 600, [PIXELS_Y]: 400, [PLANE_X]: 683.4, [PLANE_Y]: 683.4 }],
    [
      'changed the size alone, the first one being told elsewhere',
      { [PIXELS_X]: 600, [PIXELS_Y]: 400, [RELATED[0]]: 3888, [RELATED[1]]: 2592 },
    ],
    [
      'changed the resolution, the first size being told elsewhere too',
      { [PIXELS_X]: 600, [PIXELS_Y]: 400, [PLANE_X]: 683.4, [PLANE_Y]: 683.4, [RELATED[0]]: 3888, [RELATED[1]]: 2592 },
    ],
  ])('is the same after a resize that %s', (_, changed) => {
    const tags = Object.fromEntries(Object.entries(changed).map(([tag, value]) => [tag, [12, value] as const]))
    expect(focal({ ...CAMERA, ...tags }, { width: 600, height: 400 }).focal35).toBeCloseTo(80.8, 0)
  })

  it('is not known after a resize that changed the size alone: the sensor would be that of a toy', () => {
    const resized: ExifTags = { ...CAMERA, [PIXELS_X]: [3, 600], [PIXELS_Y]: [3, 400] }
    expect(focal(resized, { width: 600, height: 400 })).toEqual({
      focalNote: 'FocalLength 50 mm found, sensor not known',
    })
  })

  it('needs no size in EXIF where the photo has its own', () => {
    const { [PIXELS_X]: _, [PIXELS_Y]: __, ...tags } = CAMERA
    expect(focal(tags).focal35).toBeCloseTo(80.9, 0)
  })

  it('is the same for a portrait, turned or not', () => {
    expect(focal(CAMERA, { width: 2592, height: 3888 }).focal35).toBeCloseTo(80.9, 0)
  })

  it('grows with the digital zoom of a sensor, and of an equivalent that leaves it out', () => {
    const zoomed: ExifTags = { ...CAMERA, [ZOOM]: [5, 2] }
    expect(focal(zoomed).focal35).toBeCloseTo(161.8, 0)
    expect(focal(zoomed).focalNote).toMatch(/, digital zoom 2, 35 mm/)
    expect(focal({ ...zoomed, [FOCAL35]: [3, 80] }).focal35).toBe(160)
    expect(focal({ ...zoomed, [FOCAL35]: [3, 161] })).toEqual({
      focal35: 161,
      focalNote: '35 mm equivalent 161 mm, digital zoom 2 in it',
    })
    expect(focal({ ...CAMERA, [ZOOM]: [5, 0] }).focal35).toBeCloseTo(80.9, 0)
  })

  it('grows when the photo was cut to another shape', () => {
    const square = { width: 2592, height: 2592 }
    const factor = Math.hypot(3888, 2592) / Math.hypot(2592, 2592)
    expect(focal(CAMERA, square).focal35! / focal(CAMERA).focal35!).toBeCloseTo(factor, 5)
    const small = { width: 640, height: 640 }
    const tagged: ExifTags = { [FOCAL35]: [3, 26], [PIXELS_X]: [3, 3888], [PIXELS_Y]: [3, 2592] }
    expect(focal(tagged, small).focal35).toBeCloseTo(26 * factor, 5)
    expect(focal(tagged, small).focalNote).toBe('35 mm equivalent 26 mm, cut')
  })

  it.each([
    ['an equivalent of 65281 mm', { [FOCAL35]: [3, 65281] }],
    ['an equivalent of 3 mm', { [FOCAL35]: [3, 3] }],
    ['an equivalent a hundred times the focal length', { [FOCAL]: [5, 4.2], [FOCAL35]: [3, 420] }],
    ['an equivalent of a resize that multiplied it', { [FOCAL]: [5, 3.99], [FOCAL35]: [3, 177] }],
    ['a sensor a metre wide', { ...CAMERA, [PLANE_X]: [5, 100], [PLANE_Y]: [5, 100] }],
    ['a sensor of half a millimetre', { ...CAMERA, [PLANE_X]: [5, 2e5], [PLANE_Y]: [5, 2e5] }],
    ['a resolution of 0', { ...CAMERA, [PLANE_X]: [5, 0], [PLANE_Y]: [5, 0] }],
    ['pixels twice as high as wide', { ...CAMERA, [PLANE_Y]: [5, 2222] }],
    ['a focal length of 1e300 mm', { ...CAMERA, [FOCAL]: [12, 1e300] }],
    ['a focal length that is no number', { ...CAMERA, [FOCAL]: [12, Number.NaN] }],
  ] as [string, ExifTags][])('is refused for %s', (_, tags) => {
    expect(focal(tags).focal35).toBeUndefined()
  })

  it('says what was found where that is not enough', () => {
    expect(focal({ [FOCAL]: [5, 50] })).toEqual({ focalNote: 'FocalLength 50 mm found, sensor not known' })
    expect(focal({ [FOCAL35]: [3, 65281] }).focalNote).toBe('FocalLengthIn35mmFilm 65300 mm found, which no lens has')
    expect(focal({})).toEqual({})
  })

  it('is read in both byte orders, and from a JPEG, whose figures may be doubles', async () => {
    expect(lensOfExif(exifBlock(CAMERA, { little: false }), FULL)).toEqual(focal(CAMERA))
    const grey = sharp({ create: { width: 60, height: 40, channels: 3, background: '#888' } })
    const tags: ExifTags = {
      [FOCAL]: [12, 50],
      [PIXELS_X]: [3, 600],
      [PIXELS_Y]: [3, 400],
      [PLANE_X]: [12, 683.4],
      [PLANE_Y]: [12, 683.4],
      [UNIT]: [3, 2],
    }
    const image = await decodeImage(withExifBlock(await grey.jpeg().toBuffer(), exifBlock(tags, { little: false })))
    expect(image.focal35).toBeCloseTo(80.7, 1)
  })

  it('is not looked for before the block, where a damaged entry may point', () => {
    const block = Buffer.from(exifBlock(CAMERA))
    const entry = block.indexOf(Uint8Array.of(0x69, 0x87)) // of the camera's settings
    block.writeUInt16LE(9, entry + 2) // a signed number
    block.writeInt32LE(-100, entry + 8)
    expect(lensOfExif(block, FULL)).toEqual({})
  })

  it('is never an error nor an impossible one, however the block is damaged', () => {
    const whole = exifBlock({ ...CAMERA, [FOCAL35]: [3, 80], [ZOOM]: [5, 1] })
    const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 })
    fc.assert(
      fc.property(flips, fc.nat(whole.length), (changes, end) => {
        const block = Buffer.from(whole)
        for (const [at, value] of changes) block[at] = value
        const { focal35 } = lensOfExif(block.subarray(0, Math.max(end, whole.length / 2)), FULL)
        expect(focal35 === undefined || (focal35 >= 5 && focal35 <= 3000)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})
