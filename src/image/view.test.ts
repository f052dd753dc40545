import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CANONICAL_FOCAL, canonicalScale, relativeFocal } from './camera.ts'
import type { Intrinsics } from './types.ts'
import { cameraOf, type Shot, viewOf, viewScale, wholeView } from './view.ts'

const grey = (width: number, height: number, intrinsics: Intrinsics | null = null): Shot => ({
  image: { width, height, data: new Uint8Array(3 * width * height).fill(100) },
  intrinsics,
})

const at = (view: ReturnType<typeof viewOf>, u: number, v: number) => [
  view.a * u + view.b * v + view.c,
  view.d * u + view.e * v + view.f,
]

describe('viewOf', () => {
  const place = { width: 8, height: 6, cropWidth: 16, cropHeight: 12, centreX: 20, centreY: 15 }

  it('puts the corners of an upright view on the corners of the crop', () => {
    const view = viewOf(place)
    expect(at(view, 0, 0)).toEqual([12, 9])
    expect(at(view, 8, 6)).toEqual([28, 21])
  })

  it('exchanges left and right when mirrored', () => {
    const view = viewOf({ ...place, mirrored: true })
    expect(at(view, 0, 0)).toEqual([28, 9])
    expect(at(view, 8, 6)).toEqual([12, 21])
  })

  it('keeps the centre and the covered area whatever the rotation', () => {
    fc.assert(
      fc.property(fc.double({ min: -3, max: 3, noNaN: true }), fc.boolean(), (angle, mirrored) => {
        const view = viewOf({ ...place, angle, mirrored, pixelAspect: 1.1 })
        const [x, y] = at(view, 4, 3)
        expect(x).toBeCloseTo(20, 9)
        expect(y).toBeCloseTo(15, 9)
        expect(Math.abs(view.a * view.e - view.b * view.d)).toBeCloseTo(4, 9)
      }),
    )
  })

  it('turns rays, not pixels: the angle between two rays stays when pixels are not square', () => {
    const [fx, fy, angle] = [120, 90, 0.4]
    const view = viewOf({ ...place, cropWidth: 8, cropHeight: 6, angle, pixelAspect: fx / fy })
    const [x, y] = at(view, 4 + 3, 3)
    // A step to the right of 3 pixels is a ray (3/fx, 0); turned it is 3/fx·(cos, sin).
    expect((x - 20) / fx).toBeCloseTo((3 / fx) * Math.cos(angle), 12)
    expect((y - 15) / fy).toBeCloseTo((3 / fx) * Math.sin(angle), 12)
  })
})

describe('viewScale', () => {
  it('is the canonical scale of the camera for the whole frame, at any resolution of the same shape', () => {
    const intrinsics = { fx: 529, fy: 531, cx: 320, cy: 240 }
    const frame = grey(640, 480, intrinsics)
    const expected = canonicalScale(relativeFocal(intrinsics, 640, 480))
    for (const [w, h] of [
      [640, 480],
      [256, 192],
      [64, 48],
    ])
      expect(viewScale(frame, wholeView(frame, w, h))).toBeCloseTo(expected, 12)
  })

  it('is 1 for a whole frame of unknown camera, and r for a crop of r times its size', () => {
    const frame = grey(40, 30)
    expect(viewScale(frame, wholeView(frame, 20, 15))).toBeCloseTo(1, 12)
    const crop = viewOf({ width: 20, height: 15, cropWidth: 28, cropHeight: 21, centreX: 20, centreY: 15 })
    expect(viewScale(frame, crop)).toBeCloseTo(0.7, 12)
  })

  it('uses the focal length of EXIF when the intrinsics are not known', () => {
    const plainFrame = grey(40, 30)
    const frame = { ...plainFrame, image: { ...plainFrame.image, focal35: 52 } }
    // The canonical lens is 26 mm: this one is twice as long, and everything looks half as far away.
    expect(viewScale(frame, wholeView(frame, 20, 15))).toBeCloseTo(0.5, 12)
    expect(cameraOf(frame).fx).toBeCloseTo(2 * CANONICAL_FOCAL * 50, 9)
  })

  it('does not depend on rotation and mirroring', () => {
    const frame = grey(40, 30, { fx: 50, fy: 40, cx: 20, cy: 15 })
    const place = { width: 10, height: 12, cropWidth: 20, cropHeight: 14, centreX: 20, centreY: 15 }
    const turned = viewOf({ ...place, angle: 0.3, mirrored: true, pixelAspect: 50 / 40 })
    expect(viewScale(frame, turned)).toBeCloseTo(viewScale(frame, viewOf(place)), 12)
  })
})
