import { FloatType } from 'three'
import { EXRLoader } from 'three/examples/jsm/loaders/EXRLoader.js'
import { describe, expect, it } from 'vitest'
import type { DepthImage } from '../image/types.ts'
import { DarError } from '../support/errors.ts'
import { encodeExr } from './exr.ts'

/** Rows from the top, as another library reads them: three.js' first row is the lowest. */
function readBack(bytes: Uint8Array): DepthImage {
  const loader = new EXRLoader()
  loader.type = FloatType
  const { width, height, data } = loader.parse(bytes.slice().buffer) as unknown as DepthImage
  const channels = data.length / (width * height) // it spreads one channel over red, green and blue
  const upright = Float32Array.from({ length: width * height }, (_, i) => {
    const row = height - 1 - Math.floor(i / width)
    return data[channels * (row * width + (i % width))]
  })
  return { width, height, data: upright }
}

/** Smooth, with holes, and noise that does not compress. */
function mapOf(width: number, height: number): DepthImage {
  const value = (i: number) =>
    i % 17 === 0 ? 0 : i > (width * height) / 2 ? 1 + ((i * 2654435761) % 2 ** 32) / 2 ** 32 : 2 + Math.sin(i / 30)
  return { width, height, data: Float32Array.from({ length: width * height }, (_, i) => value(i)) }
}

describe('encodeExr', () => {
  it.each([
    ['zip', 40, 50],
    ['zip', 7, 16],
    ['zip', 1, 1],
    ['none', 40, 50],
    ['none', 5, 3],
  ] as const)('%s, %i×%i: three.js reads every value back, bit for bit', (compression, width, height) => {
    const map = mapOf(width, height)
    expect(readBack(encodeExr(map, { compression }))).toEqual(map)
  })

  it('is smaller with zip than without', () => {
    const flat = { width: 64, height: 64, data: new Float32Array(64 * 64).fill(2.5) }
    expect(encodeExr(flat).length).toBeLessThan(encodeExr(flat, { compression: 'none' }).length / 4)
  })

  it('refuses a map whose values do not fit its size', () => {
    expect(() => encodeExr({ width: 3, height: 3, data: new Float32Array(8) })).toThrow(DarError)
  })
})
