import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeGiven, describeProtocol, INDOOR_RANGE, peerBox, regionBox } from './protocol.ts'

describe('the box that FastDepth sees', () => {
  it.each([
    [640, 480, 583.68, 437.76],
    [540, 360, 437.76, 328.32],
    [512, 384, 466.944, 350.208],
    [360, 540, 328.32, 246.24],
  ])('%dx%d: %d by %d pixels, centred', (width, height, boxWidth, boxHeight) => {
    const box = peerBox(width, height)
    expect(box.width).toBeCloseTo(boxWidth, 9)
    expect(box.height).toBeCloseTo(boxHeight, 9)
    expect(2 * box.left + box.width).toBeCloseTo(width, 9)
    expect(2 * box.top + box.height).toBeCloseTo(height, 9)
  })

  it('is 4:3 and inside the image, whatever its shape', () => {
    const side = fc.integer({ min: 8, max: 4000 })
    fc.assert(
      fc.property(side, side, (width, height) => {
        const box = peerBox(width, height)
        expect(box.width / box.height).toBeCloseTo(4 / 3, 9)
        expect(Math.min(box.left, box.top)).toBeGreaterThan(0)
      }),
    )
  })
})

describe('regions', () => {
  it('hold the pixels whose centres lie inside', () => {
    // Columns 28.16 to 611.84 and rows 21.12 to 458.88 of 640×480; centres lie at halves.
    expect(regionBox('crop_native', 640, 480)).toEqual({ left: 28, right: 612, top: 21, bottom: 459 })
    // Columns 51.12 to 488.88 and rows 15.84 to 344.16 of 540×360.
    expect(regionBox('crop_native', 540, 360)).toEqual({ left: 51, right: 489, top: 16, bottom: 344 })
    expect(regionBox('full', 7, 5)).toEqual({ left: 0, right: 7, top: 0, bottom: 5 })
  })
})

it('a protocol says region, range and alignment', () => {
  const range = INDOOR_RANGE
  expect(describeProtocol({ region: 'full', ...range, alignment: 'none' })).toBe(
    'whole image, 0.1 < truth < 10 m, no alignment, mean over images',
  )
  expect(describeProtocol({ region: 'crop_native', ...range, alignment: 'median' })).toBe(
    'centre box (0.912 of the short side, 4:3), 0.1 < truth < 10 m, median-scaled per image, mean over images',
  )
})

it('of given predictions it says what they were asked for, not that it was done', () => {
  const plain = { region: 'full', ...INDOOR_RANGE, alignment: 'none' } as const
  expect(describeGiven(plain)).toBe(describeProtocol(plain))
  const asking = { ...plain, input: 'kb', halves: { share: 0.6, blend: 'mean' }, flip: true } as const
  expect(describeGiven(asking)).toBe(
    'whole image, 0.1 < truth < 10 m, no alignment, predictions as given (the protocol asks for: predicted on the KB crop (1216x352), two windows of 0.6 of the width, mean blend, flip-averaged), mean over images',
  )
})
