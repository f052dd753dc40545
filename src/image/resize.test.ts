import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DarError } from '../support/errors.ts'
import { resizeBilinear, resizeImage, resizeNearestDepth, resizeRgb, toPlanes } from './resize.ts'

interface Case {
  from: [height: number, width: number]
  to: [height: number, width: number]
}
const goldens: {
  antialias: (Case & { image: number[]; planes: number[] })[]
  bilinear: (Case & { map: number[]; out: number[] })[]
  nearest: (Case & { map: number[]; out: number[] })[]
} = JSON.parse(readFileSync(new URL('../../test/fixtures/image/goldens.json', import.meta.url), 'utf8'))

function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length)
  let error = 0
  for (let i = 0; i < actual.length; i++) error = Math.max(error, Math.abs(actual[i] - expected[i]))
  return error
}

const title = (c: Case) => `${c.from.join('×')} to ${c.to.join('×')}`
const rgb = (width: number, height: number, values: ArrayLike<number>) => ({
  width,
  height,
  data: Uint8Array.from(values),
})

describe('resizing photos', () => {
  it.each(goldens.antialias.map((c) => [title(c), c] as const))('agrees with PyTorch antialias, %s', (_, c) => {
    const image = rgb(c.from[1], c.from[0], c.image)
    const [height, width] = c.to
    expect(worst(toPlanes(image, width, height), c.planes)).toBeLessThan(1e-6)

    // The same numbers, channels last.
    const pixels = width * height
    const interleaved = Float32Array.from(c.planes, (_, i) => c.planes[(i % 3) * pixels + Math.floor(i / 3)])
    expect(worst(resizeRgb(image, width, height), interleaved)).toBeLessThan(1e-6)
  })

  it('keeps a flat image flat up to the borders', () => {
    const planes = toPlanes(rgb(31, 17, new Uint8Array(31 * 17 * 3).fill(200)), 7, 23)
    expect(worst(planes, new Float32Array(7 * 23 * 3).fill(200 / 255))).toBeLessThan(1e-6)
  })

  it('resizes a part whose edges lie between pixels: a ramp is read where the cells’ centres are', () => {
    const [width, height] = [40, 30]
    // r = 5x + 2, g = 7y + 1 at the pixel (x, y), whose centre is at x + ½, y + ½.
    const ramp = Array.from({ length: width * height }, (_, i) => [
      5 * (i % width) + 2,
      7 * Math.floor(i / width) + 1,
      0,
    ])
    const crop = { left: 6.3, top: 4.75, width: 24.5, height: 18.6 }
    const [w, h] = [5, 4]
    const planes = toPlanes(rgb(width, height, ramp.flat()), w, h, { crop })
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const [cx, cy] = [crop.left + ((x + 0.5) * crop.width) / w, crop.top + ((y + 0.5) * crop.height) / h]
        // The triangle's weights are not quite symmetric around a centre between pixels, hence the tolerance.
        expect(255 * planes[y * w + x]).toBeCloseTo(5 * (cx - 0.5) + 2, 0)
        expect(255 * planes[w * h + y * w + x]).toBeCloseTo(7 * (cy - 0.5) + 1, 0)
      }
    const all = { left: 0, top: 0, width, height }
    const image = rgb(width, height, ramp.flat())
    expect(toPlanes(image, w, h, { crop: all })).toEqual(toPlanes(image, w, h))
    const even = { left: 10, top: 5, width: 20, height: 20 } // whole pixels, no reduction: a copy
    expect(worst(toPlanes(image, 20, 20, { crop: even }).subarray(0, 1), [(5 * 10 + 2) / 255])).toBeLessThan(1e-6)
    expect(() => toPlanes(image, w, h, { crop: { ...crop, width: 34 } })).toThrow(/34×18.6 at 6.3, 4.75 is not inside/)
  })

  it('fills one image of a batch when given a part of a larger array', () => {
    const batch = new Float32Array(2 * 3 * 4)
    toPlanes(rgb(2, 2, new Uint8Array(12).fill(255)), 2, 2, { out: batch.subarray(12) })
    expect([...batch]).toEqual([...new Array(12).fill(0), ...new Array(12).fill(1)])
  })

  it('rounds to bytes, keeps the focal length, and returns the image itself when the size is the same', () => {
    const image = { ...rgb(2, 1, [0, 0, 0, 255, 255, 255]), focal35: 26 }
    expect(resizeImage(image, 1, 1)).toEqual({ width: 1, height: 1, data: Uint8Array.of(128, 128, 128), focal35: 26 })
    expect(resizeImage(image, 2, 1)).toBe(image)
  })

  it('refuses sizes that are not whole positive numbers and images whose data is cut', () => {
    const image = rgb(2, 1, [1, 2, 3, 4, 5, 6])
    expect(() => resizeRgb(image, 0, 3)).toThrow(DarError)
    expect(() => toPlanes(image, -1, 3)).toThrow(DarError)
    expect(() => resizeBilinear(new Float32Array(1), 1, 1, 2, -2)).toThrow(DarError)
    expect(() => resizeRgb(image, 1.5, 3)).toThrow('1.5×3')
    expect(() => resizeRgb({ ...image, height: 2 }, 1, 1)).toThrow('6 values where 12 are needed')
    expect(() => toPlanes(image, 2, 2, { out: new Float32Array(5) })).toThrow('out has 5 values')
  })
})

