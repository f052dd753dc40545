import { describe, expect, it } from 'vitest'
import { wholeFrame } from '../data/augment.ts'
import { CANONICAL_FOCAL } from '../image/camera.ts'
import { toPlanes } from '../image/resize.ts'
import type { RgbImage } from '../image/types.ts'
import { lensOf } from './lens.ts'

function photo(width: number, height: number): RgbImage {
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 31) % 256) }
}

const NETWORK = { width: 64, height: 96 }

describe('lensOf, and the pixels beside it', () => {
  it.each([
    ['a given focal length', 150, undefined],
    ['a focal length from EXIF', undefined, 50],
    ['an unknown camera', undefined, undefined],
  ])('is what training does to a frame with %s: the same pixels, the inverse scale', (_, focal, focal35) => {
    const image = { ...photo(120, 70), ...(focal35 && { focal35 }) }
    const depth = { width: 120, height: 70, data: new Float32Array(120 * 70).fill(2.5) }
    const intrinsics = focal === undefined ? null : { fx: focal, fy: focal, cx: 59.5, cy: 34.5 }
    const label = wholeFrame({ name: 'frame', image, depth, intrinsics }, NETWORK)
    const planes = toPlanes(image, NETWORK.width, NETWORK.height)
    const { metres } = lensOf(image, NETWORK, { focal })
    expect(planes.length).toBe(label.image.length)
    expect(planes.every((value, i) => value === label.image[i])).toBe(true)
    expect(metres).toBeCloseTo(1 / label.scale, 10)
    expect(label.depth[0] * metres).toBeCloseTo(2.5, 5)
  })

  it('scales by the focal length alone when the shape is kept', () => {
    const image = photo(128, 192)
    const diagonal = Math.hypot(128, 192)
    expect(lensOf(image, NETWORK).metres).toBeCloseTo(1, 10)
    expect(lensOf(image, NETWORK, { focal: 2 * CANONICAL_FOCAL * diagonal }).metres).toBeCloseTo(2, 10)
  })

  it('tells the focal length in diagonals and where it came from; a given one outranks EXIF', () => {
    const image = { ...photo(30, 40), focal35: 43.2666 }
    const { focal: fromFile } = lensOf(image, NETWORK)
    expect(fromFile.source).toBe('exif')
    expect(fromFile.relative).toBeCloseTo(1, 4)
    const given = lensOf({ ...image, focalNote: 'found' }, NETWORK, { focal: 25 }).focal
    expect(given).toEqual({ relative: 0.5, source: 'given', millimetres35: expect.closeTo(21.63, 2) })
    expect(lensOf({ ...photo(30, 40), focalNote: 'not found' }, NETWORK).focal.note).toBe('not found')
    const unknown = lensOf(photo(30, 40), NETWORK).focal
    expect(unknown.source).toBe('default')
    expect(unknown.relative).toBeCloseTo(CANONICAL_FOCAL, 12)
  })

  it.each([1e-9, 1e9, 1e308])('refuses a lens of no camera: %d pixels', (focal) => {
    expect(() => lensOf(photo(4, 4), NETWORK, { focal })).toThrow(/focal length is .* as of a lens of .* mm; give/)
  })

  it.each([0, -5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a focal length of %d', (focal) => {
    expect(() => lensOf(photo(4, 4), NETWORK, { focal })).toThrow(/focal length is .* give a positive number of pixels/)
  })
})
