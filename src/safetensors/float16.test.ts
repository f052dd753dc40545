import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bfloat16ToFloat32, float32ToHalf, halfToFloat32, halfToNumber } from './float16.ts'

const allHalves = Uint16Array.from({ length: 65536 }, (_, bits) => bits)

/** The bits of the half nearest to `value`. */
const halfOf = (value: number): number => float32ToHalf(Float32Array.of(value))[0]

/** The value of a half from its definition, in float64. */
function definitionOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity
  return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : sign * fraction * 2 ** -24
}

/** The nearest half by search over the positive ones: slow and obvious. */
function nearestHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const magnitude = Math.abs(value)
  let lo = 0
  let hi = 0x7c00 // infinity takes the place of 2¹⁶ in the comparison
  const at = (bits: number) => (bits === 0x7c00 ? 65536 : definitionOf(bits))
  if (magnitude >= 65536) return sign | 0x7c00
  while (hi - lo > 1) {
    const middle = (lo + hi) >> 1
    if (at(middle) <= magnitude) lo = middle
    else hi = middle
  }
  const below = magnitude - at(lo)
  const above = at(hi) - magnitude
  return sign | (below < above || (below === above && lo % 2 === 0) ? lo : hi)
}

describe('half precision', () => {
  it('reads all 65536 halves as their definition says, signed zeros included', () => {
    const values = halfToFloat32(allHalves)
    const wrong = Array.from(allHalves).filter(
      (bits) => !Object.is(values[bits], definitionOf(bits)) || !Object.is(halfToNumber(bits), definitionOf(bits)),
    )
    expect(wrong).toEqual([])
  })

  it('returns every half to the same bits, NaN payloads included', () => {
    const returned = float32ToHalf(halfToFloat32(allHalves))
    expect(Array.from(allHalves).filter((bits) => returned[bits] !== bits)).toEqual([])
  })

  it('rounds the midpoint of every two neighbours to the even one, and what lies beside it to the nearer', () => {
    const nextUp = new Float32Array(1)
    const nextUpBits = new Uint32Array(nextUp.buffer)
    const wrong: number[] = []
    for (let lo = 0; lo < 0x7c00; lo++) {
      const upper = lo + 1 === 0x7c00 ? 65536 : definitionOf(lo + 1)
      nextUp[0] = (definitionOf(lo) + upper) / 2 // exact in float32: one more fraction bit than a half
      const even = lo % 2 === 0 ? lo : lo + 1
      if (halfOf(nextUp[0]) !== even || halfOf(-nextUp[0]) !== (even | 0x8000)) wrong.push(lo)
      nextUpBits[0]++
      if (halfOf(nextUp[0]) !== lo + 1) wrong.push(lo)
      nextUpBits[0] -= 2
      if (halfOf(nextUp[0]) !== lo) wrong.push(lo)
    }
    expect(wrong).toEqual([])
  })

  it('agrees with a search for the nearest half on float32 values of every magnitude', () => {
    const from = 0x32000000 // 2⁻²⁷
    const to = 0x47900000 // 73728
    fc.assert(
      fc.property(fc.integer({ min: from, max: to }), fc.boolean(), (bits, negative) => {
        const magnitude = new Float32Array(new Uint32Array([bits]).buffer)[0]
        const value = negative ? -magnitude : magnitude
        expect(halfOf(value)).toBe(nearestHalf(value))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    [65504, 0x7bff],
    [65519.99609375, 0x7bff],
    [65520, 0x7c00],
    [1e30, 0x7c00],
    [-Infinity, 0xfc00],
    [2 ** -25, 0],
    [-1e-40, 0x8000],
    [2 ** -24, 1],
    [1 / 3, 0x3555],
  ])('stores %d as bits %i', (value, bits) => {
    expect(halfOf(value)).toBe(bits)
  })

  it('keeps a NaN a NaN when its payload lies in the bits that are cut off', () => {
    const values = new Float32Array(new Uint32Array([0x7f800001, 0xff800001]).buffer)
    expect(Array.from(halfToFloat32(float32ToHalf(values)))).toEqual([Number.NaN, Number.NaN])
  })

  it('reads a part of a larger buffer', () => {
    expect(Array.from(float32ToHalf(new Float32Array([9, 1, -2]).subarray(1)))).toEqual([0x3c00, 0xc000])
  })
})

describe('bfloat16', () => {
  it('is the upper half of a float32', () => {
    const bits = new Uint16Array([0x3f80, 0xc000, 0x7f80, 0x0001, 0x7fc0])
    expect(Array.from(bfloat16ToFloat32(bits))).toEqual([1, -2, Infinity, 2 ** -133, Number.NaN])
  })
})
