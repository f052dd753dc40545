import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resizeNearestDepth, toPlanes } from '../image/resize.ts'
import { viewScale, wholeView } from '../image/view.ts'
import { Random } from '../support/random.ts'
import { augment, drawView, wholeFrame } from './augment.ts'
import type { Frame } from './types.ts'

function noiseFrame(width: number, height: number, seed = 1): Frame {
  const random = new Random(seed)
  return {
    name: `noise/${seed}`,
    image: { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => random.integer(0, 256)) },
    depth: { width, height, data: Float32Array.from({ length: width * height }, () => random.uniform(1, 3)) },
    intrinsics: { fx: width, fy: width * 1.02, cx: width / 2, cy: height / 2 },
  }
}
const size = { width: 24, height: 18 }

describe('wholeFrame', () => {
  it('resizes the whole frame as prediction does and labels it in canonical metres', () => {
    const frame = noiseFrame(50, 40)
    const { image, depth, name, scale } = wholeFrame(frame, size)
    expect(name).toBe('noise/1')
    expect(scale).toBe(viewScale(frame, wholeView(frame, 24, 18)))
    expect(image).toEqual(toPlanes(frame.image, 24, 18))
    const nearest = resizeNearestDepth(frame.depth ?? { width: 0, height: 0, data: new Float32Array() }, 24, 18)
    expect(depth).toEqual(nearest.data.map((d) => d * scale))
  })
})

