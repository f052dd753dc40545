/**
 * 16-bit floating point as raw bits in a Uint16Array, since JavaScript (as of Node 20) has no Float16Array: IEEE 754
 * binary16 ("half": 1 sign, 5 exponent, 10 fraction bits) both ways, and bfloat16 (the upper half of a float32) to float32.
 * Rounding is to nearest, ties to even, as in PyTorch and NumPy. Left out: writing bfloat16, which no shipped file needs.
 */

const scratch = new Float32Array(1)
const scratchBits = new Uint32Array(scratch.buffer)

/** The float32 bits of half `h`. Every half is exactly a float32. */
function float32BitsOfHalf(h: number): number {
  const sign = (h & 0x8000) << 16
  const exponent = (h >> 10) & 0x1f
  const fraction = h & 0x3ff
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13)
  if (exponent !== 0) return sign | ((exponent + 127 - 15) << 23) | (fraction << 13)
  if (fraction === 0) return sign
  // Subnormal: fraction · 2⁻²⁴. Shift the leading one up to the implicit bit 10; each shift lowers the exponent by one.
  const shift = Math.clz32(fraction) - 21
  return sign | ((127 - 15 + 1 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)
}

/** The half nearest to the float32 with bits `x`. */
function halfOfFloat32Bits(x: number): number {
  const sign = (x >>> 16) & 0x8000
  const magnitude = x & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200) // a NaN must not become ∞
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // 65520 is halfway between the largest half and 2¹⁶: it rounds to ∞
  if (magnitude >= 0x38800000) {
    const rebiased = magnitude - ((127 - 15) << 23)
    return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13) // a carry into the exponent is right
  }
  if (magnitude <= 0x33000000) return sign // 2⁻²⁵ is halfway between 0 and the smallest subnormal
  // Subnormal: count units of 2⁻²⁴, the significand shifted right, plus one for more than a half or a tie at an odd count.
  const shift = 126 - (magnitude >>> 23)
  const significand = (magnitude & 0x7fffff) | 0x800000
  return sign | ((significand + (1 << (shift - 1)) - 1 + ((significand >>> shift) & 1)) >>> shift)
}

/** The value of the half whose bits are `bits`. */
export function halfToNumber(bits: number): number {
  scratchBits[0] = float32BitsOfHalf(bits)
  return scratch[0]
}

/** Halves (raw bits) to a new float32 array. Exact, including the payload of a NaN. */
export function halfToFloat32(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length)
  for (let i = 0; i < halves.length; i++) bits[i] = float32BitsOfHalf(halves[i])
  return new Float32Array(bits.buffer)
}

/** Float32 to a new array of halves (raw bits), rounded to nearest even. From 65520 on the result is infinity. */
export function float32ToHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < bits.length; i++) halves[i] = halfOfFloat32Bits(bits[i])
  return halves
}

/** Bfloat16 (raw bits) to a new float32 array: exact. */
export function bfloat16ToFloat32(values: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(values.length)
  for (let i = 0; i < values.length; i++) bits[i] = values[i] << 16
  return new Float32Array(bits.buffer)
}
