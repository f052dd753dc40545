import { describe, expect, it } from 'vitest'
import { augment } from './augment.ts'
import { pasteDepth } from './cut-depth.ts'
import { Random } from './index.ts'

const size = { width: 8, height: 2 }
const drawn = (...values: number[]) => ({ uniform: () => values.shift() ?? expect.fail('one number too many') })
/** 1 to 16 m, row by row, with a hole at (4, 0). */
const depth = Float32Array.from({ length: 16 }, (_, i) => (i === 4 ? 0 : i + 1))

describe('pasteDepth', () => {
  it('replaces a strip by depth over the largest depth, and leaves holes', () => {
    const image = new Float32Array(3 * 16).fill(0.25)
    pasteDepth(image, depth, size, drawn(0.4, 0.9)) // left ⌊3.2⌋ = 3, width ⌊(8 − 3.2)·0.9·0.75⌋ = ⌊3.24⌋ = 3
    const plane = [
      ...[0.25, 0.25, 0.25, 4 / 16, 0.25, 6 / 16, 0.25, 0.25],
      ...[0.25, 0.25, 0.25, 12 / 16, 13 / 16, 14 / 16, 0.25, 0.25],
    ]
    expect([...image]).toEqual([...plane, ...plane, ...plane])
  })

  it('is at least one column wide and stays inside', () => {
    const image = new Float32Array(3 * 16)
    pasteDepth(image, depth, size, drawn(0.999, 0))
    expect([...image.subarray(0, 16)].map((v) => v > 0)).toEqual(Array.from({ length: 16 }, (_, i) => i % 8 === 7))
  })

  it('leaves a sample without depth as it is', () => {
    const image = new Float32Array(3 * 16).fill(0.5)
    pasteDepth(image, new Float32Array(16), size, drawn(0, 0.9))
    expect([...image]).toEqual(Array(48).fill(0.5))
  })
})

describe('augment with cutDepth', () => {
  const frame = {
    name: 'f',
    image: { ...size, data: new Uint8Array(48).fill(64) },
    depth: { ...size, data: Float32Array.from({ length: 16 }, (_, i) => i + 1) },
    intrinsics: null,
  }
  const still = { whole: 1, stretch: 1, mirror: 0, colour: 0, grey: 0, blur: 0, noise: 0, rotation: 0 }

  it('changes no label, and nothing at all at probability 0', () => {
    const plain = augment(frame, new Random(1), { ...size, ...still })
    const none = augment(frame, new Random(1), { ...size, ...still, cutDepth: 0 })
    const cut = augment(frame, new Random(1), { ...size, ...still, cutDepth: 1 })
    expect(none).toEqual(plain)
    expect(cut.depth).toEqual(plain.depth)
    expect(cut.image).not.toEqual(plain.image)
  })

  it('comes as often as it says', () => {
    const plain = augment(frame, new Random(1), { ...size, ...still }).image
    const times = Array.from({ length: 400 }, (_, i) =>
      augment(frame, new Random(9, i), { ...size, ...still, cutDepth: 0.25 }),
    )
    const changed = times.filter(({ image }) => image.some((value, i) => Math.abs(value - plain[i]) > 1e-3)).length
    expect(changed).toBeGreaterThan(75)
    expect(changed).toBeLessThan(125)
  })
})