describe('resizing depth', () => {
  it.each(goldens.bilinear.map((c) => [title(c), c] as const))('agrees with PyTorch bilinear, %s', (_, c) => {
    const out = resizeBilinear(Float32Array.from(c.map), c.from[1], c.from[0], c.to[1], c.to[0])
    expect(worst(out, c.out)).toBeLessThan(2e-6)
  })

  it.each(['32×24 to 64×48', '7×1 to 50×7', '1×5 to 5×61', '1×1 to 3×2', '13×9 to 5×4'])(
    'is the formula with both axes at once, bit for bit, %s',
    (sizes) => {
      const [w, h, width, height] = sizes.split(/×| to /).map(Number)
      const map = Float32Array.from({ length: w * h }, (_, i) => 2 + Math.sin(i * i))
      const place = (i: number, from: number, to: number) =>
        Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
      const expected = Float32Array.from({ length: width * height }, (_, at) => {
        const [x, y] = [place(at % width, w, width), place(Math.floor(at / width), h, height)]
        const [i, j] = [Math.min(Math.floor(x), Math.max(w - 2, 0)), Math.min(Math.floor(y), Math.max(h - 2, 0))]
        const [right, below] = [Math.min(i + 1, w - 1), Math.min(j + 1, h - 1)]
        const along = (row: number) => map[row * w + i] + (x - i) * (map[row * w + right] - map[row * w + i])
        return along(j) + (y - j) * (along(below) - along(j))
      })
      expect(resizeBilinear(map, w, h, width, height)).toEqual(expected)
    },
  )

  it.each(goldens.nearest.map((c) => [title(c), c] as const))('agrees with PyTorch nearest-exact, %s', (_, c) => {
    const depth = { width: c.from[1], height: c.from[0], data: Float32Array.from(c.map) }
    const out = resizeNearestDepth(depth, c.to[1], c.to[0])
    expect([...out.data]).toEqual([...Float32Array.from(c.out)])
    expect([out.height, out.width]).toEqual(c.to)
  })

  it('makes up no depth beside a hole when it takes the nearest', () => {
    const holes = { width: 4, height: 1, data: Float32Array.of(0, 5, 0, 2) }
    expect(new Set(resizeNearestDepth(holes, 9, 5).data)).toEqual(new Set([0, 5, 2]))
  })

  it('copies a map that already has the size, so that the caller owns the result', () => {
    const map = Float32Array.of(1, 2, 3, 4)
    const out = resizeBilinear(map, 2, 2, 2, 2)
    expect(out).toEqual(map)
    expect(out).not.toBe(map)
  })

  it('refuses a map of another length', () => {
    expect(() => resizeBilinear(new Float32Array(5), 2, 2, 4, 4)).toThrow('map has 5 values where 4 are needed')
    expect(() => resizeNearestDepth({ width: 2, height: 2, data: new Float32Array(3) }, 4, 4)).toThrow(DarError)
  })
})
