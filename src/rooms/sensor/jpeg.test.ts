import { expect, test } from 'vitest'
import { Random } from '../../support/random.ts'
import { compressInPlace } from './jpeg.ts'

function noisy(width: number, height: number): Uint8Array {
  const random = new Random(1)
  return Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => 100 + 40 * Math.sin(i / 90) + random.uniform(-20, 20),
  )
}

function error(a: Uint8Array, b: Uint8Array): number {
  return Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / a.length)
}

test('leaves a flat picture as it is, borders included', () => {
  const rgb = new Uint8Array(3 * 21 * 13).map((_, i) => [90, 120, 60][i % 3])
  const before = rgb.slice()
  compressInPlace(rgb, 21, 13, 90)
  for (let i = 0; i < rgb.length; i++) expect(Math.abs(rgb[i] - before[i])).toBeLessThanOrEqual(2)
})

test('loses more at a lower quality', () => {
  const original = noisy(40, 24)
  const errors = [95, 75, 30].map((quality) => {
    const rgb = original.slice()
    compressInPlace(rgb, 40, 24, quality)
    return error(original, rgb)
  })
  expect(errors[0]).toBeLessThan(errors[1])
  expect(errors[1]).toBeLessThan(errors[2])
})

test('keeps 8x8 blocks apart: a change in one leaves the luminance of the others alone', () => {
  const a = new Uint8Array(3 * 32 * 8).fill(128)
  const b = a.slice()
  for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) b.fill(200, 3 * (32 * y + x), 3 * (32 * y + x) + 3)
  compressInPlace(a, 32, 8, 50)
  compressInPlace(b, 32, 8, 50)
  for (let y = 0; y < 8; y++)
    for (let x = 16; x < 32; x++) expect(b[3 * (32 * y + x) + 1]).toBe(a[3 * (32 * y + x) + 1])
  expect(b[0]).toBeGreaterThan(190)
})
