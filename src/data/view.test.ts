import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CANONICAL_FOCAL } from '../image/camera.ts'
import type { Intrinsics } from '../image/types.ts'
import { viewOf, viewScale, wholeView } from '../image/view.ts'
import { Random } from '../support/random.ts'
import type { Frame } from './types.ts'
import { sampleDepth, sampleImage, shrinkFrame } from './view.ts'

const plain = Float32Array.from({ length: 768 }, (_, i) => (i % 256) / 255)

function makeFrame(
  width: number,
  height: number,
  pixel: (x: number, y: number) => number,
  intrinsics: Intrinsics | null = null,
): Frame {
  const data = new Uint8Array(3 * width * height)
  const depth = new Float32Array(width * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = pixel(x, y)
      data.fill(value, 3 * (y * width + x), 3 * (y * width + x) + 3)
      depth[y * width + x] = value / 10
    }
  return { name: 'test', image: { width, height, data }, depth: { width, height, data: depth }, intrinsics }
}

const at = (view: ReturnType<typeof viewOf>, u: number, v: number) => [
  view.a * u + view.b * v + view.c,
  view.d * u + view.e * v + view.f,
]

describe('labels of different views of one scene agree', () => {
  // A wall 2 m away with a bright square of 0.5 m on it, seen by a known camera.
  const [width, height, distance, side] = [320, 240, 2, 0.5]
  const intrinsics = { fx: 290, fy: 280, cx: 158, cy: 123 }
  const onSquare = (x: number, y: number) =>
    Math.abs(((x - intrinsics.cx) * distance) / intrinsics.fx) < side / 2 &&
    Math.abs(((y - intrinsics.cy) * distance) / intrinsics.fy) < side / 2
  const picture = makeFrame(width, height, (x, y) => (onSquare(x, y) ? 255 : 0), intrinsics)
  const wall = new Float32Array(width * height).fill(distance)
  const frame = { ...picture, depth: { width, height, data: wall } }

  it('what looks twice as large is labelled half as far: size on the image times canonical depth is constant', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.6, max: 1, noNaN: true }),
        fc.double({ min: 0.6, max: 1, noNaN: true }),
        fc.double({ min: -0.2, max: 0.2, noNaN: true }),
        fc.boolean(),
        (partX, partY, angle, mirrored) => {
          const view = viewOf({
            width: 160,
            height: 120,
            cropWidth: partX * width,
            cropHeight: partY * height,
            centreX: intrinsics.cx + 0.5,
            centreY: intrinsics.cy + 0.5,
            angle,
            mirrored,
            pixelAspect: intrinsics.fx / intrinsics.fy,
          })
          const image = new Float32Array(3 * 160 * 120)
          const depth = new Float32Array(160 * 120)
          const scale = viewScale(frame, view)
          sampleImage(frame.image, view, plain, image)
          sampleDepth(frame, view, scale, depth)
          const canonical = depth[60 * 160 + 80]
          expect(canonical / scale).toBeCloseTo(distance, 5)
          // √area of the square in the view, in diagonals of the view.
          const area = image.subarray(0, 160 * 120).reduce((sum, value) => sum + value, 0)
          const apparent = Math.sqrt(area) / Math.hypot(160, 120)
          expect((apparent * canonical) / (CANONICAL_FOCAL * side)).toBeCloseTo(1, 1.7)
        },
      ),
      { numRuns: 15 },
    )
  })
})