describe('augment', () => {
  it('is a function of the frame and the random numbers', () => {
    const frame = noiseFrame(50, 40)
    expect(augment(frame, new Random(3, 1), size)).toEqual(augment(frame, new Random(3, 1), size))
    expect(augment(frame, new Random(3, 1), size).image).not.toEqual(augment(frame, new Random(3, 2), size).image)
  })

  it('gives colours in [0, 1] and depths that are scaled measurements or 0', () => {
    const frame = noiseFrame(40, 30)
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { image, depth, scale } = augment(frame, new Random(seed), { ...size, noise: 1, blur: 1, grey: 0.5 })
        expect(image.every((value) => value >= 0 && value <= 1)).toBe(true)
        expect(depth.every((d) => d === 0 || (d / scale > 0.999 && d / scale < 3.001))).toBe(true)
        // A crop of a lens can only look like a longer lens.
        expect(scale).toBeLessThanOrEqual(viewScale(frame, wholeView(frame, 24, 18)) * 1.001)
      }),
      { numRuns: 40 },
    )
  })

  const still = { minScale: 1, whole: 1, stretch: 1, rotation: 0, mirror: 0, colour: 0, grey: 0, blur: 0, noise: 0 }

  it('resizes as other libraries do where it is asked to: without antialias, or sharper; depth stays', () => {
    const frame = noiseFrame(96, 72)
    const spread = (image: Float32Array) => {
      const mean = image.reduce((sum, v) => sum + v, 0) / image.length
      return image.reduce((sum, v) => sum + (v - mean) ** 2, 0) / image.length
    }
    const plain = augment(frame, new Random(8), { ...size, ...still })
    const others = [1, 2, 3, 4, 5, 6].map((seed) =>
      augment(frame, new Random(seed), { ...size, ...still, resample: 1 }),
    )
    const kinds = others.map(({ image, depth }) => {
      expect(depth).toEqual(plain.depth)
      return spread(image) / spread(plain.image)
    })
    // White noise shrunk fourfold: one bilinear sample is the mean of 4 pixels, antialiased it is that of 16.
    expect(kinds.filter((ratio) => ratio > 2.5).length).toBeGreaterThan(0)
    expect(kinds.filter((ratio) => ratio > 1.05 && ratio < 2.5).length).toBeGreaterThan(0)
  })

  it('loses what JPEG loses, more at some qualities than at others', () => {
    const frame = noiseFrame(48, 36)
    const plain = augment(frame, new Random(8), { ...size, ...still })
    const errors = [1, 2, 3, 4].map((seed) => {
      const { image } = augment(frame, new Random(seed), { ...size, ...still, jpeg: 1 })
      return image.reduce((sum, v, i) => sum + Math.abs(v - plain.image[i]), 0) / image.length
    })
    expect(Math.min(...errors)).toBeGreaterThan(0.002)
    expect(Math.max(...errors)).toBeLessThan(0.2)
    expect(Math.max(...errors) / Math.min(...errors)).toBeGreaterThan(1.1)
  })

  it('changes nothing but the size when everything is switched off', () => {
    const noise = noiseFrame(48, 36)
    const data = Uint8Array.from({ length: 3 * 48 * 36 }, (_, i) => (i % 144) + Math.floor(i / 144))
    const frame = { ...noise, image: { ...noise.image, data } }
    const off = { minScale: 1, whole: 1, stretch: 1, rotation: 0, mirror: 0, colour: 0, grey: 0, blur: 0, noise: 0 }
    const plain = augment(frame, new Random(8), { ...size, ...off })
    const prepared = wholeFrame(frame, size)
    expect(plain.depth).toEqual(prepared.depth)
    expect(plain.scale).toBeCloseTo(prepared.scale, 12)
    // Not the same filter as prediction's, but on a smooth picture the same result.
    const difference = plain.image.reduce((sum, value, i) => sum + Math.abs(value - prepared.image[i]), 0)
    expect(difference / plain.image.length).toBeLessThan(0.01)
  })

  it('mirrors image and depth together', () => {
    const frame = noiseFrame(48, 36)
    const still = { minScale: 1, whole: 1, stretch: 1, colour: 0, grey: 0, blur: 0, noise: 0 }
    const straight = augment(frame, new Random(8), { ...size, ...still, mirror: 0 })
    const mirrored = augment(frame, new Random(8), { ...size, ...still, mirror: 1 })
    for (let y = 0; y < 18; y++)
      for (let x = 0; x < 24; x++) {
        // Sampling halfway between pixels, the nearest depth of a mirrored view may be the other neighbour: compare images.
        expect(mirrored.image[y * 24 + x]).toBeCloseTo(straight.image[y * 24 + 23 - x], 4)
      }
    const odd = noiseFrame(3 * 24, 3 * 18)
    const a = augment(odd, new Random(8), { ...size, ...still, mirror: 0 }).depth
    const b = augment(odd, new Random(8), { ...size, ...still, mirror: 1 }).depth
    for (let i = 0; i < a.length; i++) expect(b[i]).toBe(a[i - (i % 24) + 23 - (i % 24)])
  })

  it('writes into the given arrays', () => {
    const into = { image: new Float32Array(3 * 24 * 18), depth: new Float32Array(24 * 18) }
    const sample = augment(noiseFrame(40, 30), new Random(1), { ...size, into })
    expect(sample.image).toBe(into.image)
    expect(sample.depth).toBe(into.depth)
    expect(into.depth.every((d) => d > 0)).toBe(true)
  })

  it('gives a photo without ground truth an empty label', () => {
    const sample = augment({ ...noiseFrame(40, 30), depth: null }, new Random(1), size)
    expect(sample.depth.every((d) => d === 0)).toBe(true)
  })
})

describe('drawView', () => {
  it('stays inside the frame, whatever the shapes, the crop and the rotation', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 20, max: 200 }),
        fc.integer(),
        fc.double({ min: 0, max: 30, noNaN: true }),
        (width, height, seed, rotation) => {
          const view = drawView(noiseFrame(width, height), new Random(seed), { ...size, rotation })
          for (const [u, v] of [
            [0, 0],
            [24, 0],
            [0, 18],
            [24, 18],
          ]) {
            const x = view.a * u + view.b * v + view.c
            const y = view.d * u + view.e * v + view.f
            expect(x).toBeGreaterThan(-1e-6)
            expect(x).toBeLessThan(width + 1e-6)
            expect(y).toBeGreaterThan(-1e-6)
            expect(y).toBeLessThan(height + 1e-6)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('shows the whole frame, between its own shape and the network’s, as often as asked', () => {
    const frame = noiseFrame(60, 40)
    const view = drawView(frame, new Random(2), { ...size, whole: 1, stretch: 1 })
    expect(view.b).toBeCloseTo(0, 12)
    expect(view.e * 18).toBeCloseTo(40, 9)
    expect(Math.abs(view.a) * 24).toBeGreaterThanOrEqual((40 * 24) / 18 - 1e-9)
    expect(Math.abs(view.a) * 24).toBeLessThanOrEqual(60 + 1e-9)
  })
})