describe('sampleImage', () => {
  it('copies the frame when the view is the frame', () => {
    const random = new Random(4)
    const frame = makeFrame(9, 7, () => random.integer(0, 256))
    const out = new Float32Array(3 * 63)
    sampleImage(frame.image, wholeView(frame, 9, 7), plain, out)
    for (let i = 0; i < 63; i++)
      for (let c = 0; c < 3; c++) expect(out[63 * c + i]).toBeCloseTo(frame.image.data[3 * i + c] / 255, 3)
  })

  it('keeps a ramp a ramp under crop, rotation and stretch', () => {
    const frame = makeFrame(60, 60, (x, y) => 2 * x + y)
    const view = viewOf({
      width: 16,
      height: 10,
      cropWidth: 26,
      cropHeight: 30,
      centreX: 30,
      centreY: 29,
      angle: 0.2,
      mirrored: true,
    })
    const out = new Float32Array(3 * 160)
    sampleImage(frame.image, view, plain, out)
    for (let v = 0; v < 10; v++)
      for (let u = 0; u < 16; u++) {
        const [x, y] = at(view, u + 0.5, v + 0.5)
        expect(255 * out[v * 16 + u]).toBeCloseTo(2 * (x - 0.5) + (y - 0.5), 3)
      }
  })

  it('shrinks a fine pattern to its mean instead of aliasing', () => {
    const frame = makeFrame(64, 64, (x, y) => ((x + y) % 2 === 0 ? 255 : 0))
    for (const size of [32, 27, 20]) {
      const out = new Float32Array(3 * size * size)
      sampleImage(frame.image, wholeView(frame, size, size), plain, out)
      expect(out.every((value) => Math.abs(value - 0.5) < 0.15)).toBe(true)
    }
  })

  it('keeps the three channels apart, applies their curves and repeats the edge beyond the border', () => {
    const image = { width: 1, height: 1, data: Uint8Array.of(10, 20, 30) }
    const curves = Float32Array.from({ length: 768 }, (_, i) => (i % 256) * (1 + (i >> 8)))
    const view = viewOf({ width: 2, height: 1, cropWidth: 5, cropHeight: 5, centreX: 0, centreY: 0 })
    const out = new Float32Array(6)
    sampleImage(image, view, curves, out)
    expect([...out]).toEqual([10, 10, 40, 40, 90, 90])
  })
})

describe('sampleDepth', () => {
  it('never makes up a depth: every value is 0 or a scaled measurement', () => {
    const random = new Random(9)
    const frame = makeFrame(40, 30, () => (random.chance(0.4) ? 0 : random.integer(10, 90)))
    const measured = new Set(Array.from(frame.depth?.data ?? [], (d) => Math.fround(d * 0.5)))
    const view = viewOf({
      width: 13,
      height: 9,
      cropWidth: 33,
      cropHeight: 29,
      centreX: 21,
      centreY: 14,
      angle: -0.1,
    })
    const out = new Float32Array(13 * 9)
    sampleDepth(frame, view, 0.5, out)
    expect(out.every((value) => measured.has(value) || value === 0)).toBe(true)
    expect(out.some((value) => value > 0)).toBe(true)
  })

  it('is empty outside the frame and for a frame without depth, overwriting what was there', () => {
    const frame = makeFrame(4, 4, () => 50)
    const view = viewOf({ width: 4, height: 1, cropWidth: 8, cropHeight: 2, centreX: 2, centreY: 2 })
    const out = new Float32Array(4).fill(7)
    sampleDepth(frame, view, 1, out)
    expect([...out]).toEqual([0, 5, 5, 0])
    sampleDepth({ ...frame, depth: null }, view, 1, out)
    expect([...out]).toEqual([0, 0, 0, 0])
  })

  it('reads a map of half the resolution at the same place', () => {
    const frame = makeFrame(8, 8, () => 0)
    const data = Float32Array.from({ length: 16 }, (_, i) => i + 1)
    const half = { ...frame, depth: { width: 4, height: 4, data } }
    const out = new Float32Array(16)
    sampleDepth(half, wholeView(half, 4, 4), 1, out)
    expect([...out]).toEqual([...data])
  })
})

describe('shrinkFrame', () => {
  it('keeps shape, camera and view scale', () => {
    const frame = makeFrame(640, 480, () => 40, { fx: 500, fy: 500, cx: 320, cy: 240 })
    const small = shrinkFrame(frame, 128, 128)
    expect([small.image.width, small.image.height]).toEqual([171, 128])
    expect(small.depth?.data.length).toBe(171 * 128)
    expect(small.image.data[100]).toBe(40)
    const of = (f: Frame) => viewScale(f, wholeView(f, 64, 48))
    expect(of(small)).toBeCloseTo(of(frame), 9)
  })

  it('leaves a frame alone that is no larger on one side', () => {
    const frame = makeFrame(100, 50, () => 1)
    expect(shrinkFrame(frame, 60, 60)).toBe(frame)
  })
})
